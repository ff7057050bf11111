import Glibc
import PolkitAgent

/// What the command line asks for.
struct Options {
  static let usage = """
    Usage: offline-access-agent [--tty] [--process PID[,START]] [--fallback] [--notify-fd FD]

    Answers polkit's questions for this login session, in a window.

      --tty                  asks on this terminal; without --process, for the process that started it
      --process PID[,START]  answers for this process and its children, and ends when it does
      --fallback             lets other agents go before
      --notify-fd FD         closes this descriptor once it is registered
      --version, --help

    """

  var isTerminal = false
  var process: Subject?
  var isFallback = false
  var notify: Int32?

  enum Failure: Error {
    case usage
    /// There is no such process.
    case noProcess(String)
  }

  init(_ arguments: some Collection<String>) throws(Failure) {
    var words = arguments[...]
    while let word = words.popFirst() {
      var parts = word.split(separator: "=", maxSplits: 1).map(String.init)[...]
      let name = parts.popFirst() ?? ""
      let own = parts.popFirst()
      func value() throws(Failure) -> String {
        guard let value = own ?? words.popFirst() else { throw .usage }
        return value
      }
      switch name {
      case "--tty" where own == nil: isTerminal = true
      case "--fallback" where own == nil: isFallback = true
      case "--process": process = try Self.process(value())
      case "--notify-fd":
        guard let number = Int32(try value()), number >= 0 else { throw .usage }
        notify = number
      default: throw .usage
      }
    }
    // As polkit's own text agent: for the shell that it is started from.
    if isTerminal, process == nil {
      guard let parent = Subject(process: UInt32(getppid())) else { throw .noProcess("\(getppid())") }
      process = parent
    }
  }

  private static func process(_ text: String) throws(Failure) -> Subject {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), let pid = UInt32(parts[0]), pid > 0 else { throw .usage }
    guard let subject = Subject(process: pid) else { throw .noProcess(text) }
    if parts.count == 2 {
      guard let start = UInt64(parts[1]) else { throw .usage }
      // Another process may have the number by now.
      guard subject == .process(pid: pid, startTime: start) else { throw .noProcess(text) }
    }
    return subject
  }
}
