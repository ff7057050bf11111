import Foundation
import Testing

extension IntegrationTests.Strength {
  @Suite("One code at many prompts at once: exactly one yes")
  struct Race {
    static let rounds = 25
    static let prompts = 64

    @Test("25 rounds of a code by time, 64 logins at their prompts each")
    func byTime() throws {
      try Machine.reset("[Allowance]\nlogins=1000\n")
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      for round in 0..<Self.rounds {
        try Clock.advance(30)
        try race(user, left: 1000 - round, mixed: false) { try phone.code() }
      }
    }

    @Test("25 rounds of a code by counter, 64 logins at their prompts each")
    func byCounter() throws {
      try Machine.reset("[Factor]\npasscode=hotp\n[Allowance]\nlogins=1000\n")
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      for round in 0..<Self.rounds {
        try race(user, left: 1000 - round, mixed: false) { try phone.code(counter: round + 1) }
      }
    }

    @Test("Logins, sudo, su and a PAM login at once: still one yes")
    func mixed() throws {
      try Machine.reset("[Allowance]\nlogins=1000\n")
      try PAMHost.install()
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      for round in 0..<5 {
        try Clock.advance(30)
        try race(user, left: 1000 - round, mixed: true) { try phone.code() }
      }
    }

    /// Waits until all stand at their prompts, then gives all of them the same code.
    private func race(_ user: String, left: Int, mixed: Bool, _ code: () throws -> String) throws {
      let all = try (0..<Self.prompts).map { index in
        switch mixed ? index % 8 : 0 {
        case 1, 5: try PromptDialogue(["sudo", "-k", "-S", "true"], as: user)
        case 3: try PromptDialogue(["su", user, "-c", "true"])
        case 7: try PromptDialogue(["pamtester", PAMHost.login, user, "authenticate"])
        default: try PromptDialogue([HelperProgram.path, user])
        }
      }
      if mixed { for (index, one) in all.enumerated() where !index.isMultiple(of: 2) { one.answer(Machine.password) } }
      for one in all { try one.wait(for: "Offline passcode (\(left) logins left): ") }
      let code = try code()
      for one in all { one.answer(code) }

      let endings = try all.map { try $0.finish() }
      let granted = endings.filter { $0.status == 0 }
      #expect(granted.count == 1, "\(endings)")
      // sudo shows prompts and errors only.
      #expect(
        granted.allSatisfy { $0.command.contains("sudo") || $0.text.contains("\(left - 1) offline logins remaining.") })
      // The others are told why, and none of them counts as a failure.
      let others = endings.filter { $0.status != 0 && !$0.text.contains("used already") }
      #expect(others.isEmpty, "\(others)")
      #expect(
        endings.filter { $0.text.contains("SUCCESS\n") }.count
          == granted.filter { $0.command.hasPrefix(HelperProgram.path) }.count)
      let allowance = try Factor.root.allowance(user)
      #expect(allowance["remaining"] == String(left - 1))
      #expect(allowance["state"] == "ready")
    }
  }
}
