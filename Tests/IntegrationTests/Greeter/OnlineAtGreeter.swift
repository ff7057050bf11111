import Foundation
import Testing

extension IntegrationTests.LoginScreens {
  /// The texts of an online login, said by other modules of PAM in the same words.
  @Suite("Waiting for an approval at the greeter")
  struct OnlineAtGreeter {
    private let user: String

    init() throws {
      try Machine.reset("[Service]\nidle-exit=0\n")
      user = try IntegrationTests.LoginScreens.newUser()
    }

    @Test("the wait for the phone has a way out, which ends it")
    func wayOut() throws {
      try OnlineStack.sayApprove()
      let screen = try LoginScreen(.init(keepsStack: true))
      try screen.select(user)
      try screen.answer(Machine.password)
      try screen.wait("approval", of: user, saying: "You can cancel")
      try screen.press("Escape")
      try screen.wait("password", of: user)
      #expect(LoginScreen.sessions.isEmpty)
    }

    @Test("where a passcode may be typed instead, it is")
    func passcodeInstead() throws {
      let phone = try OnlineStack.askToApprove(user)
      let screen = try LoginScreen(.init(keepsStack: true))
      try screen.select(user)
      try screen.answer(Machine.password)
      try screen.wait("approval-or-passcode", of: user)
      try screen.answer(phone)
      try screen.waitForSession(of: user)
    }
  }
}

/// Stacks of PAM that speak like an online login.
enum OnlineStack {
  private static let password = [
    "auth [success=1 default=ignore] pam_unix.so nodelay", "auth requisite pam_deny.so", "auth required pam_permit.so",
  ]
  private static let rest = ["account required pam_unix.so", "session required pam_permit.so"]

  /// Says that the service is asked and that the phone is waited for, and waits.
  static func sayApprove() throws {
    for (name, text) in [
      ("contacting", "Contacting the online service"), ("approve", "Approve the request on your phone"),
    ] {
      try Machine.write(text + "\n", to: "/etc/\(name).txt")
    }
    try Machine.pamService(
      "lightdm",
      password + [
        "auth required pam_echo.so file=/etc/contacting.txt", "auth required pam_echo.so file=/etc/approve.txt",
        "auth required pam_exec.so /bin/sleep infinity",
      ] + rest)
  }

  /// Asks for an approval or a passcode.
  ///
  /// - Returns: a passcode that is right.
  static func askToApprove(_ user: String) throws -> String {
    let secret = "JBSWY3DPEHPK3PXPJBSWY3DPEH"
    let file = "/home/\(user)/.google_authenticator"
    try Machine.write("\(secret)\n\" TOTP_AUTH\n", to: file, mode: 0o400)
    try run("chown", user, file).expectSuccess()
    let prompt = "Approve on your phone, then press Enter; or type a passcode: "
    try Machine.pamService(
      "lightdm", password + ["auth required pam_google_authenticator.so [authtok_prompt=\(prompt)]"] + rest)
    return trimmed(try run("oathtool", "--totp", "-b", secret).expectSuccess().output)
  }
}
