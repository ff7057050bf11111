import Foundation
import Glibc
import Testing

extension IntegrationTests.Agent {
  /// A real privacyIDEA, the phone with its push token played by the test.
  @Suite("Elevations where an online service is asked first")
  final class Online {
    private let relay: ServerRelay
    private let user: OnlineUser

    init() throws {
      relay = try ServerRelay()
      try Machine.reset()
      user = try OnlineUser(push: true)
      try Machine.configure(try OnlineService.configuration(port: relay.port, "push=yes\ntimeout=5"))
      try Elevation.install()
    }

    deinit { Elevation.remove() }

    private func remaining() throws -> String? { try Factor.root.allowance(user.name)["remaining"] }

    @Test(
      "an approval brings the offer of a set-up; with the server away the factor stands in, and back again it costs nothing"
    )
    func onTerminal() throws {
      let shell = try AskingShell(user.name)
      let agent = try TerminalAgent(shell)
      shell.ask("auth_self")
      try agent.answer("Password: ", Machine.password)
      try agent.wait(for: "Approve the request on your phone")
      try user.answerPush()
      try agent.answer("/later): ", "phone")
      let words = try agent.wait(for: "then type the code it shows: ")
      #expect(!words.contains("otpauth:") && !words.contains("█"), "\(words)")
      let secret = try #require(words.firstMatch(of: /Add the key ([A-Z2-7 ]+) to/)).1.replacing(" ", with: "")
      let phone = try Phone(uri: "otpauth://totp/x?secret=\(secret)")
      agent.dialogue.answer(try phone.code())
      try agent.wait(for: "Authentication complete.")
      #expect(try shell.status() == 0)
      #expect(try remaining() == "10")

      try relay.down()
      shell.ask("auth_self")
      try agent.wait(for: "Without the online service, this elevation will leave 9 of your 10 offline logins.")
      try agent.answer("Password: ", Machine.password)
      try agent.answer("Offline passcode (10 logins left): ", phone.nextCode())
      try agent.wait(for: "9 offline logins remaining.")
      #expect(try shell.status() == 0)

      try relay.up()
      shell.ask("auth_self")
      try agent.answer("Password: ", Machine.password)
      try agent.wait(for: "Approve the request on your phone")
      try user.answerPush()
      try agent.wait(for: "Authentication complete.")
      #expect(try shell.status() == 0)
      #expect(try remaining() == "10")
    }

    @Test("the window waits for the phone, and Escape leaves the wait")
    func inWindow() throws {
      let title = "Authentication is required"
      let desktop = try Desktop.shared.get()
      let session = try FakeSession(user.name)
      let agent = try desktop.start([IntegrationTests.Agent.program], in: session)
      let shell = try AskingShell(user.name, session: session)
      shell.ask("auth_self")
      try desktop.wait(for: "\(title): Password")
      try desktop.answer(Machine.password)
      try desktop.wait(for: "\(title): Approve the request on your phone")
      try desktop.picture("approval")
      try desktop.press("Escape")
      #expect(try shell.status() == 3)
      try desktop.waitForNone(title)
      shell.ask("auth_self")
      try desktop.wait(for: "\(title): Password")
      try desktop.answer(Machine.password)
      try desktop.wait(for: "\(title): Approve the request on your phone")
      try user.answerPush()
      try desktop.wait(for: "\(title): Set up offline access")
      try desktop.picture("offer")
      // The first of what is offered: an app.
      try desktop.press("Return")
      try desktop.wait(for: "\(title): Add this account")
      let screen = "/run/set-up.png"
      var uri = ""
      try waitUntil("a camera reads the picture") {
        try run("import", "-window", "root", screen, environment: ["DISPLAY": Desktop.display]).expectSuccess()
        uri = trimmed(try run("zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", screen).output)
        return !uri.isEmpty
      }
      try desktop.picture("set-up")
      try desktop.answer(Phone(uri: uri).code())
      #expect(try shell.status() == 0)
      #expect(try Factor.root.allowance(user.name)["activated"] == "1")
      kill(agent.pid, SIGTERM)
    }
  }
}
