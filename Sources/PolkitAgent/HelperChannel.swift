import CLinux
import GLibBus
import Glibc
import OfflineAccess

/// The talk with polkit's helper, which runs PAM as root and tells polkit the verdict. Of polkit up to 126 it is a
/// setuid program that we start; from 127 on a systemd socket starts one for each connection.
@BusActor
final class HelperChannel {
  /// Where the helper of polkit 127 and later is asked for.
  nonisolated static let socket = "/run/polkit/agent-helper.socket"
  /// Where distributions keep the setuid helper.
  nonisolated static let programs = [
    "/usr/lib/polkit-1/polkit-agent-helper-1", "/usr/libexec/polkit-1/polkit-agent-helper-1",
    "/usr/libexec/polkit-agent-helper-1",
  ]
  /// Bytes of an answer that the helper takes in one piece (PAM_MAX_RESP_SIZE, newline and zero byte off). The rest of
  /// a longer one would answer the next question.
  nonisolated static let longestAnswer = 510
  /// Bytes of a line that is still waited for; PAM's own messages have 512, and an escaped byte takes four.
  nonisolated static let longestLine = 16_384
  /// Lines that are listened to; no PAM stack says so much to a person.
  nonisolated static let mostLines = 1000

  private let descriptor: Int32
  /// The setuid helper; nil for one behind a socket.
  private let process: pid_t?
  private var buffer: [UInt8] = []
  private var lines: [HelperLine] = []
  private var linesHeard = 0
  private var isClosed = false
  private var source: UInt32?
  private var waiting: CheckedContinuation<HelperLine?, Never>?
  /// Called when the helper has ended or says something although it waits for an answer.
  var interrupted: (@BusActor () -> Void)?

  /// - Parameter descriptor: leads to the helper; closed at the end.
  init(_ descriptor: Int32, process: pid_t? = nil) {
    self.descriptor = descriptor
    self.process = process
    listen()
  }

  // MARK: Both ways in

  /// Starts a helper that checks `user` for polkit's question `cookie`; nil where this computer has none.
  static func open(user: String, cookie: String) async -> HelperChannel? {
    if let socket = await onBlockingThread({ connected(to: socket) }) {
      let channel = HelperChannel(socket)
      channel.write(Array("\(user)\n\(cookie)\n".utf8))
      return channel
    }
    guard let program = programs.first(where: { access($0, X_OK) == 0 }),
      let channel = spawn(program, user)
    else { return nil }
    // By its input: arguments can be read by every process.
    channel.write(Array("\(cookie)\n".utf8))
    return channel
  }

  private nonisolated static func connected(to path: String) -> Int32? {
    guard access(path, F_OK) == 0 else { return nil }
    let socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard socket >= 0 else { return nil }
    // Of a connection too, where nobody takes it.
    var limit = timeval(tv_sec: 5, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    // Whoever else listens there is to hear no password.
    guard status == 0, linux_peer_user(socket) == 0 else {
      Glibc.close(socket)
      return nil
    }
    return socket
  }

  private static func spawn(_ program: String, _ user: String) -> HelperChannel? {
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
      return nil
    }
    defer { Glibc.close(ends[1]) }
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO)
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
    // It says there why PAM refused, which the person has heard already.
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
    // A group of its own: Ctrl-C at the terminal is for the agent to hear. Signals as usual.
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    for signal in [SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGTTOU] { sigaddset(&signals, signal) }
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    var arguments: [UnsafeMutablePointer<CChar>?] = [strdup(program), strdup(user), nil]
    defer { for argument in arguments { free(argument) } }
    var process: pid_t = 0
    guard posix_spawn(&process, program, &actions, &attributes, &arguments, environ) == 0 else {
      Glibc.close(ends[0])
      return nil
    }
    return HelperChannel(ends[0], process: process)
  }

  // MARK: Lines

  /// The next line, or nil when there will be none.
  func next() async -> HelperLine? {
    if !lines.isEmpty { return lines.removeFirst() }
    if isClosed { return nil }
    return await withCheckedContinuation { waiting = $0 }
  }

  /// Whether an answer can be meant for what the helper said last: it has said nothing since, and not ended.
  var waitsForAnswer: Bool { !isClosed && lines.isEmpty }

  /// Answers a prompt.
  ///
  /// - Returns: false for an answer that cannot be one line of the helper's; then nothing was sent.
  func answer(_ answer: Secret) -> Bool {
    answer.withBytes { bytes in
      guard bytes.count <= Self.longestAnswer, !bytes.contains(UInt8(ascii: "\n")), !bytes.contains(0) else {
        return false
      }
      withUnsafeTemporaryAllocation(byteCount: bytes.count + 1, alignment: 1) { line in
        line.copyBytes(from: bytes)
        line[bytes.count] = UInt8(ascii: "\n")
        write(UnsafeRawBufferPointer(line))
        Secret.wipe(line)
      }
      return true
    }
  }

  /// Ends the talk now; a key that the helper waits for goes dark. Of a helper behind a socket we can only close our
  /// end, which it sees when it next speaks.
  func close() {
    guard !isClosed else { return }
    isClosed = true
    if let source { cancelTimer(source) }
    source = nil
    if let process {
      // Its number stays its own until it is reaped.
      kill(process, SIGTERM)
      reap(process)
    }
    Glibc.close(descriptor)
    lines = []
    hand(nil)
  }

  private func hand(_ line: HelperLine?) {
    waiting?.resume(returning: line)
    waiting = nil
  }

  private func listen() { source = whenReadable(descriptor) { [weak self] in self?.receive() } }

  private func receive() {
    source = nil
    guard !isClosed else { return }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
    if count < 0, errno == EAGAIN || errno == EINTR { return listen() }
    guard count > 0 else { return end() }
    buffer += bytes[..<count]
    while let newline = buffer.firstIndex(of: UInt8(ascii: "\n")) {
      // What cannot be understood is no yes.
      guard linesHeard < Self.mostLines, let line = HelperLine(buffer[..<newline]) else { return end() }
      buffer.removeSubrange(...newline)
      lines.append(line)
      linesHeard += 1
    }
    guard buffer.count <= Self.longestLine else { return end() }
    if waiting != nil, !lines.isEmpty { hand(lines.removeFirst()) }
    if !lines.isEmpty { interrupted?() }
    listen()
  }

  /// The helper has nothing more to say; what it said is still heard.
  private func end() {
    var left = lines
    if waiting != nil, !left.isEmpty { hand(left.removeFirst()) }
    close()
    lines = left
    interrupted?()
  }

  private func write(_ bytes: [UInt8]) { bytes.withUnsafeBytes { write($0) } }

  /// A helper that has ended does not take it, which its own end tells behind what it still said. One that does not
  /// read what it was sent before is not waited for: the window would stand still.
  private func write(_ bytes: UnsafeRawBufferPointer) {
    var sent = 0
    while sent < bytes.count {
      let count = send(
        descriptor, bytes.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
      if count > 0 {
        sent += count
      } else if count < 0, errno == EINTR {
        continue
      } else {
        return errno == EAGAIN ? end() : ()
      }
    }
  }
}
