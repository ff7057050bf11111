import OfflineAccess
import Testing

@testable import OfflineAccessService

@Suite("Entries of the journal")
struct JournalTests {
  private static let lie =
    "sshd\nalice passed [event=granted user=alice]\r\u{1b}]0;x\u{7}\u{9b}31m\u{2028}\u{202e}\" user=\\root"

  @Test("One line holds the message and every field, in the order of the manual")
  func line() {
    let line = Journal.line(
      .refused, "alice refused", [.reason: "BadResponse", .uid: "1000", .user: "alice", .remote: "2001:db8::7"])
    #expect(line == "alice refused [event=refused user=alice uid=1000 remote=2001:db8::7 reason=BadResponse]")
    #expect(Journal.line(.service, "ends", [:]) == "ends [event=service]")
  }

  @Test(
    "Whatever more than a plain word is stands in quotation marks, and those in it behind a backslash",
    arguments: [
      ("", "\"\""), ("a b", "\"a b\""), ("a\"b", "\"a\\\"b\""), ("a\\b", "\"a\\\\b\""), ("a=b", "\"a=b\""),
      ("a]", "\"a]\""), ("é", "\"é\""), ("alice@box", "alice@box"), ("\u{0}", "\"?\""),
    ])
  func quoting(_ value: String, _ written: String) {
    #expect(Journal.line(.fault, "m", [.service: value]) == "m [event=fault service=\(written)]")
  }

  @Test("What a caller says begins no line and no field, neither as text nor in the journal")
  func forging() throws {
    let line = Journal.line(.refused, "alice refused", [.service: Self.lie, .remote: "r", .reason: "BadResponse"])
    #expect(!line.unicodeScalars.contains { $0.value < 0x20 || (0x7f...0x9f).contains($0.value) })
    #expect(!line.contains("\u{2028}") && !line.contains("\u{202e}"))
    // Read by the rule of the manual: the first bracket with event= begins the fields.
    let fields = try #require(fieldsOf(line))
    #expect(fields.map(\.0) == ["event", "service", "remote", "reason"])
    #expect(fields.map(\.1).first == "refused")

    let entry = Journal.entry(.refused, [.service: Self.lie, .reason: "BadResponse"])
    #expect(entry.map(\.0) == ["OFFLINE_ACCESS_EVENT", "OFFLINE_ACCESS_SERVICE", "OFFLINE_ACCESS_REASON"])
    #expect(!entry.contains { $0.1.contains("\n") })
  }

  @Test("A message is one line too, whatever an administrator's file or polkit says")
  func message() {
    #expect(Journal.line(.fault, "a\nb\u{85}c", [:]) == "a?b?c [event=fault]")
  }

  @Test("Ordinary text of any script stays as it is", arguments: ["Zoë", "日本語", "naïve", "👩"])
  func text(_ text: String) {
    #expect(Journal.printable(text) == text)
  }

  /// The fields of a line, read as the manual tells.
  private func fieldsOf(_ line: String) -> [(String, String)]? {
    guard let start = line.firstRange(of: " [event="), line.hasSuffix("]") else { return nil }
    var rest = line[line.index(start.lowerBound, offsetBy: 2)...].dropLast()
    var fields: [(String, String)] = []
    while !rest.isEmpty {
      guard let equals = rest.firstIndex(of: "=") else { return nil }
      let name = String(rest[..<equals])
      rest = rest[rest.index(after: equals)...]
      var value = ""
      if rest.first == "\"" {
        rest = rest.dropFirst()
        while let character = rest.first, character != "\"" {
          if character == "\\" { rest = rest.dropFirst() }
          value.append(rest.removeFirst())
        }
        rest = rest.dropFirst()
      } else {
        while let character = rest.first, character != " " {
          value.append(character)
          rest = rest.dropFirst()
        }
      }
      fields.append((name, value))
      if rest.first == " " { rest = rest.dropFirst() }
    }
    return fields
  }
}
