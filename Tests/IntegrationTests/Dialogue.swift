import Foundation
import Glibc
import Testing

/// A program that is spoken with through a socket: what it prints is waited for, then answered.
///
/// It runs in a session of its own, without a terminal, and ends with this object at the latest.
final class PromptDialogue {
  /// How a program ended, and all that it had printed.
  struct Ending {
    let command: String
    let status: Int32
    /// Standard output and standard error, as they came.
    let text: String

    var lines: [String] { text.split(whereSeparator: \.isNewline).map(String.init) }
  }

  let pid: pid_t
  /// POSIX_SPAWN_SETSID, which Swift does not import.
  private static let newSession: Int16 = 0x80
  /// POSIX_SPAWN_SETSIGMASK, likewise.
  private static let setSignalMask: Int16 = 0x08
  private let command: [String]
  /// Our end of its standard input, output and error.
  let socket: Int32
  private var received: [UInt8] = []
  private var seen = 0
  private var ended = false

  /// Starts `command`, the program by its path or its name, without a shell.
  init(_ command: [String], as user: String? = nil, environment: [String: String] = [:]) throws {
    self.command = (user.map { ["runuser", "-u", $0, "--"] } ?? []) + command
    var ends: [Int32] = [-1, -1]
    try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
    defer { close(ends[1]) }
    socket = ends[0]

    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    for descriptor in 0...2 as ClosedRange<Int32> { posix_spawn_file_actions_adddup2(&actions, ends[1], descriptor) }
    // The threads that tests run on block signals, and a child would inherit that.
    var noSignals = sigset_t()
    sigemptyset(&noSignals)
    posix_spawnattr_setsigmask(&attributes, &noSignals)
    posix_spawnattr_setflags(&attributes, Self.newSession | Self.setSignalMask)

    let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }.map { "\($0)=\($1)" }
    var arguments = self.command.map { strdup($0) } + [nil]
    var environment = variables.map { strdup($0) } + [nil]
    defer { for pointer in arguments + environment { free(pointer) } }
    var pid: pid_t = 0
    let result = posix_spawnp(&pid, self.command[0], &actions, &attributes, &arguments, &environment)
    self.pid = pid
    if result != 0 { ended = true }
    try #require(result == 0, "\(self.command[0]): \(String(cString: strerror(result)))")
  }

  deinit {
    close(socket)
    guard !ended else { return }
    // The whole session: `script` has a child.
    kill(-pid, SIGKILL)
    waitpid(pid, nil, 0)
  }

  /// Waits until the program prints `text`, at most a minute, and returns what came since the last wait.
  @discardableResult
  func wait(for text: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
    let deadline = Date().addingTimeInterval(60)
    while true {
      let unread = String(decoding: received[seen...], as: UTF8.self)
      if let range = unread.range(of: text) {
        let part = String(unread[..<range.upperBound])
        seen += part.utf8.count
        return part
      }
      try #require(
        try receive(until: deadline), "\(command.joined(separator: " ")): no \"\(text)\" in \"\(unread)\"",
        sourceLocation: sourceLocation)
    }
  }

  /// Whether `text` has come since the last wait.
  func hasReceived(_ text: String) -> Bool {
    var poller = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    if poll(&poller, 1, 0) == 1 { _ = try? receive(until: Date()) }
    return String(decoding: received[seen...], as: UTF8.self).contains(text)
  }

  /// Types a line.
  func answer(_ line: String) { type(line + "\n") }

  /// Types a line at a prompt of `atTerminal` that hides it, once the terminal does hide it.
  ///
  /// polkit's text agent prints its prompt first, then turns the echo off and throws away what was typed so far.
  func answerHidden(_ line: String) throws {
    try waitUntil("the terminal hides what is typed") { !Self.echoes(terminalBelow: pid) }
    answer(line)
  }

  /// Whether what is typed shows on the terminal of `pid`'s first descendant that has one.
  private static func echoes(terminalBelow pid: pid_t) -> Bool {
    let children = (try? String(contentsOfFile: "/proc/\(pid)/task/\(pid)/children", encoding: .utf8)) ?? ""
    guard let child = children.split(separator: " ").first.flatMap({ pid_t($0) }) else { return true }
    let input = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(child)/fd/0")) ?? ""
    guard input.hasPrefix("/dev/pts/") else { return echoes(terminalBelow: child) }
    let terminal = open(input, O_RDONLY | O_NOCTTY | O_CLOEXEC)
    defer { if terminal >= 0 { close(terminal) } }
    var settings = termios()
    return tcgetattr(terminal, &settings) != 0 || settings.c_lflag & tcflag_t(ECHO) != 0
  }

  /// Types as it is. That nobody reads it any more is seen by how the program ends.
  func type(_ text: String) {
    let bytes = Array(text.utf8)
    _ = send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL))
  }

  /// Nobody types any more.
  func hangUp() { shutdown(socket, Int32(SHUT_WR)) }

  /// Nobody reads any more: the program's next write fails.
  func stopListening() { shutdown(socket, Int32(SHUT_RD)) }

  /// Hangs up and waits for the end, at most a minute.
  func finish() throws -> Ending {
    hangUp()
    let deadline = Date().addingTimeInterval(60)
    while try receive(until: deadline) {}
    var status: Int32 = 0
    try #require(waitpid(pid, &status, 0) == pid)
    ended = true
    let code = status & 0x7f == 0 ? status >> 8 & 0xff : 128 + status & 0x7f
    return Ending(
      command: command.joined(separator: " "), status: code, text: String(decoding: received, as: UTF8.self))
  }

  /// Takes what has come; false at the end.
  private func receive(until deadline: Date) throws -> Bool {
    var poller = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    let left = deadline.timeIntervalSinceNow
    let count = poll(&poller, 1, Int32(max(0, left * 1000)))
    try #require(
      count == 1, "\(command.joined(separator: " ")) is silent after \"\(String(decoding: received, as: UTF8.self))\"")
    var buffer = [UInt8](repeating: 0, count: 8192)
    let length = recv(socket, &buffer, buffer.count, 0)
    guard length > 0 else { return false }
    received += buffer[..<length]
    return true
  }

  /// Runs a program that reads line by line, typing all `lines` ahead.
  static func run(
    _ command: [String], as user: String? = nil, typing lines: [String] = [], environment: [String: String] = [:]
  ) throws -> Ending {
    let dialogue = try PromptDialogue(command, as: user, environment: environment)
    for line in lines { dialogue.answer(line) }
    return try dialogue.finish()
  }
}

/// Expects that a program ended well and said `texts`.
func expectIn(
  _ ending: PromptDialogue.Ending, saying texts: String..., sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(ending.status == 0, "\(ending.command): \(ending.text)", sourceLocation: sourceLocation)
  for text in texts {
    #expect(ending.text.contains(text), "\(ending.command): \(ending.text)", sourceLocation: sourceLocation)
  }
}

/// Expects that a program denied and said `texts`.
func expectOut(
  _ ending: PromptDialogue.Ending, saying texts: String..., sourceLocation: SourceLocation = #_sourceLocation
) {
  // 128 and above: a signal, which is no verdict.
  #expect((1..<128).contains(ending.status), "\(ending.command): \(ending.text)", sourceLocation: sourceLocation)
  for text in texts {
    #expect(ending.text.contains(text), "\(ending.command): \(ending.text)", sourceLocation: sourceLocation)
  }
}

/// How long a login may take that nobody answers: the nine seconds of `Patience.passcode`, and what it takes to start.
let inTime: Duration = .seconds(12)

/// PAM hosts of the machine: their stacks, and how a person uses them.
enum PAMHost {
  static let login = "test-login"
  static let module = "pam_offline_access.so"

  /// Writes the stacks of a login, of sudo and of su: the password first, then the offline factor.
  static func install(sudo options: String = "") throws {
    for name in [login, "su", "sudo"] {
      try Machine.pamService(
        name, "auth required pam_unix.so nodelay", "auth required \(module) \(name == "sudo" ? options : "")",
        "account required pam_unix.so", "session required pam_permit.so")
    }
    try Machine.write(
      "Defaults passwd_tries=1, !lecture\nALL ALL=(ALL:ALL) ALL\n", to: "/etc/sudoers.d/tests", mode: 0o440)
  }

  /// A login by a program that runs as root.
  static func login(_ user: String, _ answers: String..., service: String = login, items: [String] = []) throws
    -> PromptDialogue.Ending
  {
    try PromptDialogue.run(
      ["pamtester"] + items.flatMap { ["-I", $0] } + [service, user, "authenticate"],
      typing: [Machine.password] + answers)
  }

  /// sudo by the user, the answers read from standard input.
  static func sudo(_ user: String, _ answers: String..., environment: [String: String] = [:]) throws
    -> PromptDialogue.Ending
  {
    try PromptDialogue.run(
      ["sudo", "-k", "-S", "id", "-un"], as: user, typing: [Machine.password] + answers, environment: environment)
  }

  /// Becoming `user` by su.
  static func su(_ user: String, _ answers: String...) throws -> PromptDialogue.Ending {
    try PromptDialogue.run(["su", user, "-c", "id -un"], typing: [Machine.password] + answers)
  }

  /// A command at a text terminal of its own.
  static func atTerminal(_ command: String, as user: String? = nil) throws -> PromptDialogue {
    try PromptDialogue(
      ["script", "--quiet", "--return", "--echo", "always", "--command", command, "/dev/null"], as: user)
  }
}
