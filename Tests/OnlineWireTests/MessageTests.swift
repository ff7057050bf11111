import Testing

@testable import OnlineWire

private func anID(_ byte: UInt8 = 7) throws -> RequestID {
  try #require(RequestID([UInt8](repeating: byte, count: 32)))
}

@Suite("What the service asks")
struct RequestTests {
  @Test("every request comes out as it went in")
  func roundTrip() throws {
    let id = try anID()
    var settings = AuthoritySettings(kind: .privacyidea)
    #expect(try OnlineRequest(OnlineRequest.probe(id, settings).frame) == .probe(id, settings))
    settings.url = "https://mfa.example.org/pi"
    settings.realm = "home"
    settings.trigger = false
    settings.publicKey = [1, 2, 0]
    settings.host = "api.example.org:8443"
    settings.integrationKey = "DI"
    settings.servers = "[::1]:1812;radius.example.org"
    settings.secret = [0, 255]
    settings.authorities = [10]
    settings.pinnedKey = "sha256//AAAA"
    settings.proxy = "http://proxy:3128"
    settings.userTemplate = "%u@example.org"
    var subject = OnlineSubject(user: "zoë")
    subject.machine = "box"
    subject.remote = "192.0.2.1"
    subject.purpose = "login"
    let requests: [OnlineRequest] = [
      .begin(id, settings, subject, deadline: 1), .probe(id, settings, deadline: 600_000),
      .answer(id, code: [0, 49]), .answer(id, code: []), .wait(id, milliseconds: 0), .abandon,
    ]
    for request in requests {
      let bytes = try request.frame.encoded(longest: Frame.longestRequest)
      #expect(try OnlineRequest(Frame(body: bytes.dropFirst(4))) == request)
    }
  }

  @Test("unknown kinds and fields, missing ones and values that are none are refused by name")
  func refused() throws {
    let id = try anID()
    let begin = OnlineRequest.begin(id, AuthoritySettings(kind: .duo), OnlineSubject(user: "alice")).frame
    func expect(_ name: String, _ change: (inout Frame) -> Void) {
      var frame = begin
      change(&frame)
      #expect(throws: FrameFault.unexpected(name)) { try OnlineRequest(frame) }
    }
    expect("start") { $0.kind = "start" }
    expect("colour") { $0.fields["colour"] = [] }
    expect("code") { $0.fields["code"] = [] }
    expect("user") { $0.fields["user"] = nil }
    expect("user") { $0.fields["user"] = [] }
    expect("user") { $0.fields["user"] = [97, 0, 98] }
    expect("user") { $0.fields["user"] = [0xff] }
    expect("kind") { $0.fields["kind"] = Array("ldap".utf8) }
    expect("trigger") { $0.fields["trigger"] = Array("true".utf8) }
    for text in ["", "-1", "600001", "+5", "08", "8 s", "99999999999999999999"] {
      expect("deadline-ms") { $0.fields["deadline-ms"] = Array(text.utf8) }
    }
    for text in ["", String(repeating: "A", count: 64), id.hex + "0", String(id.hex.dropLast())] {
      expect("request") { $0.fields["request"] = Array(text.utf8) }
    }
  }

  @Test("the user's name at the authority follows the template, and only a whole one")
  func template() {
    var settings = AuthoritySettings(kind: .duo)
    var subject = OnlineSubject(user: "al%u")
    subject.machine = "box"
    #expect(settings.name(of: subject) == "al%u")
    settings.userTemplate = "%u@%h%%"
    #expect(settings.name(of: subject) == "al%u@box%")
    for template in ["%", "%u%", "%x", "% u"] {
      settings.userTemplate = template
      #expect(settings.name(of: subject) == nil)
    }
  }
}

@Suite("What the process answers")
struct ReplyTests {
  @Test("every reply comes out as it went in, and counts for its request only")
  func roundTrip() throws {
    let id = try anID()
    var late = OnlineVerdict(.denied, .lockedOut, "x", alarm: true)
    late.clockOffset = -86_400
    let replies: [OnlineReply] = [
      .challenge(OnlineChallenge(push: true, passcode: false, text: "Code?")), .verdict(late),
      .verdict(.approved(proof: "OATH1", "")), .probed(OnlineProbe(.ok, .reachable, "", clockOffset: 3)),
    ]
    for reply in replies {
      let bytes = try reply.frame(to: id).encoded(longest: Frame.longestReply)
      let frame = try Frame(body: bytes.dropFirst(4))
      #expect(try OnlineReply(frame, to: id) == reply)
      #expect(throws: FrameFault.unexpected("request")) { try OnlineReply(frame, to: anID(8)) }
    }
  }

  @Test("no approval comes without a proof, and no proof with anything else")
  func proof() throws {
    let id = try anID()
    #expect(OnlineVerdict.approved(proof: "", "let through").value == .bypassed)
    #expect(OnlineVerdict.approved(proof: " \n\u{200b}", "let through").value == .bypassed)
    var frame = OnlineReply.verdict(.approved(proof: "OATH1", "")).frame(to: id)
    frame.fields["proof"] = []
    #expect(throws: FrameFault.unexpected("proof")) { try OnlineReply(frame, to: id) }
    frame = OnlineReply.verdict(OnlineVerdict(.bypassed, .noFactor, "")).frame(to: id)
    frame.fields["proof"] = Array("OATH1".utf8)
    #expect(throws: FrameFault.unexpected("proof")) { try OnlineReply(frame, to: id) }
    frame.fields["proof"] = []
    frame.fields["value"] = Array("approved".utf8)
    #expect(throws: FrameFault.unexpected("proof")) { try OnlineReply(frame, to: id) }
  }

  @Test("a text of the server's becomes one short line without control, direction or invisible characters")
  func shown() {
    #expect(shownText("please enter otp: ") == "please enter otp:")
    #expect(shownText("\u{1b}[31mred\u{7}\r\nnew\u{202e}line\u{200b}") == "[31mred new line")
    #expect(shownText(" \u{a0} x \t y\u{2029}") == "x y")
    #expect(shownText(String(repeating: "ü", count: 300)).unicodeScalars.count == 200)
    #expect(shownText(String(repeating: "\n", count: 10_000) + "x") == "")
    #expect(shownText("") == "")
  }

  @Test("words of the wire are unique and of lower-case letters, digits and hyphens")
  func words() {
    let words = FieldName.allCases.map(\.rawValue)
    #expect(Set(words).count == words.count)
    for word in words + OnlineReason.allCases.map(\.rawValue) + VerdictValue.allCases.map(\.rawValue) {
      #expect(word.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "-") })
    }
  }
}
