import Foundation
import Glibc
import Testing

extension IntegrationTests.Agent {
  @Suite("The agent's window, for a login session, by keyboard alone")
  final class InWindow {
    private static let title = "Authentication is required"
    private let user: String
    private let phone: Phone
    private let session: FakeSession
    private let desktop: Desktop

    init() throws {
      try Machine.reset()
      user = try Machine.newUser()
      session = try FakeSession(user)
      try Elevation.install(administrators: ["admin", user])
      phone = try Phone.activated(user)
      desktop = try Desktop.shared.get()
    }

    deinit { Elevation.remove() }

    private func remaining() throws -> String? { try Factor.root.allowance(user)["remaining"] }

    @Test("password and passcode, each asked for in the title; gone when it is done, and kept where polkit keeps it")
    func main() throws {
      let agent = try desktop.start([IntegrationTests.Agent.program], in: session)
      let shell = try AskingShell(user, session: session)
      shell.ask("auth_self_keep")
      try desktop.wait(for: "\(Self.title): Password")
      try desktop.picture("password")
      try desktop.answer(Machine.password)
      try desktop.wait(for: "\(Self.title): Offline passcode")
      try desktop.picture("passcode")
      try desktop.answer(phone.nextCode())
      #expect(try shell.status() == 0)
      try desktop.waitForNone(Self.title)
      shell.ask("auth_self_keep")
      #expect(try shell.status() == 0)
      #expect(try remaining() == "9")
      // A wrong code is said, and asked for again from the start.
      shell.ask("auth_self")
      try desktop.wait(for: "\(Self.title): Password")
      try desktop.answer(Machine.password)
      try desktop.wait(for: "\(Self.title): Offline passcode")
      try desktop.answer("000000")
      try desktop.wait(for: "\(Self.title): Password")
      try desktop.picture("again")
      try desktop.press("Escape")
      #expect(try shell.status() == 3)
      try desktop.waitForNone(Self.title)
      kill(agent.pid, SIGTERM)
      #expect(try agent.finish().status == 0)
    }

    @Test("what was being typed when it came up goes nowhere, its Enter neither")
    func strayPassword() throws {
      let agent = try desktop.start([IntegrationTests.Agent.program], in: session)
      let shell = try AskingShell(user, session: session)
      // Somebody who types a key every 30 milliseconds, for two seconds, into whatever has the focus.
      let typing = try PromptDialogue(
        ["xdotool", "type", "--args", "1", "--delay", "30", String(repeating: "hunter2 ", count: 8), "key", "Return"],
        environment: ["DISPLAY": Desktop.display])
      shell.ask("auth_self")
      let window = try desktop.wait(for: Self.title)
      try waitUntil("it has the focus") { trimmed(try Desktop.xdotool("getactivewindow").output) == window }
      var helper: [String] = []
      try waitUntil("the helper runs") {
        helper = try Elevation.helpers()
        return !helper.isEmpty
      }
      #expect(try typing.finish().status == 0)
      try desktop.picture("stray")
      #expect(try Elevation.helpers() == helper)
      try desktop.wait(for: "\(Self.title): Password")
      // Had anything of it got in, or had Escape, this would not be the password.
      try desktop.answer(Machine.password)
      try desktop.wait(for: "\(Self.title): Offline passcode")
      try desktop.answer(phone.nextCode())
      #expect(try shell.status() == 0)
      #expect(try remaining() == "9")
      kill(agent.pid, SIGTERM)
    }

    @Test("Escape cancels at the passcode and while a key blinks; a touch is enough afterwards")
    func key() throws {
      let host = try SoftKeyHost()
      try host.underService {
        try host.plug("mine")
        expectYes(try Factor.root.deactivate(user))
        _ = try KeyedUser(host, user: user)
        try host.tell("set mine touch=by-command")
        let agent = try desktop.start([IntegrationTests.Agent.program], in: session)
        let shell = try AskingShell(user, session: session)
        shell.ask("auth_self")
        try desktop.wait(for: "\(Self.title): Password")
        try desktop.answer(Machine.password)
        try host.tell("wait mine blinking")
        try desktop.wait(for: "\(Self.title): Touch your security key")
        try desktop.picture("touch")
        try desktop.press("Escape")
        #expect(try shell.status() == 3)
        try host.tell("wait mine dark")
        shell.ask("auth_self")
        try desktop.wait(for: "\(Self.title): Password")
        try desktop.answer(Machine.password)
        try host.touchWhenBlinking("mine")
        #expect(try shell.status() == 0)
        #expect(try remaining() == "9")
        kill(agent.pid, SIGTERM)
      }
    }

    @Test("the person who sits there is chosen first, and another one by the arrow keys")
    func identities() throws {
      let admins = try Phone.activated("admin")
      defer { _ = try? Factor.root.deactivate("admin") }
      let agent = try desktop.start([IntegrationTests.Agent.program], in: session)
      let shell = try AskingShell(user, session: session)
      shell.ask("auth_admin")
      try desktop.wait(for: "\(Self.title): Password")
      try desktop.picture("identities")
      try desktop.press("shift+Tab")
      try desktop.press("Up")
      try waitUntil("the helper checks admin") {
        try run("pgrep", "-f", "polkit-agent-helper-1 admin").status == 0
      }
      // Until then the title is that of the question before.
      try waitUntil("it asks for the password") { try Self.helperReads() }
      try desktop.wait(for: "\(Self.title): Password")
      try desktop.press("Tab")
      try desktop.answer("password-admin")
      try desktop.wait(for: "\(Self.title): Offline passcode")
      try desktop.answer(admins.nextCode())
      #expect(try shell.status() == 0)
      #expect(try remaining() == "10")
      kill(agent.pid, SIGTERM)
    }

    @Test("an allowance that is used up is told, with no field to type into, and polkit hears a no")
    func exhausted() throws {
      try Machine.configure("[Allowance]\nlogins=1\nwarn-at=0\n")
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
      let agent = try desktop.start([IntegrationTests.Agent.program], in: session)
      let shell = try AskingShell(user, session: session)
      shell.ask("auth_self")
      try desktop.wait(for: "\(Self.title): Password")
      try desktop.answer(Machine.password)
      try desktop.wait(for: "\(Self.title): No offline logins left")
      try desktop.picture("exhausted")
      try desktop.press("Escape")
      #expect(try shell.status() == 3)
      kill(agent.pid, SIGTERM)
    }

    @Test("a screen reader finds a name for everything that can be used, and who asks for what in words")
    func screenReader() throws {
      let window = try ReadWindow(user)
      let shell = try AskingShell(user, session: window.session)
      shell.ask("auth_admin")
      try window.wait("Password")
      let nodes = try window.showing()
      for node in nodes where node.isIn("focusable") || ["label", "icon", "image"].contains(node.role) {
        #expect(!node.name.isEmpty, "\(node)")
      }
      #expect(nodes.contains { $0.role == "dialog" && $0.name.hasPrefix(Self.title) })
      #expect(nodes.contains { $0.role == "password text" && $0.name == "Password" && $0.isIn("focused") })
      #expect(nodes.contains { $0.role == "combo box" && $0.name == "Who authenticates" })
      for words in [
        "Authentication is needed to try auth_admin", "Action: \(Elevation.action("auth_admin"))",
        "This elevation will leave 9 of your 10 offline logins.",
      ] { #expect(nodes.contains { $0.role == "label" && $0.name == words }, "\(words)") }
      try desktop.press("Escape")
      #expect(try shell.status() == 3)
    }

    /// Whether polkit's helper is in a read of its standard input, the system call 0 of descriptor 0.
    private static func helperReads() throws -> Bool {
      guard let helper = try Elevation.helpers().first,
        let call = try? String(contentsOfFile: "/proc/\(helper)/syscall", encoding: .utf8)
      else { return false }
      return call.hasPrefix("0 0x0 ")
    }

    @Test("polkit-gnome, unchanged, asks for password and passcode in PAM's words")
    func gnome() throws {
      // Tells when the password was right.
      let between = "/run/password-was-right"
      try Elevation.installStack(
        password: "auth required pam_unix.so nodelay", "auth optional pam_exec.so quiet /usr/bin/touch \(between)")
      try? FileManager.default.removeItem(atPath: between)
      let agent = try desktop.start(
        ["/usr/lib/policykit-1-gnome/polkit-gnome-authentication-agent-1"], in: session, waits: false)
      let shell = try AskingShell(user, session: session)
      var asks = false
      try waitUntil("it is registered, and asks") {
        shell.ask("auth_self")
        try waitUntil("it asks, or polkit has found nobody to ask") {
          asks = try desktop.window("^Authenticat") != nil
          return asks || shell.hasStatus
        }
        if !asks { #expect(try shell.status() == 2) }
        return asks
      }
      try waitUntil("the helper waits for the password") { try Self.helperReads() }
      let asked = try desktop.look()
      try desktop.answer(Machine.password)
      // It forgets what comes before it asks, and tells nobody that it does: the picture has to be another one, and
      // the same for two looks.
      var last = asked
      try waitUntil("it asks for the passcode") {
        let now = try desktop.look()
        defer { last = now }
        return try FileManager.default.fileExists(atPath: between) && Self.helperReads() && now == last && now != asked
      }
      try desktop.picture("gnome")
      try desktop.answer(phone.nextCode())
      #expect(try shell.status() == 0)
      #expect(try remaining() == "9")
      kill(agent.pid, SIGTERM)
    }
  }
}
