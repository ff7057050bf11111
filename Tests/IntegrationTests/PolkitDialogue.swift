import Foundation
import Testing

extension IntegrationTests {
  /// polkitd, its text agent, its setuid helper and PAM: nothing is played.
  @Suite("An administrator answers polkit's question")
  final class PolkitDialogue {
    private static let stack = "/etc/pam.d/polkit-1"
    private let user: String
    private let phone: Phone

    init() throws {
      try Machine.reset()
      try Machine.pamService("polkit-1", "auth required pam_unix.so nodelay", "account required pam_unix.so")
      user = try Machine.newUser()
      phone = try Phone.activated(user)
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
    }

    deinit { try? FileManager.default.removeItem(atPath: Self.stack) }

    /// The user renews on a terminal, and polkit asks for the administrator.
    private func renewal() throws -> PromptDialogue {
      let dialogue = try PAMHost.atTerminal("offline-access renew", as: user)
      try dialogue.wait(for: "AUTHENTICATING FOR org.offlineaccess.Factor1.manage")
      try dialogue.wait(for: "manage offline access of \(user)")
      try dialogue.wait(for: "Authenticating as: admin")
      try dialogue.wait(for: "Password: ")
      return dialogue
    }

    private func remaining() throws -> String? { try Factor.root.allowance(user)["remaining"] }

    @Test("the administrator's password renews")
    func right() throws {
      let dialogue = try renewal()
      try dialogue.answerHidden("password-admin")
      try dialogue.wait(for: "10 offline logins remaining.")
      expectIn(try dialogue.finish())
      #expect(try remaining() == "10")
    }

    @Test("a wrong password, or the user's own, does not")
    func wrong() throws {
      let dialogue = try renewal()
      try dialogue.answerHidden(Machine.password)
      try dialogue.wait(for: "AUTHENTICATION FAILED")
      try dialogue.wait(for: "not authorized")
      #expect(try dialogue.finish().status == 4)
      #expect(try remaining() == "9")
    }

    @Test("where polkit asks for the factor too, the service that waits for polkit answers it: no deadlock")
    func withFactor() throws {
      try Machine.pamService(
        "polkit-1", "auth required pam_unix.so nodelay", "auth required \(PAMHost.module)",
        "account required pam_unix.so")
      let admins = try Phone.activated("admin")
      let dialogue = try renewal()
      try dialogue.answerHidden("password-admin")
      try dialogue.wait(for: "Offline passcode (10 logins left): ")
      let code = try admins.nextCode()
      try dialogue.answerHidden(code)
      try dialogue.wait(for: "10 offline logins remaining.")
      expectIn(try dialogue.finish())
      #expect(try remaining() == "10")
      // It was an elevation of the administrator's.
      #expect(try Factor.root.allowance("admin")["remaining"] == "9")
      let second = try renewal()
      try second.answerHidden("password-admin")
      try second.wait(for: "Offline passcode (9 logins left): ")
      try second.answerHidden(code)
      try second.wait(for: "AUTHENTICATION FAILED")
      #expect(try second.finish().status == 4)
    }
  }
}
