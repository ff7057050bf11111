import OfflineAccess
import Testing

/// Random numbers that come again with the same seed (SplitMix64, Steele and others 2014).
struct SeededNumbers: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// A laptop whose clock somebody sets as they like, used by its owner and by a thief with phone and password.
private final class ClockWalk {
  private let laptop: Laptop
  private var numbers: SeededNumbers
  /// The time of the world, which the owner's phone shows.
  private var trueTime = Laptop.noon
  private var offset: Int64 = 0
  private let isTime: Bool
  private(set) var yeses = 0
  private(set) var refusals: [Refusal.Reason: Int] = [:]

  // What must hold, kept apart from the state.
  private var spent: Set<Int64> = []
  private var mark = Laptop.noon
  private var used: UInt32 = 0
  private var endSeen = false

  init(_ device: Device, _ limit: LimitKind, seed: UInt64) {
    laptop = Laptop(device, limit: limit) { policy in
      policy.logins = 40
      policy.days = 5
    }
    isTime = if case .time = device.movement { true } else { false }
    numbers = SeededNumbers(seed: seed)
  }

  private func pick(_ numbers: ClosedRange<Int64>) -> Int64 { .random(in: numbers, using: &self.numbers) }

  func step() throws {
    switch pick(0...19) {
    case 0...4: trueTime += pick(0...120)
    case 5: trueTime += pick(0...30_000)
    case 6: offset = 0
    case 7: offset = pick(-70...70)
    case 8: offset += pick(-7200...7200)
    case 9: offset = [-3600, -86_400, -trueTime, 86_400, 3650 * 86_400][Int(pick(0...4))]
    case 10:
      // To the second around midnight, which ends a day.
      trueTime += 86_400 - (trueTime + offset) % 86_400 + pick(-65...65)
    case 11: look()
    case 12: _ = refused { () throws(Refusal) in try laptop.authenticate(wrong) }
    case 13 where pick(0...9) == 0: try renew()
    default: logIn(atTime: pick(0...1) == 0 ? trueTime : trueTime + offset)
    }
    laptop.reload()
  }

  private func look() {
    laptop.clock = trueTime + offset
    laptop.state.observe(in: laptop.circumstances)
    let report = laptop.report
    if report.state == .expired { endSeen = true }
    check()
  }

  private func renew() throws {
    laptop.clock = trueTime + offset
    _ = try laptop.renew()
    (mark, used, endSeen) = (laptop.clock, 0, false)
    check()
  }

  /// A login by the code of a phone that shows this time, or of a token.
  private func logIn(atTime time: Int64) {
    let markBefore = mark
    let code =
      isTime
      ? laptop.device.code(max(0, time / 30 + pick(-2...2))) : laptop.device.code(max(0, nextCounter + pick(-3...3)))
    guard refused({ () throws(Refusal) in try laptop.authenticate(code) }) == nil else { return }
    yeses += 1
    used += 1
    let counter = lastCounter
    #expect(spent.insert(counter).inserted, "a second yes for \(counter)")
    if isTime || laptop.policy.limit.countsDays {
      #expect(laptop.clock >= markBefore - 60, "a yes at \(laptop.clock), which is behind \(markBefore)")
    }
    if laptop.policy.limit.countsDays { #expect(!endSeen, "a yes after the last day was seen to end") }
    if laptop.policy.limit.countsLogins { #expect(used <= 40) }
    mark = max(mark, laptop.clock)
    check()
  }

  private func refused(_ body: () throws(Refusal) -> AllowanceReport) -> Refusal.Reason? {
    laptop.clock = trueTime + offset
    guard let reason = refusal(body)?.reason else { return nil }
    refusals[reason, default: 0] += 1
    if reason == .allowanceExpired {
      endSeen = true
      mark = max(mark, laptop.clock)
    }
    check()
    return reason
  }

  private func check() {
    mark = max(mark, laptop.state.clockMark)
    #expect(laptop.state.clockMark >= mark, "the mark went back")
    #expect(laptop.state.enrollment?.grant.used == used)
  }

  private var nextCounter: Int64 {
    guard case .passcode(let passcode)? = laptop.state.enrollment?.factor, case .counter(let next) = passcode.movement
    else { return 0 }
    return Int64(next)
  }

  /// What the latest yes spent.
  private var lastCounter: Int64 {
    guard case .passcode(let passcode)? = laptop.state.enrollment?.factor else { return -1 }
    switch passcode.movement {
    case .counter(let next): return Int64(next) - 1
    case .time(let time): return time.lastStep ?? -1
    }
  }

  /// The clock is right again and an administrator has vouched for it: the owner gets in by the code that the phone
  /// shows, at once or, where somebody had used codes of the future, when these are over.
  func repair() throws {
    offset = 0
    try renew()
    if isTime { trueTime = max(trueTime, (lastCounter + 2) * 30) }
    laptop.clock = trueTime
    if laptop.policy.limit.countsDays { _ = try laptop.renew() }
    let code = isTime ? laptop.shown() : laptop.device.code(nextCounter)
    #expect(laptop.refusal(code) == nil)
  }
}

@Suite("A clock that somebody sets at random")
struct ClockWalkTests {
  @Test(
    "No code twice, no day again, no login more, and in again when it is right",
    arguments: [Device.app, .token], LimitKind.allCases)
  func walk(_ device: Device, _ limit: LimitKind) throws {
    var (yeses, refusals) = (0, [Refusal.Reason: Int]())
    for seed in 1...25 as ClosedRange<UInt64> {
      let walk = ClockWalk(device, limit, seed: seed)
      for _ in 1...400 { try walk.step() }
      try walk.repair()
      yeses += walk.yeses
      refusals.merge(walk.refusals) { $0 + $1 }
    }
    // The walk did come where something could go wrong.
    #expect(yeses > 50)
    let isTime = if case .time = device.movement { true } else { false }
    if isTime || limit.countsDays { #expect(refusals[.clockUntrusted, default: 0] > 50) }
    if limit.countsDays { #expect(refusals[.allowanceExpired, default: 0] > 50) }
    #expect(refusals[.responseReplayed, default: 0] > 0)
  }
}
