import Foundation
import Glibc
import Testing

extension IntegrationTests.Agent {
  @Suite("What the agent's window says where there is nothing to type, and whom and what it lets choose")
  final class WindowStates {
    private let user: String
    private let phone: Phone

    init() throws {
      try Machine.reset("[Service]\nidle-exit=0\n")
      user = try Machine.newUser()
      try Elevation.install(administrators: ["admin", user])
      phone = try Phone.activated(user)
    }

    deinit { Elevation.remove() }

    private func remaining(_ user: String) throws -> String? { try Factor.root.allowance(user)["remaining"] }

    /// The seconds of a lock that the window counts down.
    private func seconds(_ window: ReadWindow) throws -> Int? {
      try window.words("Try again in ")?.firstMatch(of: /Try again in ([0-9]+) seconds?\./).flatMap { Int($0.1) }
    }

    @Test("five wrong codes lock: it says for how long, counts down, takes nothing meanwhile, and then opens again")
    func locked() throws {
      let window = try ReadWindow(user)
      let shell = try AskingShell(user, session: window.session)
      let wrong = try phone.wrongCode()
      shell.ask("auth_self")
      for number in 1...5 {
        try window.password()
        try window.wait("Offline passcode")
        try window.desktop.answer(wrong)
        // Three tries a question; the lock is one for all of them.
        guard number == 3 else { continue }
        #expect(try shell.status() == 1)
        try window.waitUntilGone()
        shell.ask("auth_self")
      }
      try window.wait("Locked for a while")
      try window.desktop.picture("locked")
      try window.wait(saying: "That passcode is not right. Too many failed attempts. Try again in ")
      let first = try #require(try seconds(window))
      #expect((1...30).contains(first))
      try window.expectNoField()
      // The right code, to whatever might take it.
      try window.desktop.answer(phone.code(ahead: 30))
      #expect(try Elevation.helpers().isEmpty)
      #expect(try window.showing().contains { $0.name == "Try again" && !$0.isIn("enabled") })
      try waitUntil("it counts down") { try seconds(window).map { $0 < first } ?? false }
      try window.desktop.press("Escape")
      #expect(try shell.status() == 3)

      // The service's clock stands still near the lock's end, the window's goes on.
      let end = try #require(Int(try Factor.root.allowance(user)["locked-until"] ?? ""))
      try Clock.freeze(at: end - 2)
      shell.ask("auth_self")
      try window.wait("Password")
      try window.wait(saying: "Too many failed attempts. Try again in 2 seconds.")
      try window.password()
      try window.wait("Locked for a while")
      try window.wait(saying: "You can try again now.")
      try waitUntil("it lets try again") {
        try window.showing().contains { $0.name == "Try again" && $0.isIn("focused") }
      }
      try Clock.move(to: end)
      try window.desktop.press("Return")
      try window.password()
      try window.wait("Offline passcode")
      try window.desktop.answer(phone.nextCode())
      #expect(try shell.status() == 0)
      try window.waitUntilGone()
      #expect(try remaining(user) == "9")
    }

    @Test("a lock that the last of three tries brings is shown too, until the person has read it")
    func lockedByTheLast() throws {
      try Machine.configure("[Service]\nidle-exit=0\n[Failure]\nattempts=3\n")
      let window = try ReadWindow(user)
      let shell = try AskingShell(user, session: window.session)
      let wrong = try phone.wrongCode()
      shell.ask("auth_self")
      for _ in 1...3 {
        try window.password()
        try window.wait("Offline passcode")
        try window.desktop.answer(wrong)
      }
      try window.wait("Locked for a while")
      // What the elevation would have left is of no interest now.
      #expect(try window.words("This elevation will leave") == nil)
      #expect(!shell.hasStatus)
      try window.desktop.press("Escape")
      #expect(try shell.status() == 3)
    }

    /// What keeps somebody out.
    enum Obstacle: String, CaseIterable, CustomTestStringConvertible, Sendable {
      case noLogin = "no login left"
      case noDay = "no day left"
      case clock = "a clock set back"
      case noFactor = "no factor"
      case noService = "no service"

      var testDescription: String { rawValue }

      /// What is seen of it.
      var headline: String {
        switch self {
        case .noLogin: "No offline logins left"
        case .noDay: "Offline access has ended"
        case .clock: "The clock of this computer is not right"
        case .noFactor: "Offline access is not set up"
        case .noService: "Offline access is not available"
        }
      }

      var sentence: String {
        switch self {
        case .noLogin, .noDay: "The administrator must renew it first."
        case .clock: "Set it right"
        case .noFactor: "Ask the administrator to set it up."
        case .noService: "Try again, and if it stays so, ask your administrator."
        }
      }

      /// Whether the window knows of it before the password.
      var isForeseen: Bool { [.noLogin, .noDay, .clock].contains(self) }
    }

    @Test(
      "what keeps somebody out is said with what to do, there is nothing to type, and the next question is asked anew",
      arguments: Obstacle.allCases)
    func obstacle(_ obstacle: Obstacle) throws {
      let activation = try String(contentsOfFile: Clock.activation, encoding: .utf8)
      defer { try? Clock.activate(activation) }
      switch obstacle {
      case .noLogin:
        try Machine.configure("[Allowance]\nlogins=1\nwarn-at=0\n")
        expectYes(try Factor.root.authenticate(user, phone.nextCode()))
      case .noDay:
        try Machine.configure("[Allowance]\nlimit=days\ndays=1\n")
        try Clock.advance(3 * 86_400)
      case .clock: try Clock.advance(-7200)
      case .noFactor: expectYes(try Factor.root.deactivate(user))
      case .noService:
        try Machine.stopService()
        try Clock.activate(activation.replacing("Exec=", with: "Exec=/bin/false "))
      }
      let window = try ReadWindow(user)
      let shell = try AskingShell(user, session: window.session)
      for _ in 1...2 {
        shell.ask("auth_self")
        try window.wait("Password")
        if obstacle.isForeseen { try window.wait(saying: obstacle.sentence) }
        try window.password()
        try window.wait(obstacle.headline)
        try window.desktop.picture("obstacle-\(obstacle)")
        try window.wait(saying: obstacle.sentence)
        try window.expectNoField()
        try window.desktop.press("Escape")
        #expect(try shell.status() == 3)
        try window.waitUntilGone()
        try waitUntil("no helper is left") { try Elevation.helpers().isEmpty }
      }
    }

    /// When somebody lets another one answer.
    enum Moment: String, CaseIterable, CustomTestStringConvertible, Sendable {
      case password, passcode, refusal
      var testDescription: String { rawValue }
    }

    @Test(
      "another administrator may answer instead at any moment, and the first one has neither paid nor failed",
      arguments: Moment.allCases)
    func another(_ moment: Moment) throws {
      let admins = try Phone.activated("admin")
      defer { _ = try? Factor.root.deactivate("admin") }
      try Machine.configure("[Service]\nidle-exit=0\n[Failure]\nattempts=1\n")
      if moment == .refusal { expectYes(try Factor.root.deactivate(user)) }
      let window = try ReadWindow(user)
      let shell = try AskingShell(user, session: window.session)
      shell.ask("auth_admin")
      try window.wait("Password")
      switch moment {
      case .password: break
      case .passcode:
        try window.password()
        try window.wait("Offline passcode")
      case .refusal:
        try window.password()
        try window.wait("Offline access is not set up")
        try waitUntil("the focus is in its place") {
          try window.showing().contains { $0.name == "Try again" && $0.isIn("focused") }
        }
      }
      try window.desktop.press("shift+Tab")
      try window.desktop.press("Up")
      try waitUntil("the helper checks admin") {
        try run("pgrep", "-f", "polkit-agent-helper-1 admin").status == 0
      }
      try waitUntil("it asks admin, of whom nothing is foretold") {
        let nodes = try window.showing()
        return nodes.contains { $0.role == "password text" && $0.name == "Password" }
          && !nodes.contains { $0.name.hasPrefix("This elevation") }
      }
      try window.wait("Password")
      // The choice still has the focus.
      try window.desktop.press("Tab")
      try waitUntil("the field has the focus") {
        try window.showing().contains { $0.role == "password text" && $0.isIn("focused") }
      }
      try window.password("password-admin")
      try window.wait("Offline passcode")
      try window.desktop.picture("another-\(moment)")
      try window.desktop.answer(admins.nextCode())
      #expect(try shell.status() == 0)
      #expect(try remaining("admin") == "9")
      guard moment != .refusal else { return }
      #expect(try Factor.root.allowance(user)["state"] == "ready")
      #expect(try remaining(user) == "10")
    }

    @Test("a window that is raised over it does not cover it, and has all that is typed there for itself")
    func inFront() throws {
      let window = try ReadWindow(user)
      let desktop = window.desktop
      let shell = try AskingShell(user, session: window.session)
      shell.ask("auth_self")
      try window.wait("Password")
      let ours = try #require(try desktop.window(ReadWindow.title))
      let other = try PromptDialogue(
        ["xev", "-name", "Elsewhere", "-geometry", "1000x700+0+0", "-event", "keyboard"],
        environment: ["DISPLAY": Desktop.display])
      defer { kill(other.pid, SIGTERM) }
      let theirs = try desktop.wait(for: "^Elsewhere")
      try Desktop.xdotool("windowactivate", theirs)
      try waitUntil("the other one has the focus") {
        trimmed(try Desktop.xdotool("getwindowfocus").output) == theirs
      }
      let stack = try run("xprop", "-root", "_NET_CLIENT_LIST_STACKING", environment: ["DISPLAY": Desktop.display])
      let top = try #require(stack.output.matches(of: /0x[0-9a-f]+/).last).output.dropFirst(2)
      #expect(UInt(top, radix: 16) == UInt(ours))
      try desktop.picture("in-front")
      let helpers = try Elevation.helpers()
      try desktop.answer("hunter2")
      try other.wait(for: "keysym 0xff0d, Return")
      #expect(try Elevation.helpers() == helpers)
      try Desktop.xdotool("windowactivate", ours)
      // Had anything of it got in, this would not be the password.
      try window.password()
      try window.wait("Offline passcode")
      try desktop.answer(phone.nextCode())
      #expect(try shell.status() == 0)
      #expect(try remaining(user) == "9")
    }

    @Test("a key is asked for when it is not there, the wrong one is seen, its PIN is asked for before the touch")
    func key() throws {
      try Machine.configure("[Service]\nidle-exit=0\n[SecurityKey]\nverification=required\n")
      let host = try SoftKeyHost()
      try host.underService {
        try host.plug("mine", "pin=2468")
        expectYes(try Factor.root.deactivate(user))
        _ = try KeyedUser(host, user: user, pin: "2468")
        try host.tell("set mine touch=by-command")
        try host.unplug("mine")
        let window = try ReadWindow(user)
        let shell = try AskingShell(user, session: window.session)
        shell.ask("auth_self")
        try window.wait("Password")
        try window.wait(saying: "This elevation will leave 9 of your 10 offline logins.")
        try window.password()
        try window.wait("Plug in your security key")
        try host.plug("mine")
        try window.wait("PIN of your security key")
        try window.desktop.picture("pin")
        try window.desktop.answer("2468")
        try window.wait("Touch your security key")
        try host.touchWhenBlinking("mine")
        #expect(try shell.status() == 0)
        try window.waitUntilGone()
        #expect(try remaining(user) == "9")
      }
    }
  }
}
