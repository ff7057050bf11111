import Foundation
import Glibc
import Testing

extension IntegrationTests.LoginScreens {
  /// SDDM and its own theme as Debian has them, which know nothing of this project.
  ///
  /// SDDM asks for a password before PAM begins, and gives it as the answer to whatever PAM asks.
  @Suite("SDDM, unchanged")
  struct SDDM {
    private let user: String

    init() throws {
      try Machine.reset("[Service]\nidle-exit=0\n[Failure]\nattempts=1\n")
      user = try IntegrationTests.LoginScreens.newUser()
    }

    @Test("the password answers the passcode's prompt, too: that looks like a wrong password, and locks nobody")
    func passcode() throws {
      _ = try Phone.activated(user)
      let wrongPassword = try afterAnswer("wrong")
      #expect(try Factor.root.allowance(user)["state"] == "ready")
      #expect(try afterAnswer(Machine.password) == wrongPassword)
      #expect(try Factor.root.allowance(user)["state"] == "ready")
      #expect(LoginScreen.sessions.isEmpty)
    }

    @Test("a touch logs in, though nothing but the key itself asks for it")
    func touch() throws {
      let host = try SoftKeyHost()
      try host.underService {
        try host.plug("mine")
        _ = try KeyedUser(host, user: user)
        try host.tell("set mine touch=by-command")
        let screen = try SDDMScreen(user)
        let before = try screen.words()
        try screen.answer(Machine.password)
        try host.tell("wait mine blinking")
        #expect(try screen.words() == before)
        try host.touchWhenBlinking("mine")
        try LoginScreen.waitForSession(of: user)
        #expect(try Factor.root.allowance(user)["remaining"] == "9")
      }
    }

    /// What stands below the users once a password was refused.
    private func afterAnswer(_ text: String) throws -> [UInt8] {
      let screen = try SDDMScreen(user)
      let before = try screen.words()
      try screen.answer(text)
      var after = before
      try waitUntil("SDDM says something") {
        after = try screen.words()
        return after != before
      }
      return after
    }
  }
}

/// An SDDM whose screen is Xvfb's, with the field for the password of one user.
final class SDDMScreen {
  private static let folder = LoginScreen.folder
  private static let state = "/var/lib/sddm/state.conf"
  private let process: PromptDialogue
  private var environment: [String: String] = [:]

  init(_ user: String) throws {
    try Machine.require()
    try LoginScreen.clear()
    try LoginScreen.prepareServer(.init(size: "1024x768"))
    try LoginScreen.prepareSession()
    // SDDM 0.19 takes one message at a time off its helper's socket and forgets what came with it: where what is left
    // is told, the yes right behind that is lost now and then.
    try Machine.pamService(
      "sddm", LoginScreen.stack.map { $0.replacing("offline_access.so", with: "offline_access.so quiet") })
    // Qt's usual way of drawing wants OpenGL.
    try Machine.write("QT_QUICK_BACKEND=software\n", to: "\(Self.folder)/environment-of-greeter")
    try Machine.pamService(
      "sddm-greeter",
      LoginScreen.greeterStack + ["session required pam_env.so envfile=\(Self.folder)/environment-of-greeter"])
    try Machine.write(
      """
      [General]
      DisplayServer=x11
      [X11]
      ServerPath=\(Self.folder)/xserver
      SessionCommand=\(Self.folder)/session
      DisplayCommand=
      DisplayStopCommand=
      """, to: "/etc/sddm.conf")
    // It begins with whoever logged in last.
    try Machine.write("[Last]\nUser=\(user)\n", to: Self.state)
    process = try PromptDialogue(["env", "--unset=XDG_VTNR", "sddm"])
    try waitForFocus()
  }

  deinit {
    kill(process.pid, SIGTERM)
    _ = try? process.finish()
    try? FileManager.default.removeItem(atPath: Self.state)
  }

  /// Types into the field, which has the focus.
  func answer(_ text: String) throws {
    try run("xdotool", "type", "--delay", "4", text, environment: environment).expectSuccess()
    try run("xdotool", "key", "Return", environment: environment).expectSuccess()
  }

  /// The line below the users, where SDDM tells what is to be done or was wrong, once it is drawn.
  func words() throws -> [UInt8] {
    let line = Area(left: 512, top: 530, width: 512, height: 80)
    var seen: [UInt8] = []
    try waitUntil("the screen is drawn") {
      let picture = "\(Self.folder)/screen.png"
      try run("import", "-window", "root", picture, environment: environment).expectSuccess()
      let pixels = try Pixels(picture: picture)
      let last = seen
      seen = pixels.part(line)
      return seen == last && pixels.colours(in: line).count > 1
    }
    return seen
  }

  private func waitForFocus() throws {
    try waitUntil("SDDM's greeter has the focus") {
      guard let pid = pid_t(trimmed(try run("pgrep", "-x", "sddm-greeter").output)),
        let variables = try? String(contentsOfFile: "/proc/\(pid)/environ", encoding: .utf8)
      else { return false }
      for variable in variables.split(separator: "\0") {
        let parts = variable.split(separator: "=", maxSplits: 1).map(String.init)
        if parts.count == 2, ["DISPLAY", "XAUTHORITY"].contains(parts[0]) { environment[parts[0]] = parts[1] }
      }
      let window = try run("xdotool", "getwindowfocus", "getwindowname", environment: environment)
      return trimmed(window.output) == "sddm-greeter"
    }
  }
}
