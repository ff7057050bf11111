import OfflineAccess
import Synchronization

/// Lets a waiting task be given up before, while and after the ring knows of it.
final class KeyTicket: Sendable {
  private let flag = Atomic<Bool>(false)
  var isGivenUp: Bool { flag.load(ordering: .acquiring) }
  func giveUp() { flag.store(true, ordering: .releasing) }
}

/// One caller's wait for a touch, as the ring's thread knows it.
struct KeySession {
  enum Outcome: Sendable {
    case proven(KeyProof)
    case registered(SecurityKeyFactor)
  }

  /// What this session knows of a key that is plugged in.
  enum Standing: Equatable {
    /// To be looked at, not before the moment given (as by `KeyRing`'s clock).
    case unknown(after: Int64)
    case asked
    /// May be touched.
    case ready(KeyAbilities)
    case touchable
    /// Does not hold the credential.
    case absent
    case refused(Refusal.Reason, String)
  }

  let number: UInt64
  let errand: KeyErrand
  let request: TouchRequest
  let ticket: KeyTicket
  /// By `KeyRing`'s clock.
  let deadline: Int64
  let finish: @Sendable (Result<Outcome, Refusal>) -> Void
  /// By the worker's number.
  var standings: [UInt64: Standing] = [:]
  /// How often a key gave no usable answer.
  var faults: [UInt64: Int] = [:]
  private var told: ProgressState?

  init(
    number: UInt64, errand: KeyErrand, request: TouchRequest, ticket: KeyTicket, deadline: Int64,
    finish: @escaping @Sendable (Result<Outcome, Refusal>) -> Void
  ) {
    self.number = number
    self.errand = errand
    self.request = request
    self.ticket = ticket
    self.deadline = deadline
    self.finish = finish
  }

  /// Tells the caller of a state, once until another comes.
  mutating func tell(_ state: ProgressState) {
    if told == state { return }
    told = state
    request.progress(state)
  }

  /// The caller is told of a touch by the key's thread.
  mutating func hasHeardOfTouch() { told = .touchNeeded }

  /// The keys that may be touched now.
  ///
  /// - Throws: why none may be, where waiting for the keys that are here cannot help.
  func touchable() throws(Refusal) -> [UInt64] {
    let ready = standings.compactMap { number, standing -> (number: UInt64, abilities: KeyAbilities)? in
      if case .ready(let abilities) = standing { (number, abilities) } else { nil }
    }
    switch errand {
    // More than one key can hold a credential only where one is a copy; the first to be touched decides.
    case .prove: return ready.map(\.number)
    case .register:
      // A PIN is shown to one key only: the others would count it as a wrong one.
      guard request.pin != nil else { return ready.map(\.number) }
      let withPIN = ready.filter(\.abilities.hasPIN)
      guard withPIN.count <= 1 else { throw Refusal.severalSecurityKeys }
      return (withPIN.isEmpty ? ready : withPIN).map(\.number)
    }
  }

  /// Whether something is under way or still to be found out about the keys that are here.
  var isUndecided: Bool {
    standings.values.contains { standing in
      switch standing {
      case .unknown, .asked, .ready, .touchable: true
      case .absent, .refused: false
      }
    }
  }

  var isBeingTouched: Bool { standings.values.contains(.touchable) }

  /// The refusal to end with, where every key that is here has been refused; a PIN goes before other needs, as the
  /// person can do something about that at once.
  var refusalOfAll: Refusal? {
    var refusals: [Refusal] = []
    for case .refused(let reason, let sentence) in standings.values { refusals.append(Refusal(reason, sentence)) }
    guard !refusals.isEmpty, refusals.count == standings.count else { return nil }
    return refusals.first { $0.reason == .pinRequired } ?? refusals.first
  }
}
