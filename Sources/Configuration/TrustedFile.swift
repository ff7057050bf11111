import Glibc

/// Files that decide who gets in: only root may have had a hand in them.
public enum TrustedFile {
  /// Larger than any sensible file; keeps a mistaken path from filling the memory.
  private static let largestSize = 1 << 20

  /// The bytes of a file that only root (or, in tests, this user) can have written; nil where there is none.
  ///
  /// - Parameter isSecret: whether nobody else may be able to read it either.
  public static func read(_ path: String, isSecret: Bool = false) throws(ConfigurationError) -> [UInt8]? {
    // Non-blocking, so that a pipe under this name does not hold the service up.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      var status = stat()
      if errno == ENOENT, lstat(path, &status) != 0 { return nil }
      throw ConfigurationError(file: path, line: nil, reason: String(cString: strerror(errno)))
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw ConfigurationError(file: path, line: nil, reason: "not a regular file")
    }
    guard status.st_uid == 0 || status.st_uid == geteuid(), status.st_mode & 0o022 == 0 else {
      throw ConfigurationError(file: path, line: nil, reason: "must belong to root and be writable by root alone")
    }
    guard !isSecret || status.st_mode & 0o077 == 0 else {
      throw ConfigurationError(file: path, line: nil, reason: "must be readable by root alone (chmod 600)")
    }
    guard status.st_size <= largestSize else {
      throw ConfigurationError(file: path, line: nil, reason: "larger than \(largestSize) bytes")
    }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size) + 1)
    var filled = 0
    while filled < bytes.count {
      let count = bytes.withUnsafeMutableBytes { buffer in
        Glibc.read(descriptor, buffer.baseAddress.map { $0 + filled }, buffer.count - filled)
      }
      guard count >= 0 else {
        throw ConfigurationError(file: path, line: nil, reason: String(cString: strerror(errno)))
      }
      if count == 0 { break }
      filled += count
    }
    return Array(bytes.prefix(filled))
  }
}
