/// A passcode generator shared with an authenticator app, and what is already spent of it.
public struct PasscodeFactor: Sendable {
  /// How the moving factor moves, with its replay mark.
  public enum Movement: Equatable, Sendable {
    case time(TimeMovement)
    /// RFC 4226: the next counter that may be accepted.
    case counter(next: UInt64)
  }

  /// State of a TOTP (RFC 6238).
  public struct TimeMovement: Equatable, Sendable {
    /// Seconds of one time step.
    public var period: Int64
    /// The latest time step whose code was accepted; it and all before it are spent.
    public var lastStep: Int64?
    /// Learned difference of the app's clock to this machine's, in steps.
    public var drift: Int64
    /// Consecutive codes on one side of the drift: positive ahead, negative behind.
    public var trend: Int64

    public init(period: Int64, lastStep: Int64? = nil, drift: Int64 = 0, trend: Int64 = 0) {
      self.period = period
      self.lastStep = lastStep
      self.drift = drift
      self.trend = trend
    }
  }

  public let secret: Secret
  public let digits: Int
  public var movement: Movement

  public init(secret: Secret, digits: Int, movement: Movement) {
    self.secret = secret
    self.digits = digits
    self.movement = movement
  }

  /// Accepted steps on either side of the expected one (RFC 6238, section 5.2).
  static let window: Int64 = 1
  /// Consecutive codes on one side after which the drift follows by one step.
  static let steady: Int64 = 2
  static let largestDrift: Int64 = 10
  /// Counters accepted beyond the expected one (RFC 4226, section 7.4).
  static let lookAhead: UInt64 = 10
  /// Spent codes that are still known as such, to tell "used" from "wrong".
  static let lookBehind: Int64 = 4

  /// What a response is worth.
  public enum Match: Sendable {
    /// Right and never used: the factor with the code spent.
    case fresh(PasscodeFactor)
    /// Was right, but is spent.
    case replayed
    case wrong
  }

  /// Compares `response` with the codes that are right at `now` (seconds since 1970 UTC).
  public func match(_ response: String, at now: Int64, by algorithm: some PasscodeAlgorithm) throws(Refusal) -> Match {
    guard let value = Self.number(in: response, digits: digits) else { return .wrong }
    switch movement {
    case .time(let time):
      let expected = time.expected(at: now)
      var steps = Set(expected.flatMap { max(0, $0.lowerBound - Self.lookBehind)...max(0, $0.upperBound) })
      if let lastStep = time.lastStep { steps.insert(lastStep) }
      let spent = time.lastStep ?? .min
      let matching = try self.steps(steps.sorted().map { UInt64(bitPattern: $0) }, giving: value, by: algorithm).map {
        Int64(bitPattern: $0)
      }
      if let step = matching.first(where: { step in step > spent && expected.contains { $0.contains(step) } }) {
        var next = self
        next.movement = .time(time.accepting(step: step, at: now))
        return .fresh(next)
      }
      return matching.contains { $0 <= spent } ? .replayed : .wrong
    case .counter(let expected):
      guard expected <= UInt64.max - Self.lookAhead - 1 else { return .wrong }
      let first = expected > Self.lookAhead ? expected - Self.lookAhead : 0
      let matching = try steps(Array(first...expected + Self.lookAhead), giving: value, by: algorithm)
      if let counter = matching.first(where: { $0 >= expected }) {
        var next = self
        next.movement = .counter(next: counter + 1)
        return .fresh(next)
      }
      return matching.isEmpty ? .wrong : .replayed
    }
  }

  /// Those of `counters` whose code is `value`. All are computed whatever matches, so that the time
  /// taken tells nothing.
  private func steps(
    _ counters: [UInt64], giving value: UInt32, by algorithm: some PasscodeAlgorithm
  ) throws(Refusal) -> [UInt64] {
    let values = try algorithm.values(secret: secret, counters: counters, digits: digits)
    return zip(counters, values).filter { $1 == value }.map { $0.0 }
  }

  /// The number that a typed code means, or nil where it is no code of this length.
  ///
  /// Apps show codes in groups, hence spaces between digits are ignored.
  static func number(in response: String, digits: Int) -> UInt32? {
    var value: UInt32 = 0
    var count = 0
    for byte in response.utf8 where byte != UInt8(ascii: " ") {
      guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9"), count < digits else { return nil }
      value = value * 10 + UInt32(byte - UInt8(ascii: "0"))
      count += 1
    }
    return count == digits ? value : nil
  }
}

extension PasscodeFactor.TimeMovement {
  /// The steps whose codes are accepted at `now`: around the learned drift, and around none.
  ///
  /// A drift is one of two clocks against each other. When this machine's was the wrong one and is put right, the
  /// codes come without a drift from one moment to the next, and the app would be shut out for good.
  func expected(at now: Int64) -> [ClosedRange<Int64>] {
    let step = now.floored(by: period)
    return [step + drift, step].map { $0 - PasscodeFactor.window...$0 + PasscodeFactor.window }
  }

  /// Whether codes that were accepted can have led here. Arithmetic with other numbers could overflow.
  public var isPlausible: Bool {
    (1...86_400).contains(period) && lastStep ?? 0 >= 0
      && drift.magnitude <= PasscodeFactor.largestDrift.magnitude && trend.magnitude < PasscodeFactor.steady.magnitude
  }

  /// The state after the code of `step` was accepted at `now`: spent, and the drift followed where
  /// codes keep coming from one side.
  func accepting(step: Int64, at now: Int64) -> Self {
    var next = self
    next.lastStep = step
    if !expected(at: now)[0].contains(step) { (next.drift, next.trend) = (0, 0) }
    let side = (step - now.floored(by: period) - next.drift).signum()
    next.trend = side == 0 ? 0 : (side == next.trend.signum() ? next.trend + side : side)
    if abs(next.trend) >= PasscodeFactor.steady {
      let moved = next.drift + side
      if abs(moved) <= PasscodeFactor.largestDrift { next.drift = moved }
      next.trend = 0
    }
    return next
  }
}

extension Int64 {
  /// Whole periods since 1970, rounded down before it too.
  func floored(by period: Int64) -> Int64 {
    self >= 0 ? self / period : (self - period + 1) / period
  }
}
