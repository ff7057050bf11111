import OfflineAccess
import Testing

@Suite("A clock behind its mark")
struct ClockTests {
  private static let hour: Int64 = 3600

  @Test(
    "It suspends codes by time and limits by days, and nothing else",
    arguments: [
      (.app, .logins, true), (.app, .days, true), (.app, .both, true), (.app, .unlimited, true),
      (.token, .logins, false), (.token, .days, true), (.token, .both, true), (.token, .unlimited, false),
    ] as [(Device, LimitKind, Bool)])
  func suspends(_ device: Device, _ limit: LimitKind, _ suspended: Bool) {
    let laptop = Laptop(device, limit: limit)
    laptop.clock -= Self.hour
    let code = if case .time = device.movement { laptop.shown() } else { device.code(0) }
    #expect(laptop.report.state == (suspended ? .clockUntrusted : .ready))
    #expect(laptop.refusal(code) == (suspended ? .clockUntrusted : nil))
  }

  @Test(
    "A correction of up to a minute is no attack",
    arguments: [(0, nil), (60, nil), (61, .clockUntrusted)] as [(Int64, Refusal.Reason?)])
  func tolerance(_ seconds: Int64, _ reason: Refusal.Reason?) {
    let laptop = Laptop(.app, limit: .both)
    laptop.clock -= seconds
    #expect(laptop.refusal(laptop.shown()) == reason)
  }

  @Test("What is typed meanwhile neither counts nor is spent")
  func nothingHappens() {
    let laptop = Laptop(.app)
    laptop.clock -= Self.hour
    for _ in 1...20 { #expect(laptop.refusal(wrong) == .clockUntrusted) }
    #expect(laptop.refusal(laptop.shown()) == .clockUntrusted)
    #expect(!laptop.state.recordChanged)
    #expect(!laptop.state.clockMarkChanged)
  }

  @Test("It is trusted again once it is right")
  func rightAgain() {
    let laptop = Laptop(.app)
    laptop.clock -= Self.hour
    #expect(laptop.refusal(laptop.shown()) == .clockUntrusted)
    laptop.clock += Self.hour
    #expect(laptop.refusal(laptop.shown()) == nil)
  }

  @Test("A yes moves the mark forward and never back")
  func mark() throws {
    let laptop = Laptop()
    laptop.clock += Self.hour
    try laptop.logIn()
    #expect(laptop.state.clockMark == Laptop.noon + Self.hour)
    laptop.clock = Laptop.noon
    try laptop.logIn()
    #expect(laptop.state.clockMark == Laptop.noon + Self.hour)
  }

  @Test("A clock set far ahead for one login is remembered")
  func ahead() throws {
    let laptop = Laptop(.app)
    laptop.clock += 400 * 86_400
    #expect(laptop.refusal(laptop.shown()) == nil)
    laptop.clock = Laptop.noon + Self.hour
    #expect(laptop.refusal(laptop.shown()) == .clockUntrusted)
  }

  @Test("Renewing trusts the clock as it is", arguments: [Device.app, .token])
  func renewal(_ device: Device) throws {
    let laptop = Laptop(device, limit: .both)
    laptop.clock -= 30 * 86_400
    let report = try laptop.renew()
    #expect(report.state == .ready)
    #expect(report.lastDay == Day(year: 2026, month: 2, day: 15))
    #expect(laptop.state.clockMark == laptop.clock)
  }

  @Test(
    "Once the last day was seen to pass, setting the clock back does not bring it again",
    arguments: [LimitKind.days, .both])
  func expiredLook(_ limit: LimitKind) {
    let byLook = Laptop(limit: limit)
    byLook.clock = time("2026-03-18T00:00:00Z")
    byLook.state.observe(in: byLook.circumstances)
    let byTry = Laptop(limit: limit)
    byTry.clock = time("2026-03-18T00:00:00Z")
    byTry.refusal("")
    for laptop in [byLook, byTry] {
      #expect(laptop.state.clockMarkChanged)
      laptop.clock = time("2026-03-12T12:00:00Z")
      #expect(laptop.refusal(laptop.device.code(0)) == .clockUntrusted)
    }
  }

  @Test("Nor does the minute of tolerance bring the last day again", arguments: [LimitKind.days, .both])
  func expiredWithinTolerance(_ limit: LimitKind) throws {
    let laptop = Laptop(limit: limit)
    laptop.clock = time("2026-03-18T00:00:05Z")
    #expect(laptop.refusal("") == .allowanceExpired)
    for clock in ["2026-03-17T23:59:59Z", "2026-03-17T23:59:05Z"] {
      laptop.clock = time(clock)
      #expect(laptop.report.state == .expired)
      #expect(laptop.refusal(laptop.device.code(0)) == .allowanceExpired)
    }
    laptop.clock = time("2026-03-17T23:59:04Z")
    #expect(laptop.refusal(laptop.device.code(0)) == .clockUntrusted)
    // A day that nobody saw end still counts whole.
    let unseen = Laptop(limit: limit)
    unseen.clock = time("2026-03-17T23:59:59Z")
    #expect(try unseen.logIn().state == .ready)
    unseen.clock -= 30
    #expect(try unseen.logIn().state == .ready)
  }

  @Test("A look that sees nothing pass changes nothing", arguments: LimitKind.allCases)
  func quietLook(_ limit: LimitKind) {
    let laptop = Laptop(.app, limit: limit)
    for clock in [Laptop.noon - 2 * Self.hour, Laptop.noon, time("2026-03-17T23:59:59Z")] {
      laptop.clock = clock
      laptop.state.observe(in: laptop.circumstances)
    }
    #expect(!laptop.state.recordChanged)
    #expect(!laptop.state.clockMarkChanged)
  }

  @Test("The user is told what helps")
  func sentence() {
    let laptop = Laptop(.app)
    laptop.clock -= Self.hour
    #expect(laptop.report.message.contains("clock"))
    #expect(laptop.report.message.contains("administrator"))
    laptop.policy.authority.kind = .duo
    #expect(laptop.report.message.contains("online"))
  }
}
