import Foundation
import OnlineWire
import Testing

extension IntegrationTests.OnlineFactor {
  @Suite("A stand-in for Duo, with the official client as its referee")
  struct DuoTests {
    private let server: OnlineHelper
    private let settings: AuthoritySettings

    init() throws {
      try Machine.require()
      server = try OnlineHelper("duo_stand_in.py", OnlinePKI.server())
      var settings = AuthoritySettings(kind: .duo)
      settings.host = "localhost:\(server.greeting)"
      settings.integrationKey = "DIXXXXXXXXXXXXXXXXXX"
      settings.secret = Array("deadbeefdeadbeefdeadbeefdeadbeefdeadbeef".utf8)
      settings.authorities = try OnlinePKI.authority()
      self.settings = settings
    }

    @Test("the official client gets through, and with a wrong key it does not")
    func referee() throws { try server.tell("referee \(server.greeting) \(OnlinePKI.folder)/ca.pem") }

    @Test("a push is left waiting, then allowed; the phone shows the machine and the purpose")
    func allowed() throws {
      let talk = try OnlineTalk()
      let asked = try #require(try talk.begin(settings, "push1").challenge)
      #expect(asked.push && asked.passcode)
      #expect(try server.tell("shown") == "Machine=box&Purpose=login")
      #expect(try talk.wait(700).challenge == asked)
      try server.tell("phone push1 allow")
      let verdict = try #require(try talk.wait(8000).verdict)
      #expect(verdict.value == .approved && verdict.proof.hasPrefix("00000000-"))
      #expect(try talk.end() == 0)
      #expect(
        try server.tell("calls").hasPrefix("/auth/v2/ping /auth/v2/preauth /auth/v2/auth /auth/v2/auth_status"))
    }

    @Test(
      "a push that is not allowed is denied for its reason",
      arguments: [
        ("deny", .declined, false), ("fraud", .declined, true), ("timeout", .noResponse, false),
        ("locked_out", .lockedOut, false),
      ] as [(String, OnlineReason, Bool)])
    func notAllowed(_ answer: String, _ reason: OnlineReason, _ alarm: Bool) throws {
      let talk = try OnlineTalk()
      _ = try talk.begin(settings, "push2")
      try server.tell("phone push2 \(answer)")
      expectVerdict(try talk.wait(8000), .denied, reason, alarm: alarm)
    }

    @Test("a user who is let through only at the last step is bypassed all the same")
    func bypassLate() throws {
      let talk = try OnlineTalk()
      _ = try talk.begin(settings, "push3")
      try server.tell("phone push3 bypass")
      expectVerdict(try talk.wait(8000), .bypassed, .noFactor)
    }

    @Test("a passcode is typed, also while a push waits")
    func passcode() throws {
      let talk = try OnlineTalk()
      #expect(
        try talk.begin(settings, "code").challenge
          == OnlineChallenge(push: false, passcode: true, text: "Account is active"))
      #expect(try talk.answer("123456").verdict?.value == .approved)
      let second = try OnlineTalk()
      #expect(try second.begin(settings, "push4").challenge?.push == true)
      try second.send(.wait(second.id, milliseconds: 60_000))
      try second.send(.answer(second.id, code: Array("000000".utf8)))
      #expect(try second.reply().challenge?.push == true)
      expectVerdict(try second.reply(), .denied, .wrongCode)
    }

    @Test("who needs no factor is bypassed; who may not, must enrol or is locked out is denied")
    func preauth() throws {
      expectVerdict(try OnlineTalk().begin(settings, "allow"), .bypassed, .noFactor)
      expectVerdict(try OnlineTalk().begin(settings, "deny"), .denied, .rejected)
      expectVerdict(try OnlineTalk().begin(settings, "enroll"), .denied, .mustEnrol)
      expectVerdict(try OnlineTalk().begin(settings, "locked"), .denied, .lockedOut)
    }

    @Test("a wrong key is the administrator's fault, and so are a bad time and unknown keys by Duo's word")
    func keys() throws {
      var wrong = settings
      wrong.secret = Array("deadbeefdeadbeefdeadbeefdeadbeefdeadbeee".utf8)
      expectVerdict(try OnlineTalk().begin(wrong, "push"), .misconfigured, .badKey)
      let probe = try OnlineTalk().probe(wrong)
      #expect(probe.value == .misconfigured && probe.reason == .badKey)
      try server.tell("fail 40105 1")
      expectVerdict(try OnlineTalk().begin(settings, "push"), .misconfigured, .clock, alarm: true)
      try server.tell("fail 40102 1")
      expectVerdict(try OnlineTalk().begin(settings, "push"), .misconfigured, .badKey)
    }

    @Test("a server whose clock is a day off is met by its own time, and the difference is told")
    func clock() throws {
      for day in [86_400, -86_400] {
        try server.tell("clock \(day)")
        let talk = try OnlineTalk()
        _ = try talk.begin(settings, "code")
        let verdict = try #require(try talk.answer("123456").verdict)
        #expect(verdict.value == .approved)
        #expect(abs(try #require(verdict.clockOffset) - Int64(day)) <= 2)
        #expect(abs(try #require(try OnlineTalk().probe(settings).clockOffset) - Int64(day)) <= 2)
      }
    }

    @Test("a passcode that Duo does not even look at is a wrong one, and no fault of the settings")
    func oddPasscode() throws {
      let talk = try OnlineTalk()
      #expect(try talk.begin(settings, "code").challenge != nil)
      try server.tell("fail 40002 1")
      expectVerdict(try talk.answer("no code"), .denied, .wrongCode)
      try server.tell("fail 40002 1")
      expectVerdict(try OnlineTalk().begin(settings, "code"), .misconfigured, .badRequest)
    }

    @Test("a server with too much to do is asked again a little later, within the time there is")
    func busy() throws {
      try server.tell("fail 42901 2")
      let start = Date()
      let talk = try OnlineTalk()
      #expect(try talk.begin(settings, "code").challenge != nil)
      // A second, then two.
      #expect((3..<6).contains(Date().timeIntervalSince(start)))
      try server.tell("fail 42901 100")
      let late = Date()
      expectVerdict(try OnlineTalk().begin(settings, "code", deadline: 2500), .unreachable, .busy)
      #expect(Date().timeIntervalSince(late) < 3)
    }

    @Test("a harmless call finds Duo and the keys right, and asks nobody")
    func probe() throws {
      let probe = try OnlineTalk().probe(settings)
      #expect(probe.value == .ok && probe.reason == .reachable)
      #expect(try server.tell("calls") == "/auth/v2/ping /auth/v2/check")
    }
  }
}
