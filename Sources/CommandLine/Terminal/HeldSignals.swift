import Glibc

/// Holds back the signals by which a person stops a program, so that things can be put right first.
///
/// At its end a signal that came meanwhile does what it usually does.
struct HeldSignals: ~Copyable {
  static let stopping = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

  private let signals: [Int32]
  private var before = sigset_t()

  init(_ signals: [Int32] = Self.stopping) {
    self.signals = signals
    var held = sigset_t()
    sigemptyset(&held)
    for signal in signals { sigaddset(&held, signal) }
    sigprocmask(SIG_BLOCK, &held, &before)
  }

  deinit {
    var mask = before
    sigprocmask(SIG_SETMASK, &mask, nil)
  }

  /// Whether a stop signal came; those that only suspend do not count.
  var stopCame: Bool { Self.isPending { signals.contains($0) } }

  /// Whether a stop signal waits, whoever holds it back.
  static func stopWaits() -> Bool { isPending { _ in true } }

  private static func isPending(_ isMeant: (Int32) -> Bool) -> Bool {
    var pending = sigset_t()
    guard sigpending(&pending) == 0 else { return false }
    return stopping.contains { isMeant($0) && sigismember(&pending, $0) == 1 }
  }
}
