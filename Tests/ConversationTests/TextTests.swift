import BusClient
import OfflineAccess
import Testing

@testable import Conversation

@Suite("Texts")
struct TextTests {
  @Test(
    "the prompt says what remains",
    arguments: [
      (Allowance.passcode(limit: .logins, remaining: 7), "Offline passcode (7 logins left): "),
      (.passcode(limit: .logins, remaining: 1), "Offline passcode (1 login left): "),
      (.passcode(limit: .days, lastDay: "2026-12-01"), "Offline passcode (until 1 December 2026): "),
      (
        .passcode(limit: .both, remaining: 7, lastDay: "2026-12-01"),
        "Offline passcode (7 logins left, until 1 December 2026): "
      ),
      (
        .passcode(limit: .both, remaining: 1, lastDay: "2027-02-28"),
        "Offline passcode (1 login left, until 28 February 2027): "
      ),
      (.passcode(limit: .unlimited, remaining: 7, lastDay: "2026-12-01"), "Offline passcode: "),
      // What is missing or not understood is left out.
      (.passcode(limit: .logins), "Offline passcode: "),
      (.passcode(limit: .days, lastDay: "tomorrow"), "Offline passcode: "),
      (.passcode(limit: .both, remaining: 7), "Offline passcode (7 logins left): "),
      (.passcode(.exhausted, limit: .logins, remaining: 0), "Offline passcode: "),
    ])
  func prompts(allowance: Allowance, text: String) {
    #expect(Texts.passcodePrompt(allowance) == text)
  }

  @Test(
    "a date is spelled with the month's English name",
    arguments: zip(
      1...12,
      [
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
      ]))
  func months(month: Int, name: String) {
    let digits = month < 10 ? "0\(month)" : "\(month)"
    #expect(Texts.spelledOut("2026-\(digits)-09") == "9 \(name) 2026")
  }

  @Test(
    "what is no ISO date is not spelled",
    arguments: [
      "", "2026-12-1", "2026-13-01", "2026-00-01", "2026-12-00", "2026-12-32", "2026/12/01",
      "20261-2-01", "２０２６-12-01", "2026-12-01T00:00", "-026-12-01",
    ])
  func noDate(text: String) {
    #expect(Texts.spelledOut(text) == nil)
  }
}

@Suite("The limit of a message")
struct MessageLimitTests {
  @Test("no message of a whole set-up is too long for LightDM, whatever the user's name", arguments: 1...256)
  func everyName(length: Int) {
    // LightDM loses what is longer than this, and the login hangs.
    let limit = 995 - length
    let words = String(repeating: "Zwölf Wörter 🔑 ", count: 150)
    let letters = String(repeating: "ſ€🔑", count: 400)
    for text in [words, letters] {
      let service = ScriptedService(.absent(offer: true), .no(.notActivated))
      var challenge = Challenge(activation: "/a")
      challenge.uri = "otpauth://totp/" + String(repeating: "x", count: limit - 15)
      challenge.secret = text
      service.challenge = .success(challenge)
      service.confirmations = [
        .failure(.refused(Refusal(.badResponse, text))), .failure(.refused(Refusal(.failed, text))),
      ]
      let user = String(repeating: "u", count: length)
      let talk = run(service, ScriptedPerson("yes", "1", "2"), Request(user: user))
      #expect(talk.verdict == .refused(.failed))
      #expect(talk.lines.allSatisfy { !$0.text.isEmpty && $0.text.utf8.count <= limit })
      #expect(talk.lines.contains(.info(challenge.uri)))
      // Nothing was lost or broken on the way.
      let shown = talk.lines.filter { if case .error = $0 { true } else { false } }.map(\.text).joined()
      #expect(shown == text + text)
    }
  }

  @Test("a name of characters beyond ASCII counts by its bytes")
  func bytesOfName() {
    #expect(MessageLimit(user: String(repeating: "ü", count: 100)).bytes == 795)
  }

  @Test("a text is cut behind a space where there is one")
  func cutAtSpace() {
    let pieces = MessageLimit(user: "alice").pieces(of: String(repeating: "seven. ", count: 200))
    #expect(pieces.count == 2)
    #expect(pieces[0].hasSuffix("seven. "))
  }

  @Test("a text of the very limit is one message, one more byte makes two")
  func edge() {
    let limit = MessageLimit(user: "alice")
    #expect(limit.bytes == 990)
    #expect(limit.pieces(of: String(repeating: "x", count: 990)).count == 1)
    #expect(limit.pieces(of: String(repeating: "x", count: 991)).map(\.utf8.count) == [990, 1])
    #expect(limit.pieces(of: "").isEmpty)
  }

  @Test("control characters reach no terminal")
  func controls() {
    let pieces = MessageLimit(user: "alice").pieces(of: "a\u{1B}[2Jb\nc\u{7F}d\u{9B}e\u{0}f")
    #expect(pieces == ["a [2Jb c d e f"])
  }
}

@Suite("The helper's lines")
struct WireLineTests {
  @Test(
    "text is escaped as g_strescape does",
    arguments: [
      ("plain text?", "plain text?"), ("\u{8}\u{c}\n\r\t\u{b}", "\\b\\f\\n\\r\\t\\v"),
      ("say \"a\\b\"", "say \\\"a\\\\b\\\""), ("\u{1}\u{1B}\u{7F}", "\\001\\033\\177"),
      ("ü", "\\303\\274"), ("█", "\\342\\226\\210"), ("🔑", "\\360\\237\\224\\221"), ("", ""),
    ])
  func escapes(text: String, line: String) {
    #expect(WireLine.escaped(text) == line)
  }

  @Test("any text is one line of printable ASCII")
  func oneLine() {
    let all = (0..<0x250).compactMap { UnicodeScalar($0).map(String.init) }.joined()
    #expect(WireLine.escaped(all).utf8.allSatisfy { (0x20..<0x7F).contains($0) })
  }
}
