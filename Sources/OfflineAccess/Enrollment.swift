/// A user's set-up factor with all that may change by using it.
public struct Enrollment: Sendable {
  public let user: UserIdentity
  public var factor: Factor
  public var grant: Grant
  public var failures: Failures

  public init(user: UserIdentity, factor: Factor, grant: Grant, failures: Failures = Failures()) {
    self.user = user
    self.factor = factor
    self.grant = grant
    self.failures = failures
  }
}

/// The one factor of a user.
public enum Factor: Sendable {
  case passcode(PasscodeFactor)
  case securityKey(SecurityKeyFactor)

  public var method: FactorMethod {
    switch self {
    case .passcode: .passcode
    case .securityKey: .securityKey
    }
  }
}

/// What an authority granted, and how much of it is used. How far it reaches is policy, so that a
/// changed limit holds at once.
public struct Grant: Equatable, Sendable {
  /// The local day of the grant.
  public var day: Day
  /// Counted logins since the grant.
  public var used: UInt32
  /// Those of them for which the authority was away while this machine had a network.
  public var usedConnected: UInt32
  /// The last day that was seen to end: it does not come back, whoever sets the clock or vouches for it.
  public var ended: Day?

  public init(day: Day, used: UInt32 = 0, usedConnected: UInt32 = 0, ended: Day? = nil) {
    self.day = day
    self.used = used
    self.usedConnected = usedConnected
    self.ended = ended
  }
}

/// Consecutive failures and the lock they led to.
public struct Failures: Equatable, Sendable {
  public var count: UInt32
  /// End of the lock in seconds since 1970 UTC; 0 without one.
  public var lockedUntil: Int64

  public init(count: UInt32 = 0, lockedUntil: Int64 = 0) {
    self.count = count
    self.lockedUntil = lockedUntil
  }

  static let firstLock: Int64 = 30
  static let longestLock: Int64 = 3600

  /// Length in seconds of the lock that `count` failures lead to: 30 s, doubling to an hour.
  func lockLength(attempts: Int) -> Int64 {
    let beyond = Int64(count) - Int64(attempts)
    guard beyond >= 0 else { return 0 }
    return beyond >= 7 ? Self.longestLock : min(Self.longestLock, Self.firstLock << beyond)
  }

  /// Counts one failure at `now` and locks where due.
  mutating func add(at now: Int64, attempts: Int) {
    if count < .max { count += 1 }
    let length = lockLength(attempts: attempts)
    if length > 0 { lockedUntil = now + length }
  }

  /// Whether the lock holds at `now`.
  func isLocked(at now: Int64) -> Bool { lockedUntil > now }

  /// Shortens a lock that reaches further than its own length: the clock was set back since.
  mutating func settle(at now: Int64, attempts: Int) -> Bool {
    let longest = now + max(Self.firstLock, lockLength(attempts: attempts))
    guard lockedUntil > longest else { return false }
    lockedUntil = longest
    return true
  }
}
