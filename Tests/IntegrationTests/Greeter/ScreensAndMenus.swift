import Foundation
import Testing

extension IntegrationTests.LoginScreens {
  @Suite("Monitors and what can be chosen")
  struct ScreensAndMenus {
    private let user: String

    init() throws {
      try Machine.reset("[Service]\nidle-exit=0\n[Factor]\nexempt=@users\n")
      user = try IntegrationTests.LoginScreens.newUser()
      try run("usermod", "-aG", "users", user).expectSuccess()
    }

    @Test("the greeter fills the primary monitor, and no more, whatever the screen is made of")
    func monitor() throws {
      let screen = try LoginScreen(.init(size: "1824x768", primaryMonitor: "800/200x600/150+1024+0"))
      let window = try screen.tool("xdotool", "search", "--onlyvisible", "--class", "offline-access-greeter").output
      let geometry = try screen.tool("xdotool", "getwindowgeometry", trimmed(window)).output
      #expect(geometry.contains("Position: 1024,0") && geometry.contains("Geometry: 800x600"), "\(geometry)")
    }

    @Test("a session that is chosen by the keyboard is the one that starts")
    func session() throws {
      let program = "/run/another-session"
      try Machine.write("#!/bin/sh\necho another >>\(LoginScreen.folder)/sessions\n", to: program, mode: 0o755)
      try Machine.write(
        "[Desktop Entry]\nType=Application\nName=Another\nExec=\(program)\n",
        to: "/usr/share/xsessions/another.desktop")
      defer { try? FileManager.default.removeItem(atPath: "/usr/share/xsessions/another.desktop") }
      let screen = try LoginScreen(.init(showsUsers: false, isAccessible: true))
      let reader = try Accessibility()
      try screen.name(user)
      try screen.wait("password", of: user)
      // Backwards from the field, past Power, Display, Keyboard and Language.
      try screen.press("shift+Tab", "shift+Tab", "shift+Tab", "shift+Tab", "shift+Tab")
      try reader.wait(focused: "toggle button", "Session: Staged")
      try screen.press("space")
      try reader.wait(focused: "list item")
      try screen.press("Home", "Return")
      try reader.wait(for: "toggle button", "Session: Another")
      try reader.wait(focused: "password text", "Password")
      try screen.answer(Machine.password)
      try waitUntil("the chosen session has begun") { LoginScreen.sessions == ["another"] }
    }

    @Test("the power menu says what can be done, and asks before anybody's work is lost")
    func power() throws {
      let screen = try LoginScreen(.init(showsUsers: false, isAccessible: true))
      let reader = try Accessibility()
      try screen.name(user)
      try screen.wait("password", of: user)
      try screen.press("shift+Tab")
      try reader.wait(focused: "toggle button", "Power")
      try screen.press("space")
      // The machine has no logind, so nothing can be done to it.
      try reader.wait(for: "label", "This computer cannot be shut down from here.")
    }
  }
}
