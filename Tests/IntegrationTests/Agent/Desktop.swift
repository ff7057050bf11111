import Foundation
import Glibc
import Testing

/// A screen with a window manager, looked at and typed at as by a person.
final class Desktop {
  static let display = ":77"
  // One for all tests that need a screen, which follow one after another; it ends with them.
  nonisolated(unsafe) static let shared = Result { try Desktop() }
  let server: PromptDialogue
  let manager: PromptDialogue
  /// The title last waited for.
  private var awaited: String?

  private init() throws {
    server = try PromptDialogue([
      "Xvfb", Self.display, "-screen", "0", "1024x768x24", "-nolisten", "tcp", "-ac", "-noreset",
    ])
    try waitUntil("the X server answers") { try Self.xdotool("getdisplaygeometry").status == 0 }
    manager = try PromptDialogue(["openbox", "--sm-disable"], environment: ["DISPLAY": Self.display, "HOME": "/tmp"])
    try waitUntil("the window manager runs") {
      try run("xprop", "-root", "_NET_SUPPORTING_WM_CHECK", environment: ["DISPLAY": Self.display]).output
        .contains("window id")
    }
  }

  deinit {
    kill(manager.pid, SIGTERM)
    kill(server.pid, SIGTERM)
  }

  @discardableResult
  static func xdotool(_ arguments: String...) throws -> CommandResult {
    try run(["xdotool"] + arguments, environment: ["DISPLAY": display])
  }

  /// The window whose title matches a regular expression, where one is on the screen.
  func window(_ title: String) throws -> String? {
    let answer = try Self.xdotool("search", "--onlyvisible", "--name", title)
    return answer.output.split(separator: "\n").first.map(String.init)
  }

  @discardableResult
  func wait(for title: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
    var found: String?
    try waitUntil("there is a window \"\(title)\"", sourceLocation: sourceLocation) {
      found = try window(title)
      return found != nil
    }
    awaited = title
    return try #require(found)
  }

  func waitForNone(_ title: String) throws { try waitUntil("\"\(title)\" is gone") { try window(title) == nil } }

  func type(_ text: String) throws { try Self.xdotool("type", "--delay", "2", text).expectSuccess() }
  func press(_ key: String) throws { try Self.xdotool("key", key).expectSuccess() }

  /// Types into the window that was waited for, once it has the focus: it shows itself before.
  func answer(_ text: String) throws {
    if let awaited {
      try waitUntil("\"\(awaited)\" has the focus") {
        try window(awaited) == trimmed(Self.xdotool("getactivewindow").output)
      }
    }
    try type(text)
    try press("Return")
  }

  /// What is on the screen, as a number of it.
  func look() throws -> String {
    try run(
      "sh", "-c", "import -silent -window root -depth 8 rgb:- | md5sum", environment: ["DISPLAY": Self.display]
    ).expectSuccess().output
  }

  /// Keeps a picture of the screen where the environment names a folder for them.
  func picture(_ name: String) throws {
    guard let folder = ProcessInfo.processInfo.environment["OFFLINE_ACCESS_PICTURES"] else { return }
    try run("import", "-window", "root", "\(folder)/\(name).png", environment: ["DISPLAY": Self.display])
      .expectSuccess()
  }

  /// Starts an agent in a session and waits until it is registered.
  ///
  /// - Parameters:
  ///   - bus: the address of the session bus, where screen readers are on one.
  ///   - waits: whether it can tell that it is registered.
  func start(
    _ program: [String], in session: FakeSession, bus: String? = nil, waits: Bool = true
  ) throws -> PromptDialogue {
    var environment = [
      "DISPLAY": Self.display, "GDK_BACKEND": "x11", "GSETTINGS_BACKEND": "memory",
      "XDG_RUNTIME_DIR": "/tmp", "LC_ALL": "C.UTF-8",
    ]
    // Other agents' windows are not waited for.
    awaited = nil
    environment[bus == nil ? "NO_AT_BRIDGE" : "DBUS_SESSION_BUS_ADDRESS"] = bus ?? "1"
    guard waits else { return try PromptDialogue(session.prefix + program, environment: environment) }
    let fifo = "/tmp/ready-\(session.name)"
    try run("sh", "-c", "rm -f \(fifo); mkfifo \(fifo); chmod 666 \(fifo)").expectSuccess()
    let command = "{ cat \(fifo); echo registered; } & exec \"$@\" --notify-fd 9 9>\(fifo)"
    let agent = try PromptDialogue(
      session.prefix + ["bash", "-c", command, "agent"] + program, environment: environment)
    try agent.wait(for: "registered")
    return agent
  }
}
