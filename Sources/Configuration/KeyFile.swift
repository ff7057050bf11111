import CGLib

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

  /// Parses the file at `path`; nil where there is none.
  init?(path: String) throws(ConfigurationError) {
    guard let bytes = try TrustedFile.read(path) else { return nil }
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
    func isBlank(_ byte: UInt8) -> Bool { [UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r")].contains(byte) }
    guard let first = utf8.firstIndex(where: { !isBlank($0) }) else { return "" }
    let last = utf8.lastIndex { !isBlank($0) } ?? first
    return String(self[first...last])
  }
}
