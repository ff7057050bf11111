// How a call can fail. This file also compiles as Embedded Swift.
#if canImport(OfflineAccess)
  import BusInterface
  import OfflineAccess
#endif

/// Why a call brought no answer that means yes.
public enum BusFailure: Error, Sendable {
  /// The service (or the bus, for `AccessDenied`) said no and why.
  case refused(Refusal)
  /// There was no usable answer. The words name the cause and fit into a sentence: no capital
  /// letter in front, no full stop behind.
  case unavailable(String)

  /// A phrase for the journal; holds no secret, as no error text of the contract does.
  public var cause: String {
    switch self {
    case .refused(let refusal): refusal.reason.rawValue
    case .unavailable(let words): words
    }
  }
}

extension BusFailure {
  static var noBus: Self { .unavailable("the system bus cannot be reached") }
  static var busSilent: Self { .unavailable("the system bus does not answer") }
  static var busFull: Self { .unavailable("the system bus has too much to do") }
  static var disconnected: Self { .unavailable("the system bus closed the connection") }
  static var timeOut: Self { .unavailable("the service did not answer in time") }
  static var noMemory: Self { .unavailable("out of memory") }
  static var malformed: Self { .unavailable("the service's answer cannot be understood") }

  /// For arguments that D-Bus cannot carry. The bus would end the connection over them.
  static var unsendable: Self {
    .refused(Refusal(.invalidArguments, "The text holds characters that cannot be sent."))
  }

  /// The caller did not want to wait any more.
  static var givenUp: Self { .refused(Refusal(.canceled, "Cancelled.")) }

  /// The meaning of an error reply. Only the bus itself can send under the bus's own name.
  init(errorName name: String, sentence: String, fromBus: Bool) {
    // Searched by hand: finding a raw value among so many cases builds a hash table that stays in the
    // PAM host for good.
    if !fromBus, let reason = Refusal.Reason.allCases.first(where: { $0.busName == name }) {
      let fallback = "The offline access service refused (\(reason.rawValue))."
      self = .refused(Refusal(reason, sentence.isEmpty ? fallback : sentence))
      return
    }
    let prefix = BusName.standardErrorPrefix
    switch name {
    case prefix + "AccessDenied":
      // The bus policy; its own sentence lists rules, which tell a person nothing.
      self = .refused(
        Refusal(.accessDenied, "The system bus does not let this user ask the offline access service."))
    case prefix + "ServiceUnknown", prefix + "NameHasNoOwner":
      self = .unavailable("the service is not there")
    case prefix + "NoReply":
      self = .unavailable("the service went away without an answer")
    case prefix + "Timeout", prefix + "TimedOut":
      self = .timeOut
    case prefix + "Disconnected":
      self = .disconnected
    case prefix + "LimitsExceeded":
      self = .busFull
    case prefix + "NoMemory":
      self = .noMemory
    default:
      let speaker = fromBus ? "the system bus" : "the service"
      self =
        name.hasPrefix(prefix + "Spawn.")
        ? .unavailable("the service cannot be started") : .unavailable("\(speaker) answered \(name)")
    }
  }
}

extension BusFailure {
  /// The refusals whose sentence is a client's own and not the service's.
  public static var refusalsOfClients: [Refusal] {
    let errors =
      [(BusName.standardErrorPrefix + "AccessDenied", true)] + Refusal.Reason.allCases.map { ($0.busName, false) }
    let failures = errors.map { BusFailure(errorName: $0.0, sentence: "", fromBus: $0.1) } + [.unsendable, .givenUp]
    return failures.compactMap { if case .refused(let refusal) = $0 { refusal } else { nil } }
  }
}
