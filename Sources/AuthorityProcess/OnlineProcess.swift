import CLinux
import Glibc

/// Why there is nobody to talk to the authority.
struct OnlineProcessFailure: Error {
  let detail: String
  /// Whether trying again later may help.
  let isPassing: Bool
}

/// A process of `offline-access-online`, by its end of the socket.
///
/// systemd starts it where systemd runs: a unit of its own has what the service has given up, the network. Elsewhere
/// it is the service's child.
struct OnlineProcess {
  /// Where systemd listens for it.
  static let listener = "/run/offline-access-online.socket"
  static let program = "/usr/libexec/offline-access-online"
  private static let systemd = "/run/systemd/system"

  let socket: Int32
  private let child: pid_t?

  static func start() throws(OnlineProcessFailure) -> OnlineProcess {
    if access(listener, F_OK) == 0 { return OnlineProcess(socket: try connect(), child: nil) }
    if access(systemd, F_OK) == 0 {
      throw OnlineProcessFailure(
        detail: "nobody listens at \(listener): offline-access-online.socket is not active", isPassing: false)
    }
    return try spawn()
  }

  /// Ends the talk, and with it the process.
  func end() {
    close(socket)
    guard let child else { return }
    // It ends with the stream; one that hangs in a library is ended.
    for _ in 0..<100 {
      // Also where there is nothing to wait for, as with SIGCHLD ignored: the number may be another's by then.
      if waitpid(child, nil, WNOHANG) != 0 { return }
      usleep(10_000)
    }
    kill(child, SIGKILL)
    while waitpid(child, nil, 0) < 0, errno == EINTR {}
  }

  private static func connect() throws(OnlineProcessFailure) -> Int32 {
    let socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard socket >= 0 else { throw failure("socket") }
    // A full queue is not waited for.
    var patience = timeval(tv_sec: 1, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: listener.utf8) }
    let status = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard status == 0 else {
      defer { close(socket) }
      throw failure("connecting to \(listener)")
    }
    return socket
  }

  private static func spawn() throws(OnlineProcessFailure) -> OnlineProcess {
    var pair: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
      throw failure("socketpair")
    }
    defer { close(pair[1]) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, pair[1], STDIN_FILENO)
    for output in [STDOUT_FILENO, STDERR_FILENO] {
      posix_spawn_file_actions_addopen(&actions, output, "/dev/null", O_WRONLY, 0)
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // What the service ignores or blocks is its own affair.
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigaddset(&signals, SIGPIPE)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    var child: pid_t = 0
    let status = program.withCString { path -> Int32 in
      let arguments = [UnsafeMutablePointer(mutating: path), nil]
      let environment: [UnsafeMutablePointer<CChar>?] = [nil]
      return posix_spawn(&child, path, &actions, &attributes, arguments, environment)
    }
    guard status == 0 else {
      close(pair[0])
      throw OnlineProcessFailure(
        detail: "\(program) cannot be started: \(String(cString: strerror(status)))", isPassing: status == EAGAIN)
    }
    return OnlineProcess(socket: pair[0], child: child)
  }

  private static func failure(_ what: String) -> OnlineProcessFailure {
    let code = errno
    return OnlineProcessFailure(
      detail: "\(what): \(String(cString: strerror(code)))", isPassing: [EAGAIN, EMFILE, ENFILE, ENOMEM].contains(code))
  }
}
