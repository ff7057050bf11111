import Foundation
import Testing

extension IntegrationTests.LoginScreens {
  /// greetd with its own greeter in text mode, agreety: the texts of PAM as lines.
  @Suite("greetd and agreety, unchanged")
  struct Greetd {
    private static let settings = "/run/greetd.toml"
    private static let mark = "/tmp/greetd-session"

    init() throws { try Machine.reset("[Service]\nidle-exit=0\n") }

    @Test("password and passcode begin a session, a wrong passcode does not, and what is left is said")
    func passcode() throws {
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      try Machine.pamService(
        "greetd", "auth required pam_unix.so nodelay", "auth required pam_offline_access.so",
        "account required pam_unix.so", "session required pam_permit.so")
      // agreety asks at its controlling terminal, which a console has and greetd does not give it here.
      try Machine.write(
        """
        [terminal]
        vt = "none"
        [general]
        source_profile = false
        [default_session]
        command = "setsid --ctty --wait \(try Self.agreety()) --cmd 'sh -c \\"id -un > \(Self.mark)\\"'"
        user = "root"
        """, to: Self.settings)
      try? FileManager.default.removeItem(atPath: Self.mark)
      let console = try PromptDialogue(["script", "-qec", "greetd -c \(Self.settings)", "/dev/null"])
      func logIn(_ code: String) throws {
        try console.wait(for: "login: ")
        console.answer(user)
        try console.wait(for: "Password: ")
        console.answer(Machine.password)
        try console.wait(for: "Offline passcode (10 logins left): ")
        console.answer(code)
      }
      try logIn("000000")
      try console.wait(for: "That passcode is not right.")
      #expect(!FileManager.default.fileExists(atPath: Self.mark))
      try logIn(phone.nextCode())
      try console.wait(for: "9 offline logins remaining.")
      try waitUntil("the session has begun") {
        (try? String(contentsOfFile: Self.mark, encoding: .utf8)) == "\(user)\n"
      }
      kill(console.pid, SIGTERM)
    }

    private static func agreety() throws -> String {
      try trimmed(run("sh", "-c", "command -v agreety || ls /usr/sbin/agreety").expectSuccess().output)
    }
  }
}
