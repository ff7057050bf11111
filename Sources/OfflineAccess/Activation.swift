/// A set-up under way. Nothing of it is stored before it is confirmed.
public struct PendingActivation: Sendable {
  public enum Kind: String, CaseIterable, Sendable {
    /// The user has no factor yet.
    case first
    /// Replaces the present factor, which stays valid until then.
    case replacement
  }

  /// Seconds that a set-up lives.
  public static let lifetime: Int64 = 600

  public let number: UInt64
  /// The user id that may confirm it.
  public let owner: UInt32
  public let user: UserIdentity
  public let kind: Kind
  /// Whether an authority stands behind it: the allowance starts full and the clock is trusted.
  /// Otherwise a replacement takes over what is left.
  public let granted: Bool
  public var device: NewDevice
  /// The factor as a trial has proven it; an empty response sets it up from then on.
  public var proven: Factor?
  /// End of its life, by `Moment.uptime`.
  public let deadline: Int64

  public init(
    number: UInt64, owner: UInt32, user: UserIdentity, kind: Kind, granted: Bool, device: NewDevice,
    startedAt uptime: Int64, until end: Int64 = .max
  ) {
    self.number = number
    self.owner = owner
    self.user = user
    self.kind = kind
    self.granted = granted
    self.device = device
    deadline = min(uptime + Self.lifetime, end)
  }
}

/// What a set-up is about to make the user's factor.
public enum NewDevice: Sendable {
  case passcode(PasscodeFactor)
  /// Nil until the first touch has made a credential.
  case securityKey(SecurityKeyFactor?, KeyHolder)

  /// Touches that set up a security key: one makes the credential, one proves it.
  public static let touches: UInt32 = 2

  public var method: FactorMethod {
    switch self {
    case .passcode: .passcode
    case .securityKey: .securityKey
    }
  }
}

extension UserState {
  /// Refuses a set-up of `kind` that this state does not allow.
  public func checkActivation(_ kind: PendingActivation.Kind) throws(Refusal) {
    switch (kind, enrollment) {
    case (.first, .some): throw Refusal.alreadyActivated
    case (.replacement, .none): throw Refusal.nothingToReplace
    default: return
    }
  }

  /// The factor that one code of `passcode` proves for a set-up; that code is spent with it.
  public func proven(
    _ activation: PendingActivation, of passcode: PasscodeFactor, response: String, in circumstances: Circumstances,
    by algorithm: some PasscodeAlgorithm
  ) throws(Refusal) -> Factor {
    try checkConfirmation(activation, needsClock: Factor.passcode(passcode).needsClock, in: circumstances)
    guard response.utf8.contains(where: { $0 != UInt8(ascii: " ") }) else {
      throw Refusal.codeRequired
    }
    guard case .fresh(let spent) = try passcode.match(response, at: circumstances.now, by: algorithm) else {
      throw Refusal.badConfirmation
    }
    return .passcode(spent)
  }

  /// The factor that a signature of `key` proves for a set-up.
  public func proven(
    _ activation: PendingActivation, of key: SecurityKeyFactor, proof: KeyProof, in circumstances: Circumstances
  ) throws(Refusal) -> Factor {
    try checkConfirmation(activation, needsClock: false, in: circumstances)
    guard key.credential == proof.credential else { throw Refusal.wrongSecurityKey }
    return .securityKey(try key.advanced(to: proof.counter))
  }

  /// Confirms a set-up of a factor that has proven itself.
  public mutating func confirm(
    _ activation: PendingActivation, as factor: Factor, in circumstances: Circumstances
  ) throws(Refusal) -> AllowanceReport {
    // Again: a trial may be minutes ago.
    try checkConfirmation(activation, needsClock: factor.needsClock, in: circumstances)
    return install(factor, activation, in: circumstances)
  }

  /// Refuses a confirmation that this state or the clock does not allow; also before a person is asked to touch.
  public func checkConfirmation(
    _ activation: PendingActivation, needsClock: Bool, in circumstances: Circumstances
  ) throws(Refusal) {
    try checkActivation(activation.kind)
    let isAdministrators = activation.granted && circumstances.policy.authority.kind == .none
    if standing.suspendedSince != nil, !isAdministrators { throw refusal(for: .suspended, in: circumstances) }
    if !activation.granted, circumstances.clockIsBehind(clockMark),
      needsClock || circumstances.policy.limit.countsDays
    {
      throw Refusal(.clockUntrusted, Sentences.clockUntrusted(circumstances.policy))
    }
  }

  private mutating func install(
    _ factor: Factor, _ activation: PendingActivation, in circumstances: Circumstances
  ) -> AllowanceReport {
    let grant =
      activation.granted || enrollment == nil ? Grant(day: circumstances.today) : enrollment?.grant
    // The new device starts without the old one's failures: they were guesses at another secret.
    enrollment = Enrollment(user: user, factor: factor, grant: grant ?? Grant(day: circumstances.today))
    standing.postponements = 0
    standing.isPostponed = false
    standing.suspendedSince = nil
    if activation.granted { clockMark = circumstances.now } else { advanceClockMark(to: circumstances.now) }
    return report(exempt: false, in: circumstances)
  }
}

/// The set-ups under way: at most one a user, the newest.
public struct PendingActivations: Sendable {
  /// More than any machine needs; a bound all the same.
  static let capacity = 1000

  private var byNumber: [UInt64: PendingActivation] = [:]
  private var lastNumber: UInt64 = 0

  public init() {}

  public var isEmpty: Bool { byNumber.isEmpty }

  /// Registers a set-up under the next number; an older one of the same user dies.
  public mutating func add(
    at uptime: Int64, _ make: (_ number: UInt64) -> PendingActivation
  ) throws(Refusal) -> PendingActivation {
    removeExpired(at: uptime)
    let activation = make(lastNumber + 1)
    byNumber = byNumber.filter { $0.value.user.uid != activation.user.uid }
    guard byNumber.count < Self.capacity else { throw Refusal.busy }
    lastNumber += 1
    byNumber[activation.number] = activation
    return activation
  }

  /// Takes the set-up out, so that nobody else confirms it meanwhile. `putBack` when it failed.
  public mutating func take(_ number: UInt64, owner: UInt32, at uptime: Int64) throws(Refusal) -> PendingActivation {
    removeExpired(at: uptime)
    guard let activation = byNumber[number], activation.owner == owner else {
      throw Refusal.noSuchActivation
    }
    byNumber[number] = nil
    return activation
  }

  /// Returns a set-up whose confirmation failed, unless a newer one took its place.
  ///
  /// - Returns: whether it lives on.
  @discardableResult
  public mutating func putBack(_ activation: PendingActivation) -> Bool {
    guard !byNumber.values.contains(where: { $0.user.uid == activation.user.uid }) else { return false }
    byNumber[activation.number] = activation
    return true
  }

  /// The set-up of a user that a newer one would replace.
  public func present(of user: UserIdentity) -> PendingActivation? {
    byNumber.values.first { $0.user.uid == user.uid }
  }

  /// Drops the set-ups of a user, whose factor was set up or removed otherwise.
  ///
  /// - Returns: what was dropped.
  @discardableResult
  public mutating func removeAll(of user: UserIdentity) -> [PendingActivation] { remove { $0.user.uid == user.uid } }

  /// Drops what has outlived its time.
  ///
  /// - Returns: what was dropped.
  @discardableResult
  public mutating func removeExpired(at uptime: Int64) -> [PendingActivation] { remove { $0.deadline <= uptime } }

  /// Drops all.
  ///
  /// - Returns: what was dropped.
  public mutating func removeAll() -> [PendingActivation] { remove { _ in true } }

  private mutating func remove(_ isDue: (PendingActivation) -> Bool) -> [PendingActivation] {
    let due = byNumber.values.filter(isDue).sorted { $0.number < $1.number }
    for activation in due { byNumber[activation.number] = nil }
    return due
  }

  /// The moment the next set-up dies, by `Moment.uptime`.
  public var nextDeadline: Int64? { byNumber.values.map(\.deadline).min() }
}
