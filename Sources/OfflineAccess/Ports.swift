// What the domain needs of the world around it.

/// A user of this machine. The factor is keyed by `uid`; the name beside it tells a reused uid.
public struct UserIdentity: Hashable, Sendable {
  public let uid: UInt32
  public let name: String

  public init(uid: UInt32, name: String) {
    self.uid = uid
    self.name = name
  }
}

/// One look at the clocks, taken once a call so that all of its decisions agree.
public struct Moment: Sendable {
  /// Wall clock, seconds since 1970 UTC.
  public let unixTime: Int64
  /// Seconds of a clock that nobody can set and that runs during suspend.
  public let uptime: Int64

  public init(unixTime: Int64, uptime: Int64) {
    self.unixTime = unixTime
    self.uptime = uptime
  }
}

/// Civil days in the machine's time zone.
public protocol LocalCalendar: Sendable {
  /// The local day at `unixTime` (seconds since 1970 UTC).
  func day(at unixTime: Int64) -> Day
  /// The first second after `day`: local midnight, in seconds since 1970 UTC.
  func end(of day: Day) -> Int64
}

/// HOTP values (RFC 4226, section 5.3) with HMAC-SHA-1.
public protocol PasscodeAlgorithm: Sendable {
  /// The values for `counters`, in their order, each a number below ten to the power of `digits`.
  func values(secret: Secret, counters: [UInt64], digits: Int) throws(Refusal) -> [UInt32]
}

/// The security keys of this machine. To end a wait, cancel the task that waits.
public protocol SecurityKeyReader: Sendable {
  /// Waits for one touch on an admitted key, which makes a credential by it.
  func register(_ holder: KeyHolder, _ request: TouchRequest) async throws(Refusal) -> SecurityKeyFactor

  /// Waits for one touch on the key that holds the credential of `factor`, and checks its signature.
  func prove(_ factor: SecurityKeyFactor, _ request: TouchRequest) async throws(Refusal) -> KeyProof
}

/// What one user has on this machine, and the clock's high-water mark, inside one transaction.
public struct UserState: Sendable {
  public let user: UserIdentity
  /// The user's set-up factor. Assigning, nil included, is a change to be made durable.
  public var enrollment: Enrollment? { didSet { recordChanged = true } }
  /// What an authority has said of the user.
  public var standing: Standing { didSet { recordChanged = recordChanged || standing != oldValue } }
  /// The latest wall-clock time that this machine has relied on, in seconds since 1970 UTC.
  public var clockMark: Int64 { didSet { clockMarkChanged = true } }
  public private(set) var recordChanged = false
  public private(set) var clockMarkChanged = false

  public init(user: UserIdentity, enrollment: Enrollment?, standing: Standing = Standing(), clockMark: Int64) {
    self.user = user
    self.enrollment = enrollment
    self.standing = standing
    self.clockMark = clockMark
  }
}

/// Durable states, one a user.
public protocol EnrollmentStore: Sendable {
  /// Runs `body` on the user's state and returns its result once every change survives a power cut.
  ///
  /// Bodies run one after another, never at the same time. When the change cannot be made durable,
  /// nothing of it remains and the failure is thrown.
  func transact<R: Sendable>(
    _ user: UserIdentity, _ body: @escaping @Sendable (inout UserState) -> R
  ) async throws(StoreFailure) -> R

  /// Removes the user's record without reading it, be it damaged or not.
  func erase(_ user: UserIdentity) async throws(StoreFailure)
}

/// Why the store refuses. Each keeps the door shut.
public enum StoreFailure: Error, Equatable, Sendable {
  /// The folder or a file has a wrong kind, owner or mode.
  case unsafe(String)
  /// Database or record does not hold what was written.
  case damaged(String)
  /// Written by a later version of this program.
  case newerVersion(Int)
  case keyMissing
  /// The key or the machine is not the one that sealed the database.
  case keyMismatch
  /// The database lacks commits that this machine has made: it is commit `found`, and `reached` was there.
  case olderCopy(found: UInt64, reached: UInt64)
  case diskFull
  case readOnly
  case inputOutput(String)
}
