import Glibc

/// polkit's text agent, which asks for the administrator's password on this terminal while an
/// interactive call is under way.
///
/// It steps back where the desktop has an agent of its own, and ends with this value.
struct AuthorizationAgent: ~Copyable {
  private let process: pid_t

  private static let program = "/usr/bin/pkttyagent"
  /// The descriptor on which the agent tells that it is ready, by closing it.
  private static let readyDescriptor: Int32 = 3
  private static let longestStart: Int32 = 5000

  /// Starts the agent where it can help: for a person at a terminal who is not root.
  init?() {
    guard geteuid() != 0, isatty(STDIN_FILENO) == 1, access(Self.program, X_OK) == 0,
      let startTime = Self.startTime(HostFiles().text("/proc/self/stat") ?? "")
    else { return nil }
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return nil }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { close(ends[0]) }
    var arguments = [
      Self.program, "--process", "\(getpid()),\(startTime)", "--notify-fd", String(Self.readyDescriptor),
    ]
    // polkit 122 overlooks a fallback where it finds no session; without one no desktop has an agent.
    if Self.isInSession(HostFiles(), user: geteuid()) { arguments.append("--fallback") }
    let started = Self.spawn(arguments, ready: ends[1])
    close(ends[1])
    guard let started else { return nil }
    process = started
    var wait = pollfd(fd: ends[0], events: 0, revents: 0)
    while poll(&wait, 1, Self.longestStart) < 0, errno == EINTR {}
  }

  deinit {
    kill(process, SIGTERM)
    // A stopped process would never end.
    kill(process, SIGCONT)
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
  }

  /// Whether polkit finds a login session for this process: its own, or the user's graphical one.
  static func isInSession(_ host: HostFiles, user: UInt32) -> Bool {
    if host.text("/proc/self/cgroup")?.contains("/session-") == true || getenv("XDG_SESSION_ID") != nil { return true }
    let lines = host.text("/run/systemd/users/\(user)")?.split(separator: "\n") ?? []
    return lines.contains { $0.hasPrefix("DISPLAY=") && $0 != "DISPLAY=" }
  }

  /// Field 22 of /proc/PID/stat; the second may hold spaces and brackets.
  static func startTime(_ stat: String) -> UInt64? {
    guard let end = stat.lastIndex(of: ")") else { return nil }
    let fields = stat[stat.index(after: end)...].split(separator: " ")
    return fields.count > 19 ? UInt64(fields[19]) : nil
  }

  private static func spawn(_ arguments: [String], ready: Int32) -> pid_t? {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if ready == readyDescriptor {
      // dup2 onto itself would leave close-on-exec set.
      _ = fcntl(ready, F_SETFD, 0)
    } else {
      posix_spawn_file_actions_adddup2(&actions, ready, readyDescriptor)
    }
    var strings: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
    strings.append(nil)
    defer { for string in strings { free(string) } }
    var process: pid_t = 0
    return posix_spawn(&process, program, &actions, nil, strings, environ) == 0 ? process : nil
  }
}
