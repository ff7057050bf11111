import Foundation
import OnlineWire
import Testing

extension IntegrationTests.OnlineFactor {
  @Suite("A real privacyIDEA")
  struct PrivacyIDEATests {
    private let settings: AuthoritySettings
    private let user: String

    init() throws {
      try Machine.require()
      settings = try PrivacyIDEAServer.settings()
      user = try PrivacyIDEAServer.newUser()
    }

    /// A whole authentication by one code.
    private func authenticate(_ code: String) throws -> OnlineReply {
      let talk = try OnlineTalk()
      #expect(try talk.begin(settings, user).challenge?.passcode == true)
      let reply = try talk.answer(code)
      #expect(try talk.end() == 0)
      return reply
    }

    @Test("a code by counter is approved by its token's serial, once")
    func hotp() throws {
      let serial = try PrivacyIDEAServer.tell("hotp \(user) \(PrivacyIDEAServer.secret)")
      expectApproved(try authenticate(PrivacyIDEAServer.codes[0]), by: serial)
      expectVerdict(try authenticate(PrivacyIDEAServer.codes[0]), .denied, .wrongCode)
      expectVerdict(try authenticate("000000"), .denied, .wrongCode)
      expectApproved(try authenticate(PrivacyIDEAServer.codes[1]), by: serial)
    }

    @Test("a code by time is approved once")
    func totp() throws {
      let serial = try PrivacyIDEAServer.tell("totp \(user) \(PrivacyIDEAServer.secret)")
      let code = try trimmed(run("oathtool", "--totp", PrivacyIDEAServer.secret).expectSuccess().output)
      let reply = try authenticate(code)
      expectApproved(reply, by: serial)
      #expect(abs(try #require(reply.verdict?.clockOffset)) <= 2)
      expectVerdict(try authenticate(code), .denied, .wrongCode)
    }

    @Test("a PIN and its code are typed at once, or the PIN first, at which the server asks for the code")
    func pin() throws {
      let serial = try PrivacyIDEAServer.tell("hotp \(user) \(PrivacyIDEAServer.secret) 4711")
      expectApproved(try authenticate("4711" + PrivacyIDEAServer.codes[0]), by: serial)
      try PrivacyIDEAServer.underPolicy("authentication", "challenge_response=hotp") {
        let talk = try OnlineTalk()
        #expect(try talk.begin(settings, user).challenge == OnlineChallenge(push: false, passcode: true))
        let asked = try talk.answer("4711")
        #expect(asked.challenge == OnlineChallenge(push: false, passcode: true, text: "please enter otp:"))
        expectApproved(try talk.answer(PrivacyIDEAServer.codes[1]), by: serial)
      }
    }

    @Test("a token without a PIN asks for its code at once, and a wrong one is denied")
    func challenge() throws {
      let serial = try PrivacyIDEAServer.tell("hotp \(user) \(PrivacyIDEAServer.secret)")
      try PrivacyIDEAServer.underPolicy("authentication", "challenge_response=hotp") {
        let talk = try OnlineTalk()
        #expect(try talk.begin(settings, user).challenge?.text == "please enter otp:")
        expectVerdict(try talk.answer("000000"), .denied, .wrongCode)
        let second = try OnlineTalk()
        _ = try second.begin(settings, user)
        expectApproved(try second.answer(PrivacyIDEAServer.codes[0]), by: serial)
      }
    }

    @Test("an empty passcode is a failure to a token with a PIN, and none where the set-up leaves it out")
    func trigger() throws {
      let serial = try PrivacyIDEAServer.tell("hotp \(user) \(PrivacyIDEAServer.secret) 4711")
      var quiet = settings
      quiet.trigger = false
      let talk = try OnlineTalk()
      #expect(try talk.begin(quiet, user).challenge?.passcode == true)
      #expect(try PrivacyIDEAServer.tell("failures \(serial)") == "0")
      let loud = try OnlineTalk()
      _ = try loud.begin(settings, user)
      #expect(try PrivacyIDEAServer.tell("failures \(serial)") == "1")
      // A success takes it back.
      expectApproved(try talk.answer("4711" + PrivacyIDEAServer.codes[0]), by: serial)
      #expect(try PrivacyIDEAServer.tell("failures \(serial)") == "0")
    }

    @Test("a push is waited for, and approved by the phone")
    func pushAccepted() throws {
      let serial = try PrivacyIDEAServer.tell("push \(user)")
      let talk = try OnlineTalk()
      let asked = try #require(try talk.begin(settings, user).challenge)
      #expect(asked.push && !asked.passcode)
      #expect(try talk.wait(0).challenge == asked)
      #expect(try talk.wait(600).challenge == asked)
      try PrivacyIDEAServer.tell("phone \(serial) accept")
      expectApproved(try talk.wait(8000), by: serial)
      #expect(try talk.end() == 0)
    }

    @Test("a push that the phone declines is denied, at once")
    func pushDeclined() throws {
      let serial = try PrivacyIDEAServer.tell("push \(user)")
      let talk = try OnlineTalk()
      _ = try talk.begin(settings, user)
      try PrivacyIDEAServer.tell("phone \(serial) decline")
      expectVerdict(try talk.wait(8000), .denied, .declined)
    }

    @Test("a push that is accepted during the wait ends it")
    func pushDuringWait() throws {
      let serial = try PrivacyIDEAServer.tell("push \(user)")
      let talk = try OnlineTalk()
      _ = try talk.begin(settings, user)
      try talk.send(.wait(talk.id, milliseconds: 15_000))
      try PrivacyIDEAServer.tell("phone \(serial) accept")
      expectApproved(try talk.reply(), by: serial)
    }

    @Test("a wait for the phone is left at once for a code of another token, and for nothing")
    func pushLeft() throws {
      try PrivacyIDEAServer.tell("push \(user)")
      let serial = try PrivacyIDEAServer.tell("hotp \(user) \(PrivacyIDEAServer.secret) 4711")
      let talk = try OnlineTalk()
      let asked = try talk.begin(settings, user).challenge
      #expect(asked?.push == true)
      let start = Date()
      try talk.send(.wait(talk.id, milliseconds: 60_000))
      try talk.send(.answer(talk.id, code: Array(("4711" + PrivacyIDEAServer.codes[0]).utf8)))
      #expect(try talk.reply().challenge == asked)
      expectApproved(try talk.reply(), by: serial)
      #expect(Date().timeIntervalSince(start) < 5)
      let left = try OnlineTalk()
      _ = try left.begin(settings, user)
      try left.send(.wait(left.id, milliseconds: 60_000))
      #expect(try left.end() == 0)
      #expect(Date().timeIntervalSince(start) < 10)
    }

    @Test("who is let through without a factor is bypassed: passOnNoToken, passOnNoUser, a token that always says yes")
    func bypassed() throws {
      try PrivacyIDEAServer.underPolicy("authentication", "passOnNoToken") {
        expectVerdict(try OnlineTalk().begin(settings, user), .bypassed, .noFactor)
      }
      try PrivacyIDEAServer.underPolicy("authentication", "passOnNoUser") {
        expectVerdict(try OnlineTalk().begin(settings, "nobody-here"), .bypassed, .noFactor)
        var quiet = settings
        quiet.trigger = false
        let talk = try OnlineTalk()
        _ = try talk.begin(quiet, "nobody-here")
        expectVerdict(try talk.answer("123456"), .bypassed, .noFactor)
      }
      try PrivacyIDEAServer.tell("spass \(user)")
      expectVerdict(try OnlineTalk().begin(settings, user), .bypassed, .noFactor)
      var quiet = settings
      quiet.trigger = false
      let talk = try OnlineTalk()
      _ = try talk.begin(quiet, user)
      expectVerdict(try talk.answer(""), .bypassed, .noFactor)
    }

    @Test("users without a token, with a disabled or a locked one, and unknown ones are denied before they type")
    func denied() throws {
      expectVerdict(try OnlineTalk().begin(settings, user), .denied, .mustEnrol)
      expectVerdict(try OnlineTalk().begin(settings, "nobody-here"), .denied, .unknownUser)
      let serial = try PrivacyIDEAServer.tell("hotp \(user) \(PrivacyIDEAServer.secret)")
      // The server's bound is ten: the empty passcode at the beginning counts, too.
      for _ in 1...5 { expectVerdict(try authenticate("000000"), .denied, .wrongCode) }
      expectVerdict(try OnlineTalk().begin(settings, user), .denied, .lockedOut)
      try PrivacyIDEAServer.tell("disable \(serial)")
      expectVerdict(try OnlineTalk().begin(settings, user), .denied, .rejected)
    }

    @Test("the user's name follows the template, and a bad template is the administrator's fault")
    func template() throws {
      let serial = try PrivacyIDEAServer.tell("hotp \(user) \(PrivacyIDEAServer.secret)")
      var mapped = settings
      mapped.userTemplate = "%u@home"
      let talk = try OnlineTalk()
      _ = try talk.begin(mapped, user)
      expectApproved(try talk.answer(PrivacyIDEAServer.codes[0]), by: serial)
      mapped.userTemplate = "%x"
      expectVerdict(try OnlineTalk().begin(mapped, user), .misconfigured, .badSetting)
    }

    @Test("a harmless call finds the server, tells how its clock goes, and counts as no failure")
    func probe() throws {
      let probe = try OnlineTalk().probe(settings)
      #expect(probe.value == .ok && probe.reason == .reachable)
      #expect(abs(try #require(probe.clockOffset)) <= 2)
    }
  }
}
