import Conversation
import Testing

@testable import PolkitAgent

@Suite("Lines of polkit's helper")
struct HelperLineTests {
  static let texts = [
    "", "Password: ", "Offline passcode (7 logins left): ", "Müller 🔑", "a\tb\n\u{8}\u{b}\u{c}\r", "\"\\",
    "\u{7f}\u{1}",
    "otpauth://totp/x?secret=ABC",
  ]

  @Test("A text arrives as it was said, whatever its bytes", arguments: texts)
  func roundTrip(_ text: String) {
    let escaped = WireLine.escaped(text)
    #expect(HelperLine(Array("\(WireLine.promptEchoOff) \(escaped)".utf8)) == .prompt(text, echo: false))
    #expect(HelperLine(Array("\(WireLine.promptEchoOn) \(escaped)".utf8)) == .prompt(text, echo: true))
    #expect(HelperLine(Array("\(WireLine.info) \(escaped)".utf8)) == .message(text, isError: false))
    #expect(HelperLine(Array("\(WireLine.error) \(escaped)".utf8)) == .message(text, isError: true))
  }

  @Test("A verdict is the whole line: what only begins like one is none")
  func verdict() {
    #expect(HelperLine(Array("SUCCESS".utf8)) == .verdict(true))
    #expect(HelperLine(Array("FAILURE".utf8)) == .verdict(false))
    for line in [
      "SUCCESSFUL", "SUCCESS ", " SUCCESS", "success", "FAILURES", "", "PAM_TEXT_INFOSUCCESS", "PAM_OTHER x",
    ] {
      #expect(HelperLine(Array(line.utf8)) == nil, "\(line)")
    }
  }

  @Test("An escape that is cut off or unknown loses nothing else")
  func broken() {
    func text(_ escaped: String) -> String {
      String(decoding: HelperLine.unescaped(Array(escaped.utf8)), as: UTF8.self)
    }
    #expect(text("a\\") == "a")
    #expect(text("a\\q") == "aq")
    #expect(text("\\1012") == "A2")
    #expect(text("\\7x") == "\u{7}x")
    #expect(text("\\303\\274") == "ü")
    // More than a byte holds is cut off as g_strcompress does.
    #expect(HelperLine.unescaped(Array("\\777".utf8)) == [0xff])
  }
}

@Suite("What others put into a question")
struct ShownTextTests {
  @Test("orders for a terminal, lines and reversed reading are taken out, letters of all languages are not")
  func shownText() {
    #expect(shown("a\u{1b}[2Jb\u{7}\nc\u{9b}d") == "a [2Jb  c d")
    #expect(shown("x\u{202e}gpj.exe\u{2066}y\u{200e}") == "xgpj.exey")
    #expect(shown("Grüße 你好 שלום 👩‍💻 é") == "Grüße 你好 שלום 👩‍💻 é")
  }

  @Test("a process is found behind any name of its program")
  func process() throws {
    let rest = "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 424242 20 21"
    let process = try #require(ProcessFile(7, stat: "7 (evil) name (x) \(rest)"))
    #expect(process.name == "evil) name (x")
    #expect(process.startTime == 424242)
    #expect(ProcessFile(7, stat: "7 (short) S 1 2") == nil)
    #expect(ProcessFile(7, stat: "") == nil)
  }
}
