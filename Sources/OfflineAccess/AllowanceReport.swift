/// What a user is told of the allowance: the content of RemainingAllowance and of an outcome.
public struct AllowanceReport: Equatable, Sendable {
  public var activated: Bool
  /// Whether set-up may be offered to the user now.
  public var offersActivation: Bool
  /// The factor that will be asked for; nil where none will be.
  public var method: FactorMethod?
  public var state: AllowanceState
  public var limit: LimitKind
  /// Logins left, where their number is limited.
  public var remaining: UInt32?
  /// Purposes that use up a login, where their number is limited.
  public var counts: Set<Purpose>?
  /// Last day (inclusive, local), where days are limited.
  public var lastDay: Day?
  /// First second after the last day, in seconds since 1970 UTC.
  public var expires: Int64?
  /// End of the lock in seconds since 1970 UTC, while locked.
  public var lockedUntil: Int64?
  /// The sentence to show.
  public var message: String
  /// How a yes came about; outcomes only.
  public var via: Via?
  /// How often the user may still put an offered set-up off, where that has a limit.
  public var postponementsLeft: UInt32?
  /// The online service that is asked first.
  public var authority = AuthorityKind.none
  /// What it said of the user.
  public var standing = Standing()
}

/// The fixed surroundings of one decision.
public struct Circumstances: Sendable {
  public let policy: Policy
  public let moment: Moment
  public let calendar: any LocalCalendar
  /// Why the offline factor stands in for an authority; nil where there is none, or it is not asked.
  public var outage: Outage?
  /// Whether an authority has approved the user so freshly that a factor may be set up.
  public var isApproved: Bool

  public init(
    policy: Policy, moment: Moment, calendar: any LocalCalendar, outage: Outage? = nil, isApproved: Bool = false
  ) {
    self.policy = policy
    self.moment = moment
    self.calendar = calendar
    self.outage = outage
    self.isApproved = isApproved
  }

  /// The local day; worked out where it is asked for, as most policies know no days.
  public var today: Day { calendar.day(at: moment.unixTime) }

  /// Seconds by which the clock may stand behind the mark: corrections by NTP are not an attack.
  static let clockTolerance: Int64 = 60

  var now: Int64 { moment.unixTime }

  /// Whether the clock stands behind a time that this machine already relied on.
  func clockIsBehind(_ mark: Int64) -> Bool { now < mark - Self.clockTolerance }

  /// The local day that day limits are held against. Within the tolerance the mark counts: or a last day that was
  /// seen to end would come back by the minute before midnight.
  func day(knowing mark: Int64) -> Day {
    mark > now && !clockIsBehind(mark) ? max(today, calendar.day(at: mark)) : today
  }

  func remaining(of grant: Grant) -> UInt32 {
    let granted = UInt32(clamping: policy.logins)
    return granted > grant.used ? granted - grant.used : 0
  }

  /// Logins left while the network is up and the authority is not; nil where that makes no difference.
  func remainingConnected(of grant: Grant) -> UInt32? {
    guard outage?.isConnected == true, let most = policy.whileConnected else { return nil }
    let granted = UInt32(clamping: most)
    let left = granted > grant.usedConnected ? granted - grant.usedConnected : 0
    return policy.limit.countsLogins ? min(remaining(of: grant), left) : left
  }

  func lastDay(of grant: Grant) -> Day { grant.day.advanced(by: policy.days) }
}

extension UserState {
  /// Why the factor cannot be used at all now, for `purpose` or, without one, for a counted purpose.
  func obstacle(for purpose: Purpose?, in circumstances: Circumstances) -> AllowanceState? {
    if standing.suspendedSince != nil { return .suspended }
    guard let enrollment else { return .notActivated }
    let policy = circumstances.policy
    let counted = purpose.map(policy.counts.contains) ?? true
    if enrollment.failures.isLocked(at: circumstances.now) { return .locked }
    if policy.limit.countsLogins, counted, circumstances.remaining(of: enrollment.grant) == 0 { return .exhausted }
    if counted, circumstances.remainingConnected(of: enrollment.grant) == 0 { return .exhausted }
    if policy.limit.countsDays, circumstances.day(knowing: clockMark) > circumstances.lastDay(of: enrollment.grant) {
      return .expired
    }
    if circumstances.clockIsBehind(clockMark), policy.limit.countsDays || enrollment.factor.needsClock {
      return .clockUntrusted
    }
    // Seen by an earlier call, while the clock or its zone said otherwise than now.
    if policy.limit.countsDays, let ended = enrollment.grant.ended, ended >= circumstances.lastDay(of: enrollment.grant)
    {
      return .expired
    }
    return nil
  }

  /// The report of this state.
  ///
  /// - Parameter exempt: the user needs no factor by configuration.
  public func report(exempt: Bool, in circumstances: Circumstances, via: Via? = nil) -> AllowanceReport {
    let policy = circumstances.policy
    var report = AllowanceReport(
      activated: enrollment != nil, offersActivation: false, method: nil,
      state: obstacle(for: nil, in: circumstances) ?? .ready, limit: policy.limit, message: "", via: via)
    report.authority = policy.authority.kind
    report.standing = standing
    if let enrollment {
      report.method = exempt ? nil : enrollment.factor.method
      if policy.limit.countsLogins { report.remaining = circumstances.remaining(of: enrollment.grant) }
      if let left = circumstances.remainingConnected(of: enrollment.grant) { report.remaining = left }
      if report.remaining != nil { report.counts = policy.counts }
      if policy.limit.countsDays {
        let lastDay = circumstances.lastDay(of: enrollment.grant)
        report.lastDay = lastDay
        report.expires = circumstances.calendar.end(of: lastDay)
      }
      if report.state == .locked { report.lockedUntil = enrollment.failures.lockedUntil }
    } else if !exempt, policy.authority.kind == .none {
      report.offersActivation = policy.standingAlone == .firstLogin
    } else if !exempt, circumstances.isApproved, !standing.isPostponed {
      report.offersActivation = true
      report.postponementsLeft = postponementsLeft(under: policy)
    }
    if exempt {
      report.state = enrollment == nil ? .notActivated : .ready
      report.lockedUntil = nil
    }
    report.message = Sentences.message(for: report, exempt: exempt, in: circumstances)
    return report
  }
}

extension Factor {
  /// Whether a right wall clock decides what is accepted.
  var needsClock: Bool {
    switch self {
    case .passcode(let passcode):
      if case .time = passcode.movement { true } else { false }
    case .securityKey: false
    }
  }
}
