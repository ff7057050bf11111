import Configuration
import Foundation
import OfflineAccess
import Testing

@Suite("The list of security keys")
struct KeyCatalogueFileTests {
  private func load(_ text: String?) throws -> KeyCatalogue {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("keys-\(UUID().uuidString).conf").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    if let text {
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
      try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
    }
    return try KeyCatalogueFile(path: path).load()
  }

  @Test("A section is a family, in the order of the file")
  func families() throws {
    let catalogue = try load(
      "# comment\n[One]\nstanding=allowed\nmatch=1050:*;f8a011f3-8c0a-4d15-8006-17111f9edc7d;\n\n[Two]\nstanding=refused\nmatch=096e:0880\n"
    )
    #expect(catalogue.families.map(\.name) == ["One", "Two"])
    #expect(catalogue.families[0].patterns.count == 2)
    #expect(catalogue.families[1].standing == .refused)
  }

  @Test(
    "What is wrong is blamed with its line, and nothing is taken of the file",
    arguments: [
      ("[One]\nstanding=allowed\n", 1, "lacks"), ("[One]\nmatch=1050:*\n", 1, "lacks"),
      ("[One]\nstanding=perhaps\nmatch=1050:*\n", 2, "expected allowed"),
      ("[One]\nstanding=allowed\nmatch=1050\n", 3, "neither a USB id nor an AAGUID"),
      ("[One]\nstanding=allowed\nmatch=1050:*\ncolour=red\n", 4, "unknown key"),
      ("standing=allowed\n", 1, "before any"), ("[One]\nstanding=allowed\nstanding=allowed\nmatch=1:*\n", 3, "twice"),
    ])
  func wrong(_ text: String, _ line: Int, _ reason: String) throws {
    let error = try #require(throws: ConfigurationError.self) { try load(text) }
    #expect(error.line == line)
    #expect(error.reason.contains(reason), "\(error)")
  }

  @Test("A list that is not there is an error, not an empty list")
  func missing() throws {
    let error = try #require(throws: ConfigurationError.self) { try load(nil) }
    #expect(error.reason == "not there")
  }
}
