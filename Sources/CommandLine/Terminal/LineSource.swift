import Glibc
import OfflineAccess

/// Why no line came.
enum LineFailure: Error, Equatable {
  case endOfInput
  /// Ctrl-C or a request to end.
  case stopped
  case tooLong
  case timedOut
  case system(Int32)
}

/// Where answers come from: the person's terminal, or the lines of standard input.
///
/// Never the arguments or the environment, which other processes can read.
struct LineSource: ~Copyable {
  /// Whether a person types; then questions are shown.
  let isTerminal: Bool
  private let descriptor: Int32
  private let closes: Bool

  /// No code or passcode is longer.
  private static let longest = 256
  /// How often a held signal is looked for, in milliseconds.
  private static let pollInterval: Int32 = 200

  init() {
    guard isatty(STDIN_FILENO) == 1 else {
      self.init(descriptor: STDIN_FILENO, isTerminal: false, closes: false)
      return
    }
    let terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)
    self.init(descriptor: terminal >= 0 ? terminal : STDIN_FILENO, isTerminal: true, closes: terminal >= 0)
  }

  init(descriptor: Int32, isTerminal: Bool, closes: Bool) {
    self.descriptor = descriptor
    self.isTerminal = isTerminal
    self.closes = closes
  }

  deinit { if closes { close(descriptor) } }

  /// Shows `question` where a person types, and reads one line.
  ///
  /// - Parameter timeout: seconds after which nobody needs the answer any more.
  borrowing func ask(_ question: String, echo: Bool, timeout: Int64? = nil) throws(LineFailure) -> Secret {
    let signals = HeldSignals(echo ? HeldSignals.stopping : HeldSignals.stopping + [SIGTSTP])
    let deadline = timeout.map { ContinuousClock.now + .seconds($0) }
    guard isTerminal else { return try readLine(until: deadline, signals: signals) }

    var settings = termios()
    guard tcgetattr(descriptor, &settings) == 0 else { throw .system(errno) }
    let before = settings
    if !echo {
      settings.c_lflag &= ~tcflag_t(ECHO)
      settings.c_lflag |= tcflag_t(ECHONL)
      // What was typed before the question is dropped: it was shown.
      tcsetattr(descriptor, TCSAFLUSH, &settings)
    }
    var answered = false
    defer {
      if !echo {
        var original = before
        tcsetattr(descriptor, TCSADRAIN, &original)
      }
      if !answered { Output.write("\n", to: output) }
    }
    Output.write(question, to: output)
    let line = try readLine(until: deadline, signals: signals)
    answered = true
    return line
  }

  /// Where questions are shown: on the terminal itself, not in the output proper.
  private var output: Int32 { descriptor == STDIN_FILENO ? STDERR_FILENO : descriptor }

  /// Reads up to the end of the line, and not a byte more: the rest belongs to the next question.
  private func readLine(
    until deadline: ContinuousClock.Instant?, signals: borrowing HeldSignals
  ) throws(LineFailure) -> Secret {
    let line = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.longest, alignment: 1)
    defer {
      Secret.wipe(line)
      line.deallocate()
    }
    var count = 0
    var overflowed = false
    while true {
      try waitForInput(until: deadline, signals: signals)
      var byte: UInt8 = 0
      let result = read(descriptor, &byte, 1)
      if result < 0 {
        if errno == EINTR || errno == EAGAIN { continue }
        throw .system(errno)
      }
      if result == 0 {
        if count == 0 { throw .endOfInput }
        break
      }
      if byte == UInt8(ascii: "\n") { break }
      if count < line.count {
        line[count] = byte
        count += 1
      } else {
        overflowed = true
      }
    }
    if overflowed { throw .tooLong }
    if count > 0, line[count - 1] == UInt8(ascii: "\r") { count -= 1 }
    return Secret(line[..<count])
  }

  private func waitForInput(
    until deadline: ContinuousClock.Instant?, signals: borrowing HeldSignals
  ) throws(LineFailure) {
    while true {
      if signals.stopCame { throw .stopped }
      if let deadline, ContinuousClock.now >= deadline { throw .timedOut }
      var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let result = poll(&wait, 1, Self.pollInterval)
      if result > 0 { return }
      if result < 0, errno != EINTR { throw .system(errno) }
    }
  }
}

extension Secret {
  /// The bytes as text for the call that carries them; short ones stay within the value itself.
  var text: String { withBytes { String(decoding: $0, as: UTF8.self) } }
}
