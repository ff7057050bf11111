import Foundation
import Glibc
import Testing

extension IntegrationTests {
  /// Real polkitd, its real helper, PAM, and offline-access-agent.
  @Suite(.serialized)
  enum Agent {
    static let program = "/usr/libexec/offline-access-agent"
  }
}

/// Actions of our own for polkit, one for each answer that needs a person, and what asks for them.
struct Elevation {
  static let stack = "/etc/pam.d/polkit-1"
  private static let actions = "/usr/share/polkit-1/actions/org.offlineaccess.test.policy"
  private static let rules = "/etc/polkit-1/rules.d/10-agent.rules"
  private static let programs = "/usr/local/libexec/offline-access-test"
  private static let kinds = ["auth_self", "auth_self_keep", "auth_admin", "auth_admin_keep"]

  /// The action that polkit answers with `implicit`: `auth_self`, `auth_admin`, and these with `_keep`.
  static func action(_ implicit: String) -> String {
    "org.offlineaccess.test." + implicit.replacingOccurrences(of: "_", with: "-")
  }

  /// A program for whose start pkexec asks for that action. It ends well if root runs it.
  static func program(_ implicit: String) -> String { "\(programs)/\(implicit)" }

  /// Puts actions and the stack of polkit's helper in place, each person with the password and the factor.
  static func install(administrators: [String] = ["admin"]) throws {
    try FileManager.default.createDirectory(atPath: programs, withIntermediateDirectories: true)
    for kind in kinds { try Machine.write("#!/bin/sh\n[ \"$(id -un)\" = root ]\n", to: program(kind), mode: 0o755) }
    let entries = kinds.map { kind in
      """
      <action id="\(action(kind))">
        <description>Try \(kind)</description>
        <message>Authentication is needed to try \(kind)</message>
        <icon_name>dialog-password</icon_name>
        <defaults><allow_any>\(kind)</allow_any><allow_inactive>\(kind)</allow_inactive>
        <allow_active>\(kind)</allow_active></defaults>
        <annotate key="org.freedesktop.policykit.exec.path">\(program(kind))</annotate>
      </action>
      """
    }
    // pkexec finds this one by the program's path.
    let printing = """
      <action id="org.offlineaccess.test.id">
        <description>Run id</description>
        <message>Authentication is needed to run id</message>
        <defaults><allow_any>auth_self</allow_any><allow_inactive>auth_self</allow_inactive>
        <allow_active>auth_self</allow_active></defaults>
        <annotate key="org.freedesktop.policykit.exec.path">/usr/bin/id</annotate>
      </action>
      """
    try Machine.write(
      "<policyconfig><vendor>Offline Access</vendor>\n\((entries + [printing]).joined(separator: "\n"))\n</policyconfig>\n",
      to: actions)
    let identities = administrators.map { "\"unix-user:\($0)\"" }.joined(separator: ", ")
    try Machine.write("polkit.addAdminRule(function(action, subject) { return [\(identities)]; });\n", to: rules)
    try installStack()
    try restartPolkit()
  }

  static func installStack(password: String...) throws {
    try Machine.pamService(
      "polkit-1",
      (password.isEmpty ? ["auth required pam_unix.so nodelay"] : password) + [
        "auth required \(PAMHost.module)", "account required pam_unix.so",
        "account required \(PAMHost.module)",
      ])
  }

  static func remove() {
    for file in [stack, actions, rules, programs] { try? FileManager.default.removeItem(atPath: file) }
  }

  // MARK: polkitd

  // The one that we started; it stays for the tests that follow, and they follow one after another.
  private nonisolated(unsafe) static var polkit: PromptDialogue?

  static func polkitPID() throws -> Int32? {
    let answer = try run(
      "busctl", "call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
      "GetConnectionUnixProcessID", "s", "org.freedesktop.PolicyKit1")
    return answer.status == 0 ? Int32(answer.output.split(separator: " ").last.map(trimmed) ?? "") : nil
  }

  /// Ends the polkitd that runs, or what stands in for it.
  static func stopPolkit() throws {
    if let pid = try polkitPID() {
      kill(pid, SIGTERM)
      try waitUntil("polkitd has ended") { try polkitPID() != pid }
    }
    polkit = nil
  }

  /// Another polkitd takes the place of the one that runs.
  static func restartPolkit() throws {
    try stopPolkit()
    polkit = try PromptDialogue(["/usr/lib/polkit-1/polkitd", "--no-debug"])
    try run("gdbus", "wait", "--system", "--timeout", "10", "org.freedesktop.PolicyKit1").expectSuccess()
  }

  // MARK: Who asks

  /// The helpers of polkit that run now.
  static func helpers() throws -> [String] {
    try run("pgrep", "-f", "polkit-agent-helper-1").output.split(separator: "\n").map(String.init)
  }
}

/// A user's shell that asks polkit, as any program of theirs would.
final class AskingShell {
  let user: String
  let pid: Int32
  let dialogue: PromptDialogue

  /// - Parameter session: the login session that it is put into, where there is one.
  init(_ user: String, session: FakeSession? = nil) throws {
    self.user = user
    dialogue = try PromptDialogue((session?.prefix ?? ["runuser", "-u", user, "--"]) + ["bash", "--norc"])
    dialogue.answer("echo pid=$$.")
    try dialogue.wait(for: "pid=")
    pid = try #require(Int32(dialogue.wait(for: ".").dropLast()))
  }

  /// Asks polkit for an action, and lets an agent ask the person.
  func ask(_ implicit: String) {
    dialogue.answer(
      "pkcheck --process \(pid) --action-id \(Elevation.action(implicit)) --allow-user-interaction; echo status=$?.")
  }

  /// Runs a command.
  func run(_ command: String) { dialogue.answer("\(command); echo status=$?.") }

  /// Whether it has ended; then `status` tells how.
  var hasStatus: Bool { dialogue.hasReceived("status=") }

  /// How it ended: of pkcheck 0 is a yes, 1 a no, 2 that there is nobody to ask, 3 that it was dismissed.
  func status(sourceLocation: SourceLocation = #_sourceLocation) throws -> Int32 {
    try dialogue.wait(for: "status=", sourceLocation: sourceLocation)
    return try #require(Int32(dialogue.wait(for: ".", sourceLocation: sourceLocation).dropLast()))
  }
}

/// offline-access-agent at a terminal of its own, for the questions of another process.
final class TerminalAgent {
  let dialogue: PromptDialogue
  private let user: String

  init(_ shell: AskingShell, environment: [String: String] = [:]) throws {
    user = shell.user
    // The pipe ends when the agent closes it.
    let registered = "--notify-fd 9 9>&1 >/dev/tty | { cat; echo registered; }"
    dialogue = try PromptDialogue(
      [
        "script", "--quiet", "--return", "--echo", "always", "--command",
        "bash -c '\(IntegrationTests.Agent.program) --tty --process \(shell.pid) \(registered)'", "/dev/null",
      ], as: shell.user, environment: environment)
    try dialogue.wait(for: "registered")
  }

  /// The agent's process.
  func pid() throws -> Int32 {
    try #require(
      Int32(trimmed(try run("pgrep", "-u", user, "-n", "-f", "^\(IntegrationTests.Agent.program)").output)))
  }

  @discardableResult
  func wait(for text: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
    try dialogue.wait(for: text, sourceLocation: sourceLocation)
  }

  /// Waits for a prompt that hides its answer, and answers it.
  func answer(_ prompt: String, _ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    try dialogue.wait(for: prompt, sourceLocation: sourceLocation)
    dialogue.answer(text)
  }

  /// Ctrl-C at its terminal.
  func interrupt() { dialogue.type("\u{3}") }

  /// Ends it by Ctrl-C, while nothing is asked.
  ///
  /// - Returns: all that it had shown.
  func end() throws -> String {
    interrupt()
    return try dialogue.finish().text
  }
}
