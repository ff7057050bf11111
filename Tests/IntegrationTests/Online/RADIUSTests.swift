import Foundation
import Glibc
import OnlineWire
import Testing

extension IntegrationTests.OnlineFactor {
  @Suite("A real FreeRADIUS")
  struct RADIUSTests {
    private let settings: AuthoritySettings

    init() throws {
      try Machine.require()
      settings = try FreeRADIUSServer.settings()
    }

    private func authenticate(_ user: String, _ code: String) throws -> OnlineReply {
      let talk = try OnlineTalk()
      #expect(try talk.begin(settings, user).challenge == OnlineChallenge(push: false, passcode: true))
      return try talk.answer(code)
    }

    @Test("a right code is approved, and the server hears of the machine and the remote host")
    func accept() throws {
      let verdict = try #require(try authenticate("yes", "right").verdict)
      #expect(verdict.value == .approved && verdict.proof.hasPrefix("radius "))
      #expect(verdict.detail == "Welcome, box 192.0.2.7")
      #expect(try authenticate("yes", "right").verdict?.proof != verdict.proof)
    }

    @Test("a wrong code and an unknown user are denied")
    func reject() throws {
      expectVerdict(try authenticate("yes", "wrong"), .denied, .rejected)
      expectVerdict(try authenticate("yes", String(repeating: "x", count: 128)), .denied, .rejected)
      expectVerdict(try authenticate("yes", String(repeating: "x", count: 129)), .denied, .wrongCode)
      expectVerdict(try authenticate("nobody", "right"), .denied, .rejected)
    }

    @Test("a challenge is answered with the state that came with it")
    func challenge() throws {
      let talk = try OnlineTalk()
      _ = try talk.begin(settings, "asks")
      let asked = OnlineChallenge(push: false, passcode: true, text: "Which colour?")
      #expect(try talk.answer("right").challenge == asked)
      #expect(try talk.answer("blue").verdict?.value == .approved)
      let wrong = try OnlineTalk()
      _ = try wrong.begin(settings, "asks")
      _ = try wrong.answer("right")
      expectVerdict(try wrong.answer("red"), .denied, .rejected)
      // A state of before is no proof of a later answer.
      expectVerdict(try authenticate("asks", "blue"), .denied, .rejected)
    }

    @Test("who is let in by an empty password is bypassed, before and after typing nothing")
    func empty() throws {
      var trigger = settings
      trigger.trigger = true
      expectVerdict(try OnlineTalk().begin(trigger, "empty"), .bypassed, .noFactor)
      expectVerdict(try authenticate("empty", ""), .bypassed, .noFactor)
      // Being refused for it is no denial yet.
      let talk = try OnlineTalk()
      #expect(try talk.begin(trigger, "yes").challenge?.passcode == true)
      #expect(try talk.answer("right").verdict?.value == .approved)
    }

    @Test("a reply without Message-Authenticator is refused and raises the alarm")
    func bare() throws {
      let talk = try OnlineTalk()
      _ = try talk.begin(settings, "bare", deadline: 1500)
      expectVerdict(try talk.answer("right"), .misconfigured, .signature, alarm: true)
    }

    @Test("privacyIDEA behind FreeRADIUS accepts a code once")
    func behind() throws {
      let user = try PrivacyIDEAServer.newUser()
      try PrivacyIDEAServer.tell("hotp \(user) \(PrivacyIDEAServer.secret) 4711")
      #expect(try authenticate(user, "4711" + PrivacyIDEAServer.codes[0]).verdict?.value == .approved)
      expectVerdict(try authenticate(user, "4711" + PrivacyIDEAServer.codes[0]), .denied, .rejected)
    }

    @Test("a server that is gone or silent is left for the next one in time, and another secret is no answer")
    func failover() throws {
      let silent = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
      defer { close(silent) }
      let port = try boundPort(silent)
      for (first, least, most) in [("127.0.0.1:1", 0.0, 4.0), ("127.0.0.1:\(port)", 1.4, 5.0)] {
        var several = settings
        several.servers = "\(first); \(settings.servers)"
        let start = Date()
        let talk = try OnlineTalk()
        #expect(try talk.begin(several, "yes", deadline: 5000).challenge != nil)
        #expect((least..<most).contains(Date().timeIntervalSince(start)))
        #expect(try talk.answer("right").verdict?.value == .approved)
      }
      var none = settings
      none.servers = "127.0.0.1:1;127.0.0.1:\(port)"
      let start = Date()
      expectVerdict(try OnlineTalk().begin(none, "yes", deadline: 1500), .unreachable, .timeout)
      none.servers = "127.0.0.1:1"
      expectVerdict(try OnlineTalk().begin(none, "yes"), .unreachable, .refusedPort)
      none.servers = "no-such-host.invalid"
      expectVerdict(try OnlineTalk().begin(none, "yes", deadline: 1500), .unreachable, .nameNotFound)
      var other = settings
      other.secret = [1]
      expectVerdict(try OnlineTalk().begin(other, "yes", deadline: 1500), .unreachable, .timeout)
      #expect(Date().timeIntervalSince(start) < 8)
    }

    private func boundPort(_ descriptor: Int32) throws -> UInt16 {
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
      var length = socklen_t(MemoryLayout<sockaddr_in>.size)
      return try withUnsafeMutablePointer(to: &address) { pointer in
        try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
          try #require(bind(descriptor, generic, length) == 0)
          try #require(getsockname(descriptor, generic, &length) == 0)
        }
        return UInt16(bigEndian: pointer.pointee.sin_port)
      }
    }

    @Test("a harmless call finds the server and the secret right")
    func probe() throws {
      let probe = try OnlineTalk().probe(settings)
      #expect(probe.value == .ok && probe.reason == .reachable && probe.clockOffset == nil)
    }
  }
}
