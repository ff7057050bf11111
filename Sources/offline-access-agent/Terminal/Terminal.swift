import GLibBus
import Glibc
import OfflineAccess

/// The process's terminal: what is shown there, and lines that a person types.
@BusActor
final class Terminal {
  /// A line is longer than no answer that can be sent; what is beyond is dropped by the terminal itself.
  private static let longestLine = 4096

  private let descriptor: Int32
  private let usual: termios
  private var source: UInt32?
  private var waiting: CheckedContinuation<Secret?, Never>?
  /// Called when there is no more input: Ctrl-D, or the line has been dropped.
  var ended: (@BusActor () -> Void)?
  /// Who had the terminal before we took it; nil while we did not have to.
  private var foreground: pid_t?

  /// nil where this process has no terminal.
  init?() {
    let descriptor = open("/dev/tty", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    var settings = termios()
    guard tcgetattr(descriptor, &settings) == 0 else {
      Glibc.close(descriptor)
      return nil
    }
    (self.descriptor, usual) = (descriptor, settings)
    // Or the first word to a terminal that is in others' hands would stop us.
    signal(SIGTTOU, SIG_IGN)
  }

  // MARK: In front

  /// Takes the terminal for a talk, from whatever runs in front and waits for polkit; nothing typed is shown.
  ///
  /// - Parameter shell: the process that must not lose it, as it reads from it itself.
  /// - Returns: false where it is left with the shell.
  func take(from shell: pid_t?) -> Bool {
    let present = tcgetpgrp(descriptor)
    if present != getpgrp() {
      if let shell, present == getpgid(shell) { return false }
      if tcsetpgrp(descriptor, getpgrp()) == 0 { foreground = present }
    }
    // Nobody is to find a terminal that does not show what is typed.
    signal(SIGTSTP, SIG_IGN)
    show(typing: false, TCSADRAIN)
    return true
  }

  func giveBack() {
    var settings = usual
    tcsetattr(descriptor, TCSADRAIN, &settings)
    signal(SIGTSTP, SIG_DFL)
    if let foreground, tcgetpgrp(descriptor) == getpgrp() { tcsetpgrp(descriptor, foreground) }
    foreground = nil
  }

  private func show(typing isShown: Bool, _ when: Int32) {
    var settings = usual
    settings.c_lflag |= tcflag_t(ICANON | ISIG)
    if !isShown {
      settings.c_lflag &= ~tcflag_t(ECHO | ECHOE | ECHOK)
      settings.c_lflag |= tcflag_t(ECHONL)
    }
    tcsetattr(descriptor, when, &settings)
  }

  // MARK: Lines

  func print(_ line: String) { write(line + "\n") }

  /// Reads a line; nil when it was withdrawn.
  func ask(_ question: String, echo: Bool) async -> Secret? {
    // What was typed before the question was not meant for it.
    show(typing: echo, TCSAFLUSH)
    write(question)
    let answer = await withCheckedContinuation {
      waiting = $0
      listen()
    }
    show(typing: false, TCSADRAIN)
    if answer == nil { write("\n") }
    return answer
  }

  func withdraw() { give(nil) }

  private func give(_ answer: Secret?) {
    if let source { cancelTimer(source) }
    source = nil
    waiting?.resume(returning: answer)
    waiting = nil
  }

  private func listen() { source = whenReadable(descriptor) { [weak self] in self?.receive() } }

  private func receive() {
    source = nil
    guard waiting != nil else { return }
    withUnsafeTemporaryAllocation(byteCount: Self.longestLine, alignment: 1) { line in
      defer { Secret.wipe(line) }
      let count = read(descriptor, line.baseAddress, line.count)
      if count < 0, errno == EAGAIN || errno == EINTR { return listen() }
      // Ctrl-D sends what was typed so far; without anything it is the end.
      guard count > 0 else { return ended?() ?? give(nil) }
      let hasNewline = line[count - 1] == UInt8(ascii: "\n")
      give(Secret(line[..<(hasNewline ? count - 1 : count)]))
    }
  }

  private func write(_ text: String) {
    let bytes = Array(text.utf8)
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count > 0 {
        sent += count
      } else if count < 0, errno == EAGAIN {
        var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&wait, 1, 1000) > 0 else { return }
      } else if errno != EINTR {
        return
      }
    }
  }
}
