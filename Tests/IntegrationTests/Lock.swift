import Foundation
import Testing

extension IntegrationTests {
  @Suite("The lock after failed attempts")
  struct Lock {
    let user: String
    let phone: Phone

    init() throws {
      try Machine.reset()
      try PAMHost.install()
      user = try Machine.newUser()
      phone = try Phone.activated(user)
    }

    private func wrong(_ times: Int, purpose: String = "login") throws {
      for _ in 0..<times {
        expectRefused(try Factor.root.authenticate(user, "000000", ["purpose": purpose]), "BadResponse")
      }
    }

    private func state() throws -> String? { try Factor.root.allowance(user)["state"] }

    @Test("Four failures do not lock, the fifth does, and says for how long")
    func five() throws {
      try wrong(4)
      #expect(try state() == "ready")
      let fifth = try Factor.root.authenticate(user, "000000")
      expectRefused(fifth, "BadResponse")
      #expect(fifth.sentence == "That passcode is not right. Too many failed attempts. Try again in 30 seconds.")
      #expect(try state() == "locked")
    }

    @Test("The number of attempts is the configuration's")
    func attempts() throws {
      try Machine.configure("[Failure]\nattempts=2\n")
      try wrong(1)
      #expect(try state() == "ready")
      try wrong(1)
      #expect(try state() == "locked")
    }

    @Test("The lock outlives the service, whichever way that ends", arguments: [SIGTERM, SIGKILL])
    func restart(_ signal: Int32) throws {
      try wrong(4)
      // Failures before the lock are kept too.
      try Machine.stopService(signal: signal)
      try wrong(1)
      try Machine.stopService(signal: signal)
      #expect(try state() == "locked")
      expectRefused(try Factor.root.authenticate(user, phone.code(ahead: 30)), "Locked")
    }

    @Test("Failures at the login, at sudo, at su and at the helper make one lock, and it holds for all of them")
    func shared() throws {
      expectOut(try PAMHost.login(user, "000000"), saying: "That passcode is not right.\n")
      expectOut(try PAMHost.sudo(user, "000000"), saying: "That passcode is not right.\n")
      expectOut(try PAMHost.su(user, "000000"), saying: "That passcode is not right.\n")
      expectOut(
        try PromptDialogue.run([HelperProgram.path, user], typing: ["000000"]), saying: "That passcode is not right.\n")
      expectOut(
        try PAMHost.sudo(user, "000000"), saying: "not right. Too many failed attempts. Try again in 30 seconds.")
      let code = try phone.code(ahead: 30)
      for answer in [
        try PAMHost.login(user, code), try PAMHost.sudo(user, code), try PAMHost.su(user, code),
        try PromptDialogue.run([HelperProgram.path, user], typing: [code]),
      ] {
        expectOut(answer, saying: "Too many failed attempts. Try again in ")
        #expect(!answer.text.contains("Offline passcode"))
      }
      #expect(try Factor.root.allowance(user)["remaining"] == "10")
    }

    @Test("Failed elevations lock logins, even where elevation costs nothing")
    func freePurpose() throws {
      try Machine.configure("[Allowance]\ncounts=login\n")
      try wrong(5, purpose: "elevation")
      expectRefused(try Factor.root.authenticate(user, phone.code(ahead: 30), ["purpose": "login"]), "Locked")
    }

    @Test("The right code is refused while the lock holds, and still fresh afterwards")
    func rightCode() throws {
      // At the beginning of a time step, so that the code is still right half a minute later.
      try Clock.move(to: (Clock.now / 30 + 2) * 30)
      try wrong(5)
      let code = try phone.code()
      expectRefused(try Factor.root.authenticate(user, code), "Locked")
      try Clock.advance(30)
      let answer = expectYes(try Factor.root.authenticate(user, code))
      #expect(answer["remaining"] == "9")
    }

    @Test("Attempts while the lock holds do not lengthen it")
    func whileLocked() throws {
      try wrong(5)
      let end = try Factor.root.allowance(user)["locked-until"]
      #expect(end != nil)
      for _ in 1...10 { expectRefused(try Factor.root.authenticate(user, "000000"), "Locked") }
      #expect(try Factor.root.allowance(user)["locked-until"] == end)
    }

    @Test("Each further failure doubles the lock, from 30 seconds up to an hour")
    func doubling() throws {
      try wrong(4)
      for length in [30, 60, 120, 240, 480, 960, 1920, 3600, 3600] {
        let before = try Clock.now
        try wrong(1)
        let after = try Clock.now
        let end = try #require(Int(try Factor.root.allowance(user)["locked-until"] ?? ""))
        #expect((before + length...after + length).contains(end), "\(length)")
        try Clock.move(to: end - 5)
        expectRefused(try Factor.root.authenticate(user, "000000"), "Locked")
        try Clock.move(to: end)
        #expect(try state() == "ready")
      }
    }

    @Test("A yes ends the count: five more failures are needed, and the lock is short again")
    func success() throws {
      try wrong(6 - 1)
      try Clock.advance(30)
      try wrong(1)
      try Clock.advance(60)
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
      try wrong(4)
      #expect(try state() == "ready")
      let before = try Clock.now
      try wrong(1)
      let end = try #require(Int(try Factor.root.allowance(user)["locked-until"] ?? ""))
      #expect((before + 30...(try Clock.now) + 30).contains(end))
    }

    @Test("A renewal ends the lock")
    func renewal() throws {
      try wrong(5)
      expectYes(try Factor.root.renew(user))
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
    }

    @Test("A used code is no failure, however often it is sent")
    func replay() throws {
      let code = try phone.nextCode()
      expectYes(try Factor.root.authenticate(user, code))
      for _ in 1...6 { expectRefused(try Factor.root.authenticate(user, code), "ResponseReplayed") }
      try wrong(4)
      expectRefused(try Factor.root.authenticate(user, code), "ResponseReplayed")
      #expect(try state() == "ready")
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
    }

    @Test("One user's failures lock nobody else")
    func others() throws {
      let other = try Machine.newUser()
      let otherPhone = try Phone.activated(other)
      try wrong(5)
      expectYes(try Factor.root.authenticate(other, otherPhone.nextCode()))
    }
  }
}
