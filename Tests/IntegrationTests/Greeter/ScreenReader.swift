import Foundation
import Testing

extension IntegrationTests.LoginScreens {
  @Suite("The greeter for a screen reader")
  struct ScreenReader {
    private let user: String

    init() throws {
      try Machine.reset("[Service]\nidle-exit=0\n[Activation]\nstanding-alone=first-login\n")
      user = try IntegrationTests.LoginScreens.newUser()
    }

    /// Roles of what can be used or has to be read.
    static let controls: Set = [
      "push button", "toggle button", "text", "password text", "check box", "list", "list item", "label", "image",
      "icon", "drawing area",
    ]

    private func expectNamed(_ nodes: [Accessibility.Node], _ scene: String) {
      for node in nodes where Self.controls.contains(node.role) || node.isIn("focusable") {
        #expect(!node.name.isEmpty, "\(scene): \(node)")
      }
    }

    @Test("every control has a name in every scene, and prompts are announced")
    func names() throws {
      let screen = try LoginScreen(.init(isAccessible: true))
      let reader = try Accessibility()
      let listener = try reader.listener()
      try screen.select(user)
      try listener.wait(for: "Password")
      let password = try reader.showing()
      expectNamed(password, "password")
      #expect(password.contains { $0.role == "password text" && $0.name == "Password" && $0.isIn("focused") })
      for name in [
        "Users", "Session: Staged", "Language", "Display", "Power", "This computer: box", "Cancel", "Continue",
      ] {
        #expect(password.contains { $0.name == name }, "\(name) in \(password)")
      }
      try screen.answer(Machine.password)
      try listener.wait(for: "Set up offline access")
      expectNamed(try reader.showing(), "offer")
      try screen.press("Return")
      try listener.wait(for: "Scan the picture with the app, or type the key.")
      let setUp = try reader.showing()
      expectNamed(setUp, "set-up")
      #expect(setUp.contains { $0.role == "image" && $0.name == "QR code for the authenticator app" })
      #expect(setUp.contains { $0.role == "text" && $0.name == "Code that the app shows" && $0.isIn("focused") })
      try screen.answer("000000")
      try listener.wait(for: "That code does not fit.")
    }

    @Test("the list of users and the lists above are reached by the keyboard alone")
    func keyboard() throws {
      let screen = try LoginScreen(.init(isAccessible: true))
      let reader = try Accessibility()
      try screen.wait("password", of: "admin")
      // Backwards from the field: the list of users is before it.
      try screen.press("shift+Tab")
      try reader.wait(focused: "list item", "admin")
      // The next time it leaves the list, however many users there are, and so does Tab.
      try screen.press("shift+Tab")
      try reader.wait(focused: "toggle button", "Power")
      try screen.press("Tab")
      try reader.wait(focused: "list item", "admin")
      try screen.press("Tab")
      try reader.wait(focused: "password text", "Password")
      try screen.press("shift+Tab")
      try reader.wait(focused: "list item", "admin")
      try screen.press("Down", "Return")
      try screen.wait("password", of: "alice")
      try reader.wait(focused: "password text", "Password")
    }

    @Test("Caps Lock is said while a password is typed")
    func capsLock() throws {
      let screen = try LoginScreen(.init(isAccessible: true))
      let reader = try Accessibility()
      try screen.select(user)
      try screen.press("Caps_Lock")
      try reader.wait(for: "alert", "Caps Lock is on.")
      try screen.press("Caps_Lock")
      try waitUntil("the hint is gone") { try !reader.showing().contains { $0.name == "Caps Lock is on." } }
    }
  }
}
