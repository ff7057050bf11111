import Foundation
import Testing

@testable import Conversation
@testable import OfflineAccess

@Suite("The page about PAM's texts")
struct PAMTextPageTests {
  private static let page: String = {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return (try? String(contentsOf: folder.appendingPathComponent("docs/pam-text.md"), encoding: .utf8)) ?? ""
  }()

  /// The texts that begin a row of a table.
  private static let rows: [String] = page.matches(of: /(?m)^\| `([^`]+)` \|/).map { String($0.1) }

  @Test("each text of the tables is one that the code says and recognises")
  func recognised() {
    #expect(Self.rows.count > 25)
    for row in Self.rows { #expect(RecognisedText(row.replacing("…", with: "x")) != nil, "\(row)") }
  }

  @Test("each kind of prompt and message that a login can show is in the tables")
  func complete() {
    let atLogin = RecognitionTests.texts.filter {
      // At no login: said by the command line, or by a host that is broken, or to somebody far away.
      !["touchPresent", "notText", "noUser", "setUpElsewhere"].contains($0.member)
    }
    let onPage = Self.rows.compactMap { RecognisedText($0.replacing("…", with: "x")) }.map(Self.kind)
    for (member, text, meaning) in atLogin where meaning != .setUp {
      #expect(onPage.contains(Self.kind(meaning)), "\(member): \(text)")
    }
    #expect(Self.page.contains("`\(Texts.setUp)`"))
  }

  /// The case without what varies.
  private static func kind(_ text: RecognisedText) -> String {
    String("\(text)".prefix { $0 != "(" })
  }

  @Test("no text is longer than a message may be, with names of 1 to 256 characters")
  func lengths() {
    for length in 1...256 {
      let limit = MessageLimit(user: String(repeating: "n", count: length))
      #expect(limit.bytes == 995 - length)
      for (_, text, _) in RecognitionTests.texts {
        let pieces = limit.pieces(of: text)
        #expect(pieces == [text], "\(length): \(text)")
      }
    }
  }
}
