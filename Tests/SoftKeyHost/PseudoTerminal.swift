import Glibc

/// The terminal behind a device node: what is written to its one end can be polled for and read at the other.
final class PseudoTerminal: Sendable {
  let path: String
  private let controller: Int32
  /// Held open so that the settings stay while nobody else has it open.
  private let terminal: Int32
  private let holder: pid_t

  init?() {
    var ends: (Int32, Int32) = (-1, -1)
    var name = [CChar](repeating: 0, count: 64)
    guard openpty(&ends.0, &ends.1, &name, nil, nil) == 0 else { return nil }
    (controller, terminal) = ends
    path = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
    for descriptor in [controller, terminal] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    // Nobody has to read.
    _ = fcntl(controller, F_SETFL, O_RDWR | O_NONBLOCK)
    var settings = termios()
    tcgetattr(terminal, &settings)
    cfmakeraw(&settings)
    // Nothing is there to read until a whole report is: 64 bytes.
    withUnsafeMutableBytes(of: &settings.c_cc) { characters in
      characters[Int(VMIN)] = 64
      characters[Int(VTIME)] = 0
    }
    tcsetattr(terminal, TCSANOW, &settings)
    fchmod(terminal, 0o666)
    guard let holder = Self.hold(path) else { return nil }
    self.holder = holder
  }

  /// Makes the terminal that of a session of its own.
  ///
  /// Else it becomes that of the first session leader who opens it, a service for example, and unplugging the key
  /// hangs that one up.
  private static func hold(_ path: String) -> pid_t? {
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    posix_spawnattr_setflags(&attributes, 0x80)  // POSIX_SPAWN_SETSID
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_addopen(&actions, 0, path, O_RDWR, 0)
    defer {
      posix_spawnattr_destroy(&attributes)
      posix_spawn_file_actions_destroy(&actions)
    }
    var arguments = [strdup("sleep"), strdup("infinity"), nil]
    defer { for argument in arguments { free(argument) } }
    var environment: [UnsafeMutablePointer<CChar>?] = [nil]
    var pid: pid_t = 0
    guard posix_spawn(&pid, "/usr/bin/sleep", &actions, &attributes, &arguments, &environment) == 0 else { return nil }
    return pid
  }

  /// Lets readers have a report; it is lost if they have not read for long.
  func send(_ report: [UInt8]) { write(controller, report, report.count) }

  /// Forgets what nobody has read.
  func flush() { tcflush(terminal, TCIFLUSH) }

  /// Hangs up: whoever polls is woken by POLLHUP, and reads nothing.
  func end() {
    close(controller)
    close(terminal)
    kill(holder, SIGKILL)
    waitpid(holder, nil, 0)
  }
}
