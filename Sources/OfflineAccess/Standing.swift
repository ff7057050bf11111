/// What an authority has said of a user. It is kept with the factor, and without one.
public struct Standing: Equatable, Sendable {
  /// When an authority refused the user, in seconds since 1970 UTC; nil once it has approved them again.
  public var suspendedSince: Int64?
  /// The latest approval, in seconds since 1970 UTC.
  public var lastApproval: Int64?
  /// When the offline factor stood in the last time, in seconds since 1970 UTC.
  public var lastOffline: Int64?
  /// Why it had to; empty where it never had.
  public var offlineReason = ""
  /// How often the user has put the set-up off.
  public var postponements: UInt32 = 0
  /// Whether they did so since the latest approval.
  public var isPostponed = false

  public init() {}

  /// Bytes of the longest `offlineReason` that is kept.
  public static let longestReason = 32
}

extension UserState {
  /// An authority's approval: fills the allowance, ends lock and suspension and trusts the clock as it is.
  public mutating func approve(in circumstances: Circumstances) {
    standing.suspendedSince = nil
    standing.lastApproval = circumstances.now
    standing.isPostponed = false
    clockMark = circumstances.now
    guard var enrollment else { return }
    enrollment.grant = Grant(day: circumstances.today)
    enrollment.failures = Failures()
    self.enrollment = enrollment
  }

  /// An authority's no. One about the user suspends the offline factor, be it set up or not.
  public mutating func deny(_ denial: AuthorityVerdict.Denial, in circumstances: Circumstances) {
    guard denial == .user, standing.suspendedSince == nil else { return }
    standing.suspendedSince = circumstances.now
  }

  /// The user was offered a set-up and put it off.
  public mutating func postpone() {
    guard enrollment == nil, !standing.isPostponed else { return }
    standing.isPostponed = true
    if standing.postponements < .max { standing.postponements += 1 }
  }

  /// How often the user may still put a set-up off; nil where there is no limit.
  func postponementsLeft(under policy: Policy) -> UInt32? {
    policy.postponements.map { limit in
      let limit = UInt32(clamping: limit)
      return limit > standing.postponements ? limit - standing.postponements : 0
    }
  }

  /// Whether the user, approved just now, must not get in without a set-up.
  public func mustActivate(under policy: Policy) -> Bool {
    enrollment == nil && postponementsLeft(under: policy) == 0
  }

  /// The offline factor stands in: remembered with the yes that it gives.
  mutating func noteOutage(in circumstances: Circumstances) {
    guard let outage = circumstances.outage else { return }
    standing.lastOffline = circumstances.now
    standing.offlineReason = String(outage.reason.prefix(Standing.longestReason))
  }
}
