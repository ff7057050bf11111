import OnlineWire

/// Why an exchange with the authority brought no answer that counts.
enum OnlineFault: Error, Equatable {
  /// The end of this authentication.
  case verdict(OnlineVerdict)
  /// The service has something to say, or is gone.
  case interrupted

  static func unreachable(_ reason: OnlineReason, _ detail: String, alarm: Bool = false) -> Self {
    .verdict(OnlineVerdict(.unreachable, reason, detail, alarm: alarm))
  }

  static func misconfigured(_ reason: OnlineReason, _ detail: String, alarm: Bool = false) -> Self {
    .verdict(OnlineVerdict(.misconfigured, reason, detail, alarm: alarm))
  }

  static func denied(_ reason: OnlineReason, _ detail: String) -> Self {
    .verdict(OnlineVerdict(.denied, reason, detail))
  }

  /// Whether nothing came in time.
  var isTimeout: Bool {
    guard case .verdict(let verdict) = self else { return false }
    return verdict.reason == .timeout
  }
}

/// One online authority, for one authentication of one user.
protocol Authority: AnyObject {
  /// Milliseconds between two looks at an open push.
  var pace: Int64 { get }
  /// Asks for the user, without a code.
  func begin(by deadline: Deadline) throws(OnlineFault) -> OnlineReply
  /// Shows the authority what the user typed.
  func answer(_ code: [UInt8], by deadline: Deadline) throws(OnlineFault) -> OnlineReply
  /// Looks at the open push; nil while it is undecided.
  ///
  /// - Parameter patience: milliseconds for a question that follows from what was seen and can be asked only once.
  func look(by deadline: Deadline, patience: Int64) throws(OnlineFault) -> OnlineReply?
  /// Makes a call that changes nothing.
  func probe(by deadline: Deadline) throws(OnlineFault) -> OnlineProbe
}
