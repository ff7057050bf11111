import CGLib
import Glibc

/// A GLib key file with the lines that its keys stand on.
///
/// GLib parses; what it does not tell, the line, is looked up in the text afterwards.
struct KeyFile {
  struct Entry {
    let section: String
    let key: String
    let value: String
    let line: Int
  }

  private(set) var entries: [Entry] = []
  private(set) var sections: [(name: String, line: Int)] = []

  /// Larger than any sensible file; keeps a mistaken path from filling the memory.
  private static let largestSize = 1 << 20

  /// Parses the file at `path`; nil where there is none.
  init?(path: String) throws(ConfigurationError) {
    guard let bytes = try Self.read(path) else { return nil }
    let text = String(decoding: bytes, as: UTF8.self)
    let lines = Self.lines(bytes)
    if let invalid = lines.firstIndex(where: { $0.contains(0) || String(validating: $0, as: UTF8.self) == nil }) {
      throw ConfigurationError(file: path, line: invalid + 1, reason: "not valid UTF-8 text")
    }
    let places = try Places(lines.map { String(decoding: $0, as: UTF8.self) }, file: path)
    guard let file = g_key_file_new() else { throw ConfigurationError(file: path, line: nil, reason: "out of memory") }
    defer { g_key_file_unref(file) }
    var error: UnsafeMutablePointer<GError>?
    guard g_key_file_load_from_data(file, text, gsize(text.utf8.count), G_KEY_FILE_NONE, &error) != 0 else {
      throw Self.failure(error, file: path, line: nil)
    }
    sections = places.sections
    for place in places.keys {
      // GLib returns what it could read of a bad escape sequence, with the error beside it.
      let value = g_key_file_get_string(file, place.section, place.key, &error)
      defer { g_free(value) }
      guard let value, error == nil else { throw Self.failure(error, file: path, line: place.line) }
      entries.append(Entry(section: place.section, key: place.key, value: String(cString: value), line: place.line))
    }
  }

  private static func failure(_ error: UnsafeMutablePointer<GError>?, file: String, line: Int?) -> ConfigurationError {
    defer { if let error { g_error_free(error) } }
    return ConfigurationError(
      file: file, line: line, reason: error.map { String(cString: $0.pointee.message) } ?? "unreadable")
  }

  /// The bytes of a file that only root (or, in tests, this user) can have written.
  private static func read(_ path: String) throws(ConfigurationError) -> [UInt8]? {
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

  private static func lines(_ bytes: [UInt8]) -> [[UInt8]] {
    bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(Array.init)
  }
}

/// On which line of a key file each section and key stands; refuses what GLib would take silently
/// (a key given twice) or refuse without a line.
private struct Places {
  var sections: [(name: String, line: Int)] = []
  var keys: [(section: String, key: String, line: Int)] = []

  init(_ lines: [String], file: String) throws(ConfigurationError) {
    var section: String?
    for (index, raw) in lines.enumerated() {
      let number = index + 1
      func refused(_ reason: String) -> ConfigurationError {
        ConfigurationError(file: file, line: number, reason: reason)
      }
      let line = raw.trimmingBlanks
      if line.isEmpty || line.hasPrefix("#") { continue }
      if line.hasPrefix("[") {
        guard line.hasSuffix("]"), line.count > 2, line.dropFirst().dropLast().isName else {
          throw refused("“\(line)” is no section, which looks like [Name]")
        }
        let name = String(line.dropFirst().dropLast())
        section = name
        sections.append((name, number))
        continue
      }
      guard let equals = line.firstIndex(of: "="), equals > line.startIndex else {
        throw refused("“\(line)” is neither a section, a comment nor KEY=VALUE")
      }
      let key = String(line[..<equals]).trimmingBlanks
      guard key.isName else { throw refused("“\(key)” is no key") }
      guard let section else { throw refused("“\(key)” stands before any [Section]") }
      if let first = keys.first(where: { $0.section == section && $0.key == key }) {
        throw refused("“\(key)” is given twice; first on line \(first.line)")
      }
      keys.append((section, key, number))
    }
  }
}

extension StringProtocol {
  /// Whether GLib may take this as the name of a section or a key.
  fileprivate var isName: Bool {
    !unicodeScalars.contains { $0 == "[" || $0 == "]" || $0.value < 0x20 || $0.value == 0x7f }
  }
}

extension String {
  /// Without spaces, tabs and carriage returns at both ends.
  fileprivate var trimmingBlanks: String {
    func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" || character == "\r" }
    return String(drop(while: isBlank).reversed().drop(while: isBlank).reversed())
  }
}
