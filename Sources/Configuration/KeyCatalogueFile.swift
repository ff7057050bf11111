import OfflineAccess

/// The list of security keys that comes with the program: a section a family.
public struct KeyCatalogueFile: Sendable {
  private static let standingKey = "standing"
  private static let patternsKey = "match"

  public let path: String

  public init(path: String = "/usr/share/offline-access/security-keys.conf") { self.path = path }

  /// Reads the file. One that is not there is an error: without it no key could be told from another.
  public func load() throws(ConfigurationError) -> KeyCatalogue {
    guard let file = try KeyFile(path: path) else {
      throw ConfigurationError(file: path, line: nil, reason: "not there")
    }
    for entry in file.entries where ![Self.standingKey, Self.patternsKey].contains(entry.key) {
      throw ConfigurationError(file: path, line: entry.line, reason: "unknown key “\(entry.key)”")
    }
    var families: [KeyFamily] = []
    for section in file.sections {
      func entry(_ key: String) throws(ConfigurationError) -> KeyFile.Entry {
        guard let entry = file.entries.first(where: { $0.section == section.name && $0.key == key }) else {
          throw ConfigurationError(file: path, line: section.line, reason: "[\(section.name)] lacks “\(key)”")
        }
        return entry
      }
      let standing = try entry(Self.standingKey)
      guard let kind = KeyFamily.Standing(rawValue: standing.value) else {
        let words = KeyFamily.Standing.allCases.map(\.rawValue).joined(separator: ", ")
        throw ConfigurationError(file: path, line: standing.line, reason: "expected \(words)")
      }
      let patterns = try entry(Self.patternsKey)
      let words = patterns.value.split(separator: ";")
      families.append(
        KeyFamily(
          name: section.name, standing: kind,
          patterns: try words.map { (word) throws(ConfigurationError) in
            guard let pattern = KeyPattern(word) else {
              throw ConfigurationError(
                file: path, line: patterns.line, reason: "“\(word)” is neither a USB id nor an AAGUID")
            }
            return pattern
          }))
    }
    return KeyCatalogue(families)
  }
}
