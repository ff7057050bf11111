import Foundation
import Testing

extension IntegrationTests.LoginScreens {
  @Suite("Set-up at the greeter")
  struct SetUpAtGreeter {
    private let user: String

    init() throws {
      try Machine.reset("[Service]\nidle-exit=0\n[Activation]\nstanding-alone=first-login\n")
      user = try IntegrationTests.LoginScreens.newUser()
    }

    /// Screens of the sizes that people have, the last one with two pixels to a point.
    static let screens = [("800x600", 1), ("1280x800", 1), ("1600x1200", 2)]

    @Test("a camera reads the QR code off the screen, and the app's code sets up and lets in", arguments: screens)
    func phone(size: String, scale: Int) throws {
      let screen = try LoginScreen(.init(size: size, scale: scale))
      try screen.select(user)
      try screen.answer(Machine.password)
      try screen.wait("offer", of: user)
      // The phone is the first choice, and has the focus.
      try screen.press("Return")
      try screen.wait("phone-set-up", of: user, saying: "Check that the app shows this name")
      let phone = try Phone(uri: screen.decodedQR())
      try screen.answer("000000")
      try screen.wait("phone-set-up", of: user, saying: "error: That code does not fit.")
      try screen.answer(phone.code())
      try screen.wait("accepted", of: user)
      try screen.waitForSession(of: user)
      #expect(try Factor.root.allowance(user)["method"] == "passcode")
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
    }

    @Test("the name that the app will show is on the screen beside the code, to be compared")
    func name() throws {
      let screen = try LoginScreen(.init(size: "800x600", isAccessible: true))
      let reader = try Accessibility()
      let listener = try reader.listener()
      try screen.select(user)
      try screen.answer(Machine.password)
      try screen.wait("offer", of: user)
      try screen.press("Return")
      try screen.wait("phone-set-up", of: user)
      // What the app takes from the code: the label, and once more the issuer.
      let uri = try #require(URLComponents(string: screen.decodedQR()))
      let name = uri.path.dropFirst()
      #expect(name == "Offline Access:\(user)@box")
      #expect(uri.queryItems?.first { $0.name == "issuer" }?.value == "Offline Access")
      let shown = name.replacingOccurrences(of: ":", with: ": ")
      try reader.wait(for: "label", "Name in the app: \(shown)")
      let pixels = try Pixels(screen)
      for node in try reader.showing() where node.role == "label" {
        let area = try #require(node.area)
        #expect(pixels.area.contains(area), "\(node)")
      }
      try listener.wait(for: "\(shown)\n")
    }

    @Test("later is a no, and sets nothing up")
    func later() throws {
      let screen = try LoginScreen()
      try screen.select(user)
      try screen.answer(Machine.password)
      try screen.wait("offer", of: user)
      try screen.press("Tab", "Tab", "Return")
      try screen.wait("refused", of: user, saying: "Offline access is not set up", "Log in again when you have")
      #expect(LoginScreen.sessions.isEmpty)
      #expect(try Factor.root.allowance(user)["activated"] == "0")
    }

    @Test("Escape leaves a set-up, which leaves nothing behind")
    func escape() throws {
      let screen = try LoginScreen()
      try screen.select(user)
      try screen.answer(Machine.password)
      try screen.wait("offer", of: user)
      try screen.press("Return")
      try screen.wait("phone-set-up", of: user)
      try screen.press("Escape")
      try screen.wait("password", of: user)
      #expect(try Factor.root.allowance(user)["activated"] == "0")
    }

    @Test("a user whose name is as long as Linux allows is asked and shown everything, too")
    func longName() throws {
      // The longer the name, the less one message of LightDM's holds.
      let name = String(repeating: "n", count: 255)
      try run("sed", "-i", "s/\\b\(user)\\b/\(name)/g", "/etc/passwd", "/etc/shadow", "/etc/group").expectSuccess()
      defer { try? Machine.remove(user: name) }
      let screen = try LoginScreen()
      try screen.select(name)
      try screen.answer(Machine.password)
      try screen.wait("offer", of: name)
      try screen.press("Return")
      try screen.wait("phone-set-up", of: name)
      let phone = try Phone(uri: screen.decodedQR())
      try screen.answer(phone.code())
      try screen.wait("accepted", of: name)
    }
  }
}
