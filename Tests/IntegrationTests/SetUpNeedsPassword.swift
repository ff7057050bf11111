import Foundation
import Testing

extension IntegrationTests {
  /// Behind `required` the dialogue comes whatever the password was: only the end of the stack tells.
  @Suite("A set-up at a login is stored only where the whole stack says yes")
  struct SetUpNeedsPassword {
    let user: String

    init() throws {
      try Machine.reset("[Activation]\nstanding-alone=first-login\n")
      try PAMHost.install()
      user = try Machine.newUser()
    }

    /// Answers yes and gives a right code, behind `password`.
    private func setUp(_ password: String, by command: [String]) throws -> (PromptDialogue.Ending, Phone, String) {
      let dialogue = try PromptDialogue(command)
      dialogue.answer(password)
      let (phone, code) = try Self.setUp(in: dialogue) { dialogue.answer($0) }
      return (try dialogue.finish(), phone, code)
    }

    private static func setUp(in dialogue: PromptDialogue, answer: (String) throws -> Void) throws -> (Phone, String) {
      try dialogue.wait(for: "/later): ")
      try answer("yes")
      let text = try dialogue.wait(for: "code it shows: ")
      let start = try #require(text.range(of: "Add the key ")).upperBound
      let end = try #require(text.range(of: " to your authenticator")).lowerBound
      let phone = try Phone(uri: "otpauth://totp/x?secret=\(text[start..<end].filter { $0 != " " })")
      let code = try phone.code()
      try answer(code)
      return (phone, code)
    }

    private func isActivated(_ user: String) throws -> Bool { try Factor.root.allowance(user)["activated"] == "1" }

    @Test(
      "A wrong password and a right code store nothing, whatever the host calls afterwards",
      arguments: [["authenticate"], ["authenticate", "acct_mgmt"], ["authenticate", "setcred", "acct_mgmt"]])
    func wrong(_ operations: [String]) throws {
      let (ending, _, code) = try setUp("wrong", by: ["pamtester", PAMHost.login, user] + operations)
      expectOut(ending, saying: "10 offline logins remaining.")
      #expect(try !isActivated(user))
      expectRefused(try Factor.root.authenticate(user, code), "NotActivated")
      let (second, phone, spent) = try setUp(
        Machine.password, by: ["pamtester", PAMHost.login, user] + operations)
      expectIn(second)
      #expect(try isActivated(user))
      expectRefused(try Factor.root.authenticate(user, spent), "ResponseReplayed")
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
    }

    @Test("The right password stores it, whatever the host calls afterwards")
    func right() throws {
      let account = "account required pam_unix.so"
      for (operations, lines) in [
        (["authenticate"], [account]),
        (["authenticate", "acct_mgmt"], [account, "account required \(PAMHost.module)"]),
        (["authenticate", "setcred"], [account]),
        (
          ["authenticate", "open_session"],
          [account, "session required pam_permit.so", "session required \(PAMHost.module)"]
        ),
      ] {
        let user = try Machine.newUser()
        try Machine.pamService(
          PAMHost.login, ["auth required pam_unix.so nodelay", "auth required \(PAMHost.module)"] + lines)
        let (ending, phone, _) = try setUp(Machine.password, by: ["pamtester", PAMHost.login, user] + operations)
        expectIn(ending)
        #expect(try isActivated(user), "\(operations)")
        expectYes(try Factor.root.authenticate(user, phone.nextCode()))
      }
    }

    @Test("A stack that says no behind this module stores nothing")
    func laterNo() throws {
      try Machine.pamService(
        PAMHost.login, "auth required pam_unix.so nodelay", "auth required \(PAMHost.module)",
        "auth required pam_deny.so")
      let (ending, _, _) = try setUp(Machine.password, by: ["pamtester", PAMHost.login, user, "authenticate"])
      expectOut(ending)
      #expect(try !isActivated(user))
    }

    @Test(
      "Where it cannot be stored any more, the host's next call fails",
      arguments: ["setcred", "acct_mgmt", "open_session"])
    func lost(_ next: String) throws {
      // Behind the module the stack ends the service, and what was proven with it.
      try Machine.write("#!/bin/sh\nkill -9 $(cat /run/test-service-pid)\n", to: "/run/test-end-service", mode: 0o755)
      try Machine.pamService(
        PAMHost.login, "auth required pam_unix.so nodelay", "auth required \(PAMHost.module)",
        "auth required pam_exec.so quiet /run/test-end-service", "account required \(PAMHost.module)",
        "account required pam_permit.so", "session required \(PAMHost.module)", "session required pam_permit.so")
      _ = try Factor.root.allowance(user)
      try Machine.write("\(try #require(try Machine.servicePID()))\n", to: "/run/test-service-pid", mode: 0o644)
      let (ending, _, _) = try setUp(Machine.password, by: ["pamtester", PAMHost.login, user, "authenticate", next])
      expectOut(ending, saying: "successfully authenticated")
      #expect(try !isActivated(user))
    }

    @Test("A host that authenticates twice on one handle is asked for a code the second time")
    func again() throws {
      let dialogue = try PromptDialogue(["pamtester", "-v", PAMHost.login, user, "authenticate", "authenticate"])
      dialogue.answer(Machine.password)
      let (phone, _) = try Self.setUp(in: dialogue) { dialogue.answer($0) }
      // Stored at the end of the first call, so the second asks for a code of it.
      dialogue.answer(Machine.password)
      try dialogue.wait(for: "Offline passcode (10 logins left): ")
      dialogue.answer(try phone.nextCode())
      expectIn(try dialogue.finish(), saying: "9 offline logins remaining.")
    }

    @Test("Two lines of the module in one stack: what the second has proven is stored")
    func twoLines() throws {
      try Machine.pamService(
        PAMHost.login, "auth required pam_unix.so nodelay", "auth required \(PAMHost.module)",
        "auth required \(PAMHost.module)")
      let dialogue = try PromptDialogue(["pamtester", PAMHost.login, user, "authenticate"])
      dialogue.answer(Machine.password)
      let (first, _) = try Self.setUp(in: dialogue) { dialogue.answer($0) }
      let (second, _) = try Self.setUp(in: dialogue) { dialogue.answer($0) }
      expectIn(try dialogue.finish())
      expectRefused(try Factor.root.authenticate(user, first.nextCode()), "BadResponse")
      expectYes(try Factor.root.authenticate(user, second.nextCode()))
    }

    @Test("The helper, which has no stack to wait for, stores at once")
    func helper() throws {
      let dialogue = try PromptDialogue([HelperProgram.path, user])
      _ = try Self.setUp(in: dialogue) { dialogue.answer($0) }
      expectIn(try dialogue.finish(), saying: "SUCCESS")
      #expect(try isActivated(user))
    }

    @Test("polkit's own helper: a wrong password stores nothing, the right one does", arguments: [false, true])
    func polkit(_ isRight: Bool) throws {
      let stack = "/etc/pam.d/polkit-1"
      defer { try? FileManager.default.removeItem(atPath: stack) }
      try Machine.pamService(
        "polkit-1", "auth required pam_unix.so nodelay", "auth required \(PAMHost.module)",
        "account required pam_unix.so")
      _ = try Factor.root.deactivate("admin")
      let dialogue = try PAMHost.atTerminal("offline-access renew --user \(user)", as: user)
      try dialogue.wait(for: "Password: ")
      try dialogue.answerHidden(isRight ? "password-admin" : "wrong")
      _ = try Self.setUp(in: dialogue) { try dialogue.answerHidden($0) }
      try dialogue.wait(for: isRight ? "AUTHENTICATION COMPLETE" : "AUTHENTICATION FAILED")
      _ = try dialogue.finish()
      #expect(try isActivated("admin") == isRight)
      _ = try Factor.root.deactivate("admin")
    }
  }
}
