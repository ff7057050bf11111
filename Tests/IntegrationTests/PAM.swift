import Foundation
import Testing

extension IntegrationTests {
  @Suite("PAM: login, sudo, su and a locker of the user's own")
  struct PAM {
    let user: String
    let phone: Phone

    init() throws {
      try Machine.reset()
      try PAMHost.install()
      user = try Machine.newUser()
      phone = try Phone.activated(user)
    }

    private func remaining() throws -> String? { try Factor.root.allowance(user)["remaining"] }

    @Test("Login, sudo, su and the helper draw on one allowance, and each prompt says what is left")
    func oneAllowance() throws {
      expectIn(
        try PAMHost.login(user, phone.nextCode()), saying: "Offline passcode (10 logins left): ",
        "9 offline logins remaining.")
      expectIn(
        try PAMHost.sudo(user, phone.nextCode()), saying: "Offline passcode (9 logins left): ", "root\n")
      expectIn(
        try PAMHost.su(user, phone.nextCode()), saying: "Offline passcode (8 logins left): ",
        "7 offline logins remaining.",
        "\(user)\n")
      expectIn(
        try PromptDialogue.run([HelperProgram.path, user], typing: [phone.nextCode()]),
        saying: "Offline passcode (7 logins left): ", "6 offline logins remaining.")
      #expect(try remaining() == "6")
    }

    @Test("A limit by days and one by both are told in the prompt too")
    func days() throws {
      try Machine.configure("[Allowance]\nlimit=days\ndays=7\n")
      let days = try PAMHost.login(user, phone.nextCode())
      expectIn(days, saying: "Offline passcode (until ", "Offline access until ")
      try Machine.configure("[Allowance]\nlimit=both\n")
      expectIn(
        try PAMHost.login(user, phone.nextCode()), saying: " logins left, until ",
        " offline logins remaining, offline access until ")
    }

    @Test("A wrong code is denied and costs no allowance")
    func wrongCode() throws {
      for answer in [
        try PAMHost.login(user, "000000"), try PAMHost.sudo(user, "12345"), try PAMHost.su(user, "not a code"),
      ] { expectOut(answer, saying: "That passcode is not right.") }
      #expect(try remaining() == "10")
      expectIn(try PAMHost.login(user, phone.nextCode()), saying: "(10 logins left)")
    }

    @Test("The right code behind a wrong password lets nobody in")
    func wrongPassword() throws {
      let code = try phone.nextCode()
      expectOut(
        try PromptDialogue.run(["pamtester", PAMHost.login, user, "authenticate"], typing: ["wrong", code]),
        saying: "Authentication failure")
    }

    @Test("The code just used at the login is refused at sudo and at su")
    func usedCode() throws {
      let code = try phone.nextCode()
      expectIn(try PAMHost.login(user, code))
      expectOut(try PAMHost.sudo(user, code), saying: "used already")
      expectOut(try PAMHost.su(user, code), saying: "used already")
      #expect(try remaining() == "9")
    }

    @Test("An empty code is denied with a hint, however often, and is no failure")
    func emptyCode() throws {
      for empty in ["", "", "", "  ", "", ""] {
        expectOut(try PAMHost.login(user, empty), saying: "Type the offline passcode of your authenticator app.")
      }
      expectIn(try PAMHost.login(user, phone.nextCode()), saying: "(10 logins left)")
    }

    @Test("Nobody at the prompt any more is a denial")
    func nobody() throws {
      expectOut(try PAMHost.login(user), saying: "Offline passcode (10 logins left): ")
      #expect(try remaining() == "10")
    }

    @Test("An exhausted allowance is said without a prompt, and a renewal opens again")
    func exhausted() throws {
      try Machine.configure("[Allowance]\nlogins=1\nwarn-at=0\n")
      expectIn(
        try PAMHost.login(user, phone.nextCode()), saying: "(1 login left)", "That was the last offline login.")
      for answer in [try PAMHost.login(user, phone.nextCode()), try PAMHost.sudo(user, phone.nextCode())] {
        expectOut(answer, saying: "No offline logins remaining. The administrator must renew it first.")
        #expect(!answer.text.contains("Offline passcode"))
      }
      expectYes(try Factor.root.renew(user))
      expectIn(try PAMHost.sudo(user, phone.nextCode()), saying: "(1 login left)", "root\n")
    }

    @Test("The last logins come with a warning")
    func warning() throws {
      try Machine.configure("[Allowance]\nlogins=3\nwarn-at=2\n")
      expectIn(
        try PAMHost.login(user, phone.nextCode()),
        saying: "Warning: 2 offline logins remaining. Ask the administrator to renew it soon.")
    }

    @Test("A user without a factor is denied, and told whom to ask, without a prompt for a code")
    func notActivated() throws {
      let other = try Machine.newUser()
      for answer in [try PAMHost.login(other, "123456"), try PAMHost.sudo(other, "123456"), try PAMHost.su(other, "")] {
        expectOut(answer, saying: "Offline access is not set up for this user. Ask the administrator to set it up.")
        #expect(!answer.text.contains("Offline passcode"))
      }
    }

    @Test("An exempt user, or a member of an exempt group, needs the password only")
    func exempt() throws {
      let other = try Machine.newUser()
      try Machine.configure("[Factor]\nexempt=\(other);@\(user)\n")
      for answer in [try PAMHost.login(other), try PAMHost.sudo(other), try PAMHost.su(user)] {
        expectIn(answer)
        #expect(!answer.text.contains("Offline passcode"))
      }
      expectIn(try PAMHost.login(other), saying: "This user needs no second factor.")
      try Machine.configure("[Factor]\nexempt=root\n")
      expectOut(try PAMHost.login(other))
    }

    @Test("sudo and su at a terminal ask without echo")
    func terminal() throws {
      for (command, caller) in [("sudo -k id -un", user), ("su \(user) -c 'id -un'", nil)] as [(String, String?)] {
        let dialogue = try PAMHost.atTerminal(command, as: caller)
        try dialogue.wait(for: "assword")
        try dialogue.wait(for: ": ")
        dialogue.answer(Machine.password)
        try dialogue.wait(for: " logins left): ")
        let code = try phone.nextCode()
        dialogue.answer(code)
        try dialogue.wait(for: caller == nil ? "\(user)\r\n" : "root\r\n")
        let ending = try dialogue.finish()
        expectIn(ending)
        #expect(!ending.text.contains(code) && !ending.text.contains("\(Machine.password)\r\n"))
      }
      #expect(try remaining() == "8")
    }

    @Test("A locker that runs as the user checks the user, and nobody else")
    func locker() throws {
      try Machine.pamService("test-locker", "auth required \(PAMHost.module)", "account required pam_permit.so")
      let locker = ["pamtester", "test-locker", user, "authenticate"]
      expectIn(
        try PromptDialogue.run(locker, as: user, typing: [phone.nextCode()]), saying: "(10 logins left)", "9 offline")
      expectOut(try PromptDialogue.run(locker, as: user, typing: ["000000"]), saying: "That passcode is not right.")
      expectOut(
        try PromptDialogue.run(locker, as: "mallory", typing: [phone.nextCode()]),
        saying: "This is allowed for yourself and for the administrator only.")
      #expect(try remaining() == "9")
    }

    @Test("The purpose follows from the PAM service's name: sudo and su are elevation, swaylock unlocks")
    func purposes() throws {
      try Machine.pamService("swaylock", "auth required \(PAMHost.module)", "account required pam_permit.so")
      let locker = ["pamtester", "swaylock", user, "authenticate"]
      try Machine.configure("[Allowance]\ncounts=login\n")
      expectIn(try PAMHost.sudo(user, phone.nextCode()), saying: "(10 logins left)")
      expectIn(try PAMHost.su(user, phone.nextCode()), saying: "10 offline logins remaining.")
      expectIn(
        try PromptDialogue.run(locker, as: user, typing: [phone.nextCode()]), saying: "10 offline logins remaining.")
      expectIn(try PAMHost.login(user, phone.nextCode()), saying: "9 offline logins remaining.")
      try Machine.configure("[Allowance]\ncounts=unlock\n")
      expectIn(
        try PromptDialogue.run(locker, as: user, typing: [phone.nextCode()]), saying: "8 offline logins remaining.")
      expectIn(try PAMHost.sudo(user, phone.nextCode()), saying: "(8 logins left)")
      #expect(try remaining() == "8")
    }

    @Test("A purpose that costs nothing still asks for the code when the allowance is used up")
    func freePurpose() throws {
      try Machine.configure("[Allowance]\nlogins=1\ncounts=login\n")
      expectIn(try PAMHost.login(user, phone.nextCode()))
      expectOut(try PAMHost.login(user, phone.nextCode()), saying: "No offline logins remaining.")
      expectOut(try PAMHost.sudo(user, "000000"), saying: "That passcode is not right.")
      expectIn(try PAMHost.sudo(user, phone.nextCode()), saying: "Offline passcode: ", "root\n")
    }

    @Test("The option purpose= wins over the service's name")
    func purposeOption() throws {
      try Machine.configure("[Allowance]\ncounts=login\n")
      try PAMHost.install(sudo: "purpose=login")
      expectIn(try PAMHost.sudo(user, phone.nextCode()))
      #expect(try remaining() == "9")
      try PAMHost.install(sudo: "purpose=unlock")
      expectIn(try PAMHost.sudo(user, phone.nextCode()))
      #expect(try remaining() == "9")
      expectIn(try PAMHost.login(user, phone.nextCode()), saying: "8 offline logins remaining.")
    }

    @Test("The option quiet keeps prompts and errors, and drops the rest")
    func quiet() throws {
      try Machine.pamService("test-quiet", "auth required pam_unix.so nodelay", "auth required \(PAMHost.module) quiet")
      let answer = try PAMHost.login(user, phone.nextCode(), service: "test-quiet")
      expectIn(answer, saying: "Offline passcode (10 logins left): ")
      #expect(!answer.text.contains("remaining"))
      expectOut(try PAMHost.login(user, "000000", service: "test-quiet"), saying: "That passcode is not right.")
    }

    @Test("sudo asks modules for silence, and hears prompts and errors all the same")
    func silence() throws {
      let answer = try PAMHost.sudo(user, phone.nextCode())
      expectIn(answer, saying: "Offline passcode (10 logins left): ", "root\n")
      #expect(!answer.text.contains("remaining"))
      expectOut(try PAMHost.sudo(user, "000000"), saying: "That passcode is not right.")
    }

    @Test(
      "An unknown or mistyped option denies before any question",
      arguments: ["debug", "purpose=fun", "purpose=", "Quiet", "quiet=1"])
    func unknownOption(_ option: String) throws {
      try PAMHost.install(sudo: option)
      let answer = try PAMHost.sudo(user, phone.nextCode())
      expectOut(answer)
      #expect(!answer.text.contains("Offline passcode"))
      #expect(try remaining() == "10")
    }

    @Test("A bus address in the caller's environment is not used, neither by sudo nor in a program of the user's own")
    func busAddress() throws {
      let elsewhere = [
        "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent", "DBUS_STARTER_ADDRESS": "unix:path=/nonexistent",
      ]
      expectIn(try PAMHost.sudo(user, phone.nextCode(), environment: elsewhere), saying: "root\n")
      try Machine.pamService("test-locker", "auth required \(PAMHost.module)")
      expectIn(
        try PromptDialogue.run(
          ["pamtester", "test-locker", user, "authenticate"], as: user, typing: [phone.nextCode()],
          environment: elsewhere))
      #expect(try remaining() == "8")
    }
  }
}
