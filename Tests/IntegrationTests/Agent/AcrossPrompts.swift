import Foundation
import Testing

extension IntegrationTests.Agent {
  @Suite("One allowance at the login screen, for sudo and for pkexec")
  final class AcrossPrompts {
    private let user: String
    private let phone: Phone

    init() throws {
      try Machine.reset("[Service]\nidle-exit=0\n")
      user = try IntegrationTests.LoginScreens.newUser()
      try Elevation.install(administrators: ["admin", user])
      phone = try Phone.activated(user)
    }

    deinit { Elevation.remove() }

    /// Logs in at a real LightDM, whose greeter shows that so many logins are left.
    private func logIn(left: Int) throws {
      let screen = try LoginScreen(.init(showsUsers: false))
      try screen.name(user)
      try screen.wait("password", of: user)
      try screen.answer(Machine.password)
      try screen.wait("passcode", of: user, saying: "\(left) offline logins left.")
      try screen.answer(phone.nextCode())
      try screen.waitForSession(of: user)
    }

    @Test("each of them takes one, and each says what is left: 10, 9, 8, 7")
    func counted() throws {
      try logIn(left: 10)
      try PAMHost.install()
      expectIn(try PAMHost.sudo(user, phone.nextCode()), saying: "Offline passcode (9 logins left): ", "root\n")
      let shell = try AskingShell(user)
      let agent = try TerminalAgent(shell)
      shell.run("pkexec /usr/bin/id -un")
      try agent.wait(for: "This elevation will leave 7 of your 8 offline logins.")
      try agent.answer("Password: ", Machine.password)
      try agent.answer("Offline passcode (8 logins left): ", phone.nextCode())
      #expect(try shell.status() == 0)
      try logIn(left: 7)
      #expect(try Factor.root.allowance(user)["remaining"] == "6")
    }
  }
}
