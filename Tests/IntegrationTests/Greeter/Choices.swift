import Foundation
import Testing

extension IntegrationTests.LoginScreens {
  @Suite("What can be chosen")
  struct Choices {
    private let user: String

    init() throws {
      try Machine.reset("[Service]\nidle-exit=0\n[Factor]\nexempt=@users\n")
      user = try Self.exemptUser()
    }

    private static func exemptUser() throws -> String {
      let user = try IntegrationTests.LoginScreens.newUser()
      try run("usermod", "-aG", "users", user).expectSuccess()
      return user
    }

    /// A screen that asks for a name, and what a screen reader has of it.
    private func screen(hasAccounts: Bool = false, keepsStack: Bool = false) throws -> (LoginScreen, Accessibility) {
      let screen = try LoginScreen(
        .init(showsUsers: false, isAccessible: true, keepsStack: keepsStack, hasAccounts: hasAccounts))
      return (screen, try Accessibility())
    }

    /// The buttons above, and how often Shift and Tab lead from the field to them.
    private enum Button: Int {
      case power = 1
      case display, keyboard, language, session
    }

    /// Opens a list by the keyboard.
    private func open(_ button: Button, _ name: String, _ screen: LoginScreen, _ reader: Accessibility) throws {
      for _ in 0..<button.rawValue { try screen.press("shift+Tab") }
      try reader.wait(focused: "toggle button", name)
      try screen.press("space")
    }

    @Test("a session that is chosen by the keyboard is the one that starts")
    func session() throws {
      let program = "/run/another-session"
      try Machine.write("#!/bin/sh\necho another >>\(LoginScreen.folder)/sessions\n", to: program, mode: 0o755)
      try Machine.write(
        "[Desktop Entry]\nType=Application\nName=Another\nExec=\(program)\n",
        to: "/usr/share/xsessions/another.desktop")
      defer { try? FileManager.default.removeItem(atPath: "/usr/share/xsessions/another.desktop") }
      let (screen, reader) = try screen()
      try screen.name(user)
      try screen.wait("password", of: user)
      try open(.session, "Session: Staged", screen, reader)
      try reader.wait(focused: "list item")
      try screen.press("Home", "Return")
      try reader.wait(for: "toggle button", "Session: Another")
      try reader.wait(focused: "password text", "Password")
      try screen.answer(Machine.password)
      try waitUntil("the chosen session has begun") { LoginScreen.sessions == ["another"] }
    }

    // MARK: Languages

    private static let german = "Language: German (Germany)"

    /// Makes a language besides that of the C library, the only one whatever this computer has.
    private func makeGerman() throws {
      try? FileManager.default.removeItem(atPath: "/usr/lib/locale/locale-archive")
      try run("localedef", "-i", "de_DE", "-f", "UTF-8", "de_DE.UTF-8").expectSuccess()
    }

    /// Chooses it from the list.
    private func chooseGerman(_ screen: LoginScreen, _ reader: Accessibility) throws {
      try open(.language, "Language", screen, reader)
      try reader.wait(focused: "list item", "C")
      try screen.press("End", "Return")
      try reader.wait(for: "toggle button", Self.german)
    }

    private func expectSession(in language: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
      let environment = try String(contentsOfFile: "\(LoginScreen.folder)/environment", encoding: .utf8)
      #expect(environment.contains("\nLANG=\(language)\n"), "\(environment)", sourceLocation: sourceLocation)
    }

    /// A later login, at which nothing is chosen.
    private func expectGermanNextTime(hasAccounts: Bool) throws {
      let (screen, reader) = try screen(hasAccounts: hasAccounts)
      try screen.name(user)
      try screen.wait("password", of: user)
      try reader.wait(for: "toggle button", Self.german)
      try screen.answer(Machine.password)
      try screen.waitForSession(of: user)
      try expectSession(in: "de_DE.utf8")
    }

    @Test("a language that is chosen is that of the session, and of the next one without being chosen again")
    func language() throws {
      try makeGerman()
      do {
        let (screen, reader) = try screen(hasAccounts: true)
        try screen.name(user)
        try screen.wait("password", of: user)
        try chooseGerman(screen, reader)
        try reader.wait(focused: "password text", "Password")
        // It stays theirs when the password was wrong.
        try screen.answer("wrong")
        try screen.wait("password", of: user, saying: "error: That was not right.")
        try screen.answer(Machine.password)
        try screen.waitForSession(of: user)
        try expectSession(in: "de_DE.utf8")
      }
      try expectGermanNextTime(hasAccounts: true)
    }

    @Test("without AccountsService a chosen language is that of the sessions after LightDM's next start")
    func languageLater() throws {
      try makeGerman()
      // LightDM keeps it in the home folder, and its greeters look there.
      chmod("/home/\(user)", 0o755)
      do {
        let (screen, reader) = try screen()
        try screen.name(user)
        try screen.wait("password", of: user)
        try chooseGerman(screen, reader)
        try screen.answer(Machine.password)
        try screen.waitForSession(of: user)
        try expectSession(in: "C.UTF-8")
      }
      try expectGermanNextTime(hasAccounts: false)
    }

    @Test("a line of Debian's for LightDM puts the computer's language above the chosen one")
    func languageOverridden() throws {
      try makeGerman()
      try Machine.write("LANG=C.UTF-8\n", to: "/etc/default/locale")
      try Machine.pamService(
        "lightdm", LoginScreen.stack + ["session required pam_env.so readenv=1 envfile=/etc/default/locale"])
      let (screen, reader) = try screen(hasAccounts: true, keepsStack: true)
      try screen.name(user)
      try screen.wait("password", of: user)
      try chooseGerman(screen, reader)
      try screen.answer(Machine.password)
      try screen.waitForSession(of: user)
      try expectSession(in: "C.UTF-8")
    }

    @Test("what is chosen before the name is typed is the choice of whoever types it, and not the next one's")
    func chosenFirst() throws {
      try makeGerman()
      let other = try Self.exemptUser()
      let (screen, reader) = try screen(hasAccounts: true)
      try screen.wait(for: "name")
      try chooseGerman(screen, reader)
      try reader.wait(focused: "text", "User name")
      try screen.answer(other)
      try screen.wait("password", of: other)
      try reader.wait(for: "toggle button", Self.german)
      try screen.select(user)
      try reader.wait(for: "toggle button", "Language")
      try screen.press("Escape")
      try screen.wait(for: "name")
      try chooseGerman(screen, reader)
      try reader.wait(focused: "text", "User name")
      try screen.answer(user)
      try screen.wait("password", of: user)
      try screen.answer(Machine.password)
      try screen.waitForSession(of: user)
      try expectSession(in: "de_DE.utf8")
    }

    // MARK: Keyboards

    /// What the X server does with keys, as setxkbmap tells it: a line for each property.
    private func keyboard(_ screen: LoginScreen) throws -> [String] {
      Self.properties(try screen.tool("setxkbmap", "-query").output)
    }

    private static func properties(_ text: String) -> [String] {
      text.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
    }

    @Test("a keyboard layout that is chosen is that of the next key, and of the session")
    func layout() throws {
      let (screen, reader) = try screen()
      try screen.wait(for: "name")
      try open(.keyboard, "Keyboard: English (US)", screen, reader)
      // There are hundreds, so a few letters are typed.
      try reader.wait(focused: "text", "Search in: Keyboard")
      try screen.type("german (no dead")
      try reader.wait(for: "list item", "German (no dead keys)")
      try screen.press("Return")
      try reader.wait(for: "toggle button", "Keyboard: German (no dead keys)")
      try reader.wait(focused: "text", "User name")
      // The key with the code 29 is the y of the layout before, and the z of this one.
      try screen.press("29", "Return")
      try screen.wait("password", of: "z")
      try screen.select(user)
      try screen.answer(Machine.password)
      try screen.waitForSession(of: user)
      let session = try String(contentsOfFile: "\(LoginScreen.folder)/keyboard", encoding: .utf8)
      #expect(Self.properties(session).contains("layout: de"), "\(session)")
      #expect(Self.properties(session).contains("variant: nodeadkeys"), "\(session)")
    }

    @Test("a user has the layout of the last time, and the next one that of the computer")
    func layoutOfUser() throws {
      let other = try Self.exemptUser()
      chmod("/home/\(user)", 0o755)
      try Machine.write("[Desktop]\nLayout=fr\n", to: "/home/\(user)/.dmrc")
      let (screen, reader) = try screen()
      try screen.name(user)
      try screen.wait("password", of: user)
      try reader.wait(for: "toggle button", "Keyboard: French")
      #expect(try keyboard(screen).contains("layout: fr"))
      try screen.select(other)
      try reader.wait(for: "toggle button", "Keyboard: English (US)")
      #expect(try keyboard(screen).contains("layout: us"))
    }

    // MARK: Power

    @Test("the power menu says what can be done, and asks before anybody's work is lost")
    func power() throws {
      let (screen, reader) = try screen()
      try screen.name(user)
      try screen.wait("password", of: user)
      try open(.power, "Power", screen, reader)
      // The machine has no logind, so nothing can be done to it.
      try reader.wait(for: "label", "This computer cannot be shut down from here.")
    }
  }
}
