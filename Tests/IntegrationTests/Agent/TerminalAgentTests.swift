import Foundation
import Glibc
import Testing

extension IntegrationTests.Agent {
  @Suite("The agent on a terminal: each kind of yes, each kind of no")
  final class OnTerminal {
    private let user: String
    private let phone: Phone

    init() throws {
      try Machine.reset()
      user = try Machine.newUser()
      try Elevation.install(administrators: ["admin", user])
      phone = try Phone.activated(user)
    }

    deinit { Elevation.remove() }

    private func remaining() throws -> String? { try Factor.root.allowance(user)["remaining"] }

    @Test("auth_self says who asks for what, and what it will leave, before anything is typed")
    func own() throws {
      let shell = try AskingShell(user)
      let agent = try TerminalAgent(shell)
      shell.ask("auth_self")
      let words = try agent.wait(for: "Password: ")
      for text in [
        "Authentication is needed to try auth_self", "Action: \(Elevation.action("auth_self"))",
        "Asked for by: bash (\(shell.pid))", "Authenticating as: \(user)",
        "This elevation will leave 9 of your 10 offline logins.",
      ] { #expect(words.contains(text), "\(words)") }
      agent.dialogue.answer(Machine.password)
      try agent.answer("Offline passcode (10 logins left): ", phone.nextCode())
      try agent.wait(for: "9 offline logins remaining.")
      try agent.wait(for: "Authentication complete.")
      #expect(try shell.status() == 0)
      // It was good for this once.
      shell.ask("auth_self")
      try agent.wait(for: "This elevation will leave 8 of your 9 offline logins.")
      try agent.wait(for: "Password: ")
      agent.interrupt()
      #expect(try shell.status() == 3)
      #expect(try remaining() == "9")
      try agent.wait(for: "Authentication cancelled.")
      let shown = try agent.end()
      #expect(!shown.contains(Machine.password))
    }

    @Test("what is kept is not asked for twice", arguments: ["auth_self_keep", "auth_admin_keep"])
    func kept(_ implicit: String) throws {
      let shell = try AskingShell(user)
      let agent = try TerminalAgent(shell)
      shell.ask(implicit)
      if implicit.contains("admin") { try agent.answer("Who are you? (1-2): ", user) }
      try agent.answer("Password: ", Machine.password)
      try agent.answer("Offline passcode (10 logins left): ", phone.nextCode())
      #expect(try shell.status() == 0)
      shell.ask(implicit)
      #expect(try shell.status() == 0)
      #expect(try remaining() == "9")
    }

    @Test("auth_admin lets one of the administrators be chosen, by number or name, and nobody else")
    func administrator() throws {
      let admins = try Phone.activated("admin")
      defer { _ = try? Factor.root.deactivate("admin") }
      let shell = try AskingShell(user)
      let agent = try TerminalAgent(shell)
      for answer in ["1", "admin"] {
        shell.ask("auth_admin")
        try agent.answer("Who are you? (1-2): ", "mallory")
        try agent.answer("Who are you? (1-2): ", "3")
        try agent.answer("Who are you? (1-2): ", answer)
        // Of others the service tells nothing.
        #expect(try !agent.wait(for: "Password: ").contains("offline login"))
        agent.dialogue.answer("password-admin")
        try agent.answer("Offline passcode (", admins.nextCode())
        try agent.wait(for: "Authentication complete.")
        #expect(try shell.status() == 0)
      }
      #expect(try Factor.root.allowance("admin")["remaining"] == "8")
      #expect(try remaining() == "10")
    }

    @Test("a wrong password, a wrong code and the code just used at a login are refused; the fourth try is not offered")
    func wrong() throws {
      try PAMHost.install()
      let code = try phone.nextCode()
      expectIn(try PAMHost.login(user, code))
      let shell = try AskingShell(user)
      let agent = try TerminalAgent(shell)
      shell.ask("auth_self")
      try agent.answer("Password: ", "wrong")
      try agent.answer("Offline passcode (9 logins left): ", "000000")
      try agent.wait(for: "That passcode is not right.")
      try agent.wait(for: "Try again.")
      try agent.answer("Password: ", Machine.password)
      try agent.answer("Offline passcode (9 logins left): ", code)
      try agent.wait(for: "used already")
      try agent.answer("Password: ", Machine.password)
      try agent.answer("Offline passcode (9 logins left): ", "000000")
      try agent.wait(for: "Authentication failed.")
      #expect(try shell.status() == 1)
      #expect(try remaining() == "9")
    }

    @Test("an allowance that is used up is said before the password, and lets nobody through")
    func exhausted() throws {
      try Machine.configure("[Allowance]\nlogins=1\nwarn-at=0\n")
      let shell = try AskingShell(user)
      let agent = try TerminalAgent(shell)
      shell.ask("auth_self")
      try agent.wait(for: "This elevation will leave 0 of your 1 offline login.")
      try agent.answer("Password: ", Machine.password)
      try agent.answer("Offline passcode (1 login left): ", phone.nextCode())
      #expect(try shell.status() == 0)
      shell.ask("auth_self")
      try agent.wait(for: "No offline logins remaining. The administrator must renew it first.")
      try agent.answer("Password: ", Machine.password)
      try agent.wait(for: "No offline logins remaining.")
      try agent.wait(for: "Password: ")
      agent.dialogue.type("\u{4}")
      #expect(try shell.status() == 3)
    }

    @Test("a lock is said before the password, asks for no code meanwhile, and opens again")
    func locked() throws {
      let wrong = try phone.wrongCode()
      let shell = try AskingShell(user)
      let agent = try TerminalAgent(shell)
      for number in 1...5 {
        if [1, 4].contains(number) { shell.ask("auth_self") }
        try agent.answer("Password: ", Machine.password)
        try agent.answer("Offline passcode (10 logins left): ", wrong)
        if number == 3 { #expect(try shell.status() == 1) }
      }
      try agent.wait(for: "That passcode is not right. Too many failed attempts. Try again in 30 seconds.")
      try agent.answer("Password: ", Machine.password)
      #expect(try !agent.wait(for: "Authentication failed.").contains("Offline passcode"))
      #expect(try shell.status() == 1)
      shell.ask("auth_self")
      let words = try agent.wait(for: "Password: ")
      #expect(words.contains("Too many failed attempts. Try again in "), "\(words)")
      try Clock.advance(30)
      agent.dialogue.answer(Machine.password)
      try agent.answer("Offline passcode (10 logins left): ", phone.nextCode())
      #expect(try shell.status() == 0)
      #expect(try remaining() == "9")
    }

    @Test("where elevations cost nothing, that is what is said")
    func free() throws {
      try Machine.configure("[Allowance]\ncounts=login\n")
      let shell = try AskingShell(user)
      let agent = try TerminalAgent(shell)
      shell.ask("auth_self")
      try agent.wait(for: "This elevation uses up none of your 10 offline logins.")
      try agent.answer("Password: ", Machine.password)
      try agent.answer("Offline passcode (10 logins left): ", phone.nextCode())
      try agent.wait(for: "Authentication complete.")
      #expect(try shell.status() == 0)
      #expect(try remaining() == "10")
      // Nor is anything said where polkit does not ask for the factor.
      try Machine.pamService("polkit-1", "auth required pam_unix.so nodelay", "account required pam_unix.so")
      shell.ask("auth_self")
      #expect(try !agent.wait(for: "Password: ").contains("offline login"))
      agent.dialogue.answer(Machine.password)
      #expect(try shell.status() == 0)
    }

    @Test("login, sudo, pkexec and login again draw on one allowance: 9, 8, 7, 6")
    func oneAllowance() throws {
      try PAMHost.install()
      expectIn(try PAMHost.login(user, phone.nextCode()), saying: "9 offline logins remaining.")
      expectIn(try PAMHost.sudo(user, phone.nextCode()), saying: "Offline passcode (9 logins left): ", "root\n")
      let shell = try AskingShell(user)
      let agent = try TerminalAgent(shell)
      shell.run("pkexec /usr/bin/id -un")
      try agent.wait(for: "Authentication is needed to run id")
      try agent.wait(for: "Program: pkexec /usr/bin/id -un")
      try agent.wait(for: "This elevation will leave 7 of your 8 offline logins.")
      try agent.answer("Password: ", Machine.password)
      try agent.answer("Offline passcode (8 logins left): ", phone.nextCode())
      try shell.dialogue.wait(for: "root\n")
      #expect(try shell.status() == 0)
      expectIn(try PAMHost.login(user, phone.nextCode()), saying: "Offline passcode (7 logins left): ", "6 offline")
    }

    @Test("whoever has no factor yet is offered one here too, and no QR code is needed for it")
    func setUp() throws {
      try Machine.configure("[Activation]\nstanding-alone=first-login\n")
      let newcomer = try Machine.newUser()
      let shell = try AskingShell(newcomer)
      let agent = try TerminalAgent(shell)
      shell.ask("auth_self")
      try agent.answer("Password: ", Machine.password)
      try agent.answer("(phone/key/later): ", "phone")
      let words = try agent.wait(for: "then type the code it shows: ")
      #expect(!words.contains("otpauth:") && !words.contains("█"), "\(words)")
      let secret = try #require(words.firstMatch(of: /Add the key ([A-Z2-7 ]+) to/)).1.replacing(" ", with: "")
      let mine = try Phone(uri: "otpauth://totp/x?secret=\(secret)")
      agent.dialogue.answer(try mine.code())
      try agent.wait(for: "Authentication complete.")
      #expect(try shell.status() == 0)
      #expect(try Factor.root.allowance(newcomer)["activated"] == "1")
    }
  }
}
