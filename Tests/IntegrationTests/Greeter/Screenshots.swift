import Foundation
import Testing

extension IntegrationTests.LoginScreens {
  /// Pictures of every state, for README and manual: `make screenshots`.
  @Suite("Screenshots", .enabled(if: LoginScreen.screenshots != nil))
  struct Screenshots {
    private static let usual = "[Service]\nidle-exit=0\n"
    private let user: String

    init() throws {
      try Machine.reset(Self.usual)
      // Only people with pretty names stand in the list.
      for name in try String(contentsOfFile: "/etc/passwd", encoding: .utf8).matches(of: /(?m)^(user\d+|cloudsdk):/) {
        try Machine.remove(user: String(name.1))
      }
      user = "alice"
      for (name, words) in [("alice", "Alice Liddell"), ("bob", "Bob Cratchit"), ("mallory", "Mallory Archer")] {
        try run("usermod", "--comment", words, name).expectSuccess()
      }
    }

    private let password = "password-alice"

    private func screen(size: String = "800x600", keepsStack: Bool = false) throws -> LoginScreen {
      let screen = try LoginScreen(.init(size: size, keepsStack: keepsStack))
      try screen.select(user)
      return screen
    }

    @Test("password, passcode, and what can be wrong with them")
    func passcode() throws {
      let phone = try Phone.activated(user)
      let screen = try screen()
      try screen.waitAnywhere("allowance \(user)")
      try screen.keep("password")
      try screen.press("Escape")
      try screen.wait(for: "name")
      try screen.keep("name")
      try screen.answer(user)
      try screen.wait("password", of: user)
      try screen.answer("wrong")
      try screen.wait("password", of: user)
      try screen.press("Caps_Lock")
      try screen.keep("wrong-password-caps-lock")
      try screen.press("Caps_Lock")
      try screen.answer(password)
      try screen.wait("passcode", of: user)
      try screen.keep("passcode")
      try screen.answer("000000")
      try screen.wait("password", of: user)
      try screen.keep("wrong-passcode")
      try Machine.configure(Self.usual + "[Allowance]\nlogins=1\n[Failure]\nattempts=1\n")
      try screen.answer(password)
      try screen.wait("passcode", of: user)
      try screen.answer("000000")
      try screen.wait("refused", of: user)
      try screen.keep("locked")
      try Clock.advance(61)
      try screen.select(user)
      try screen.answer(password)
      try screen.wait("passcode", of: user)
      try screen.answer(phone.nextCode())
      try screen.wait("accepted", of: user)
      try screen.keep("last-login")
    }

    @Test("what stands in the way")
    func obstacles() throws {
      try Machine.configure(Self.usual + "[Allowance]\nlogins=1\n")
      let phone = try Phone.activated(user)
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
      let screen = try screen()
      try screen.answer(password)
      try screen.wait("refused", of: user)
      try screen.keep("limit-reached")
      expectYes(try Factor.root.renew(user))
      try Clock.advance(-7200)
      try screen.press("Return")
      try screen.wait("password", of: user)
      try screen.answer(password)
      try screen.wait("refused", of: user)
      try screen.keep("clock")
      try screen.select("bob")
      try screen.answer("password-bob")
      try screen.wait("refused", of: "bob")
      try screen.keep("not-set-up")
    }

    @Test("set-up with a phone", arguments: ["800x600", "1280x800"])
    func setUp(size: String) throws {
      try Machine.configure(Self.usual + "[Activation]\nstanding-alone=first-login\n")
      let screen = try screen(size: size)
      try screen.answer(password)
      try screen.wait("offer", of: user)
      if size == "800x600" { try screen.keep("offer") }
      try screen.press("Return")
      try screen.wait("phone-set-up", of: user)
      #expect(try screen.decodedQR().hasPrefix("otpauth://"))
      try screen.keep("set-up-phone-\(size)")
    }

    @Test("security keys")
    func key() throws {
      try Machine.configure(Self.usual + "[Activation]\nstanding-alone=first-login\n[Allowance]\nlogins=2\n")
      let host = try SoftKeyHost()
      try host.underService {
        try host.plug("mine")
        try host.tell("set mine touch=by-command")
        let setUp = try screen()
        try setUp.answer(password)
        try setUp.wait("offer", of: user)
        try setUp.press("Tab", "Return")
        try setUp.wait("key-touch", of: user)
        try setUp.keep("key-set-up-1")
        try host.touchWhenBlinking("mine")
        try setUp.wait("key-touch", of: user)
        try setUp.keep("key-set-up-2")
        try host.touchWhenBlinking("mine")
        try setUp.waitForSession(of: user)
      }
    }

    @Test("a security key at a login")
    func keyLogin() throws {
      try Machine.configure(Self.usual + "[Allowance]\nlogins=2\n")
      let host = try SoftKeyHost()
      try host.underService {
        try host.plug("mine")
        _ = try KeyedUser(host, user: user)
        try host.tell("set mine touch=by-command")
        try host.unplug("mine")
        let screen = try screen()
        try screen.answer(password)
        try screen.wait("key-insert", of: user)
        try screen.keep("key-insert")
        try host.plug("another")
        try screen.wait("key-wrong", of: user)
        try screen.keep("key-wrong")
        try host.unplug("another")
        try host.plug("mine")
        try screen.wait("key-touch", of: user)
        try screen.keep("key-touch")
        try host.touchWhenBlinking("mine")
        try screen.wait("accepted", of: user)
        try screen.keep("key-accepted")
      }
    }

    @Test("an approval on the phone")
    func approval() throws {
      try OnlineStack.sayApprove()
      let waiting = try screen(keepsStack: true)
      try waiting.answer(password)
      try waiting.wait("approval", of: user)
      try waiting.keep("approval")
    }

    @Test("an approval, or a passcode")
    func approvalOrPasscode() throws {
      _ = try OnlineStack.askToApprove(user)
      let asking = try screen(keepsStack: true)
      try asking.answer(password)
      try asking.wait("approval-or-passcode", of: user)
      try asking.keep("approval-or-passcode")
    }
  }
}
