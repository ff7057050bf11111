import Foundation
import Testing

@testable import OnlineWire

@Suite("The description of the talk")
struct DocumentTests {
  @Test("every word is in it")
  func words() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../..")
    let text = try String(contentsOf: root.appending(path: "docs/online-protocol.md"), encoding: .utf8)
    let words =
      RequestKind.allCases.map(\.rawValue) + ReplyKind.allCases.map(\.rawValue) + FieldName.allCases.map(\.rawValue)
      + AuthorityName.allCases.map(\.rawValue) + VerdictValue.allCases.map(\.rawValue)
      + ProbeValue.allCases.map(\.rawValue) + OnlineReason.allCases.map(\.rawValue)
    for word in words { #expect(text.contains("`\(word)`"), "\(word)") }
  }
}
