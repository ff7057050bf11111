import Glibc

/// The files of a machine, seen from a root folder that a test may choose.
struct HostFiles: Sendable {
  /// Put before every absolute path; empty for the machine itself.
  var root = ""
  /// Who has to own what protects the machine.
  var administrator: UInt32 = 0

  /// What is known of a file without reading it.
  struct Information: Equatable {
    enum Kind { case file, folder, link, other }
    let kind: Kind
    let owner: UInt32
    /// The permission bits, set-user-id and the like included.
    let mode: UInt32

    /// Whether anybody but the owner may change it.
    var isWritableByOthers: Bool { mode & 0o022 != 0 }
    var isExecutable: Bool { mode & 0o111 == 0o111 }
    /// Octal, as `chmod` takes it.
    var modeText: String {
      let digits = String(mode, radix: 8)
      return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
  }

  /// The file behind `path`, links followed; nil where there is none or none can be seen.
  func information(_ path: String) -> Information? {
    var status = stat()
    guard stat(root + path, &status) == 0 else { return nil }
    let kind: Information.Kind =
      switch status.st_mode & S_IFMT {
      case S_IFREG: .file
      case S_IFDIR: .folder
      case S_IFLNK: .link
      default: .other
      }
    return Information(kind: kind, owner: status.st_uid, mode: status.st_mode & 0o7777)
  }

  func exists(_ path: String) -> Bool { information(path) != nil }

  /// The text of a small file; nil where it cannot be read.
  func text(_ path: String, limit: Int = 1 << 20) -> String? {
    bytes(path, limit: limit).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The bytes of a small file; nil where it cannot be read.
  func bytes(_ path: String, limit: Int = 1 << 20) -> [UInt8]? {
    let file = open(root + path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 8192)
    while bytes.count < limit {
      let count = read(file, &chunk, chunk.count)
      if count < 0 {
        if errno == EINTR { continue }
        return nil
      }
      if count == 0 { break }
      bytes += chunk[..<count]
    }
    return bytes
  }

  /// The names in a folder in order, without hidden ones; empty where it cannot be read.
  func names(in folder: String) -> [String] {
    guard let stream = opendir(root + folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        tuple.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: tuple.pointee)) {
          String(cString: $0)
        }
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted()
  }

  /// Bytes that an unprivileged writer finds free at `path`, or nil.
  func freeBytes(_ path: String) -> UInt64? {
    var status = statvfs()
    guard statvfs(root + path, &status) == 0 else { return nil }
    return UInt64(status.f_bavail) * UInt64(status.f_frsize)
  }
}
