import OfflineAccess
import Testing

@Suite("Allowance by days")
struct DayLimitTests {
  @Test("The last day counts whole: its last second passes, the next second does not")
  func lastDay() throws {
    let laptop = Laptop(limit: .days)
    #expect(laptop.report.lastDay == Day(year: 2026, month: 3, day: 17))
    #expect(laptop.report.expires == time("2026-03-18T00:00:00Z"))
    #expect(laptop.report.remaining == nil)

    laptop.clock = time("2026-03-17T23:59:59Z")
    #expect(try laptop.logIn().state == .ready)
    laptop.clock = time("2026-03-18T00:00:00Z")
    #expect(laptop.refusal(laptop.device.code(1)) == .allowanceExpired)
    #expect(laptop.report.state == .expired)
    #expect(laptop.report.message == "Offline access ended on 17 March 2026. The administrator must renew it first.")
  }

  @Test(
    "The first and the last second of the day of the grant grant the same days", arguments: ["00:00:00", "23:59:59"])
  func timeOfTheGrant(_ clock: String) throws {
    let laptop = Laptop(limit: .days) { $0.days = 1 }
    laptop.clock = time("2026-03-10T\(clock)Z")
    #expect(try laptop.renew().lastDay == Day(year: 2026, month: 3, day: 11))
  }

  @Test("The longest grant ends ten years on")
  func longest() throws {
    let laptop = Laptop(limit: .days) { $0.days = 3650 }
    #expect(laptop.report.lastDay == Day(year: 2036, month: 3, day: 7))
    laptop.clock = time("2036-03-07T23:59:59Z")
    #expect(laptop.refusal(laptop.device.code(0)) == nil)
  }

  @Test("A changed number of days holds at once")
  func changedDays() {
    let laptop = Laptop(limit: .days)
    laptop.clock = time("2026-03-14T08:00:00Z")
    laptop.policy.days = 3
    #expect(laptop.refusal(laptop.device.code(0)) == .allowanceExpired)
    laptop.policy.days = 4
    #expect(laptop.refusal(laptop.device.code(0)) == nil)
    laptop.policy.limit = .logins
    #expect(laptop.report.lastDay == nil)
  }

  @Test("Any number of logins passes while the days last")
  func manyLogins() throws {
    let laptop = Laptop(limit: .days) { $0.logins = 1 }
    for _ in 1...50 { #expect(try laptop.logIn().state == .ready) }
  }

  @Test("When the days are over every purpose is refused", arguments: Purpose.allCases)
  func everyPurpose(_ purpose: Purpose) {
    let laptop = Laptop(limit: .days)
    laptop.clock = time("2026-03-18T00:00:00Z")
    #expect(laptop.refusal(laptop.device.code(0), for: purpose) == .allowanceExpired)
    #expect(laptop.refusal("", for: purpose) == .allowanceExpired)
  }

  @Test("Under both limits the logins may end first")
  func bothByLogins() throws {
    let laptop = Laptop(limit: .both) { $0.logins = 2 }
    try laptop.logIn()
    let report = try laptop.logIn()
    #expect(report.state == .exhausted)
    #expect(report.lastDay == Day(year: 2026, month: 3, day: 17))
    #expect(laptop.refusal(laptop.device.code(2)) == .allowanceExhausted)
    // Unlocking is not counted and goes on until the last day is over.
    try laptop.logIn(for: .unlock)
    laptop.clock = time("2026-03-18T00:00:00Z")
    #expect(laptop.refusal(laptop.device.code(3), for: .unlock) == .allowanceExpired)
  }

  @Test("Under both limits the days may end first")
  func bothByDays() throws {
    let laptop = Laptop(limit: .both)
    #expect(try laptop.logIn().message == "9 offline logins remaining, offline access until 17 March 2026.")
    laptop.clock = time("2026-03-18T00:00:00Z")
    #expect(laptop.refusal(laptop.device.code(1)) == .allowanceExpired)
    #expect(laptop.report.remaining == 9)
  }

  @Test("A right code that comes too late is not spent")
  func lateCode() throws {
    let laptop = Laptop(limit: .days)
    laptop.clock = time("2026-03-20T12:00:00Z")
    #expect(laptop.refusal(laptop.device.code(0)) == .allowanceExpired)
    #expect(try laptop.renew().lastDay == Day(year: 2026, month: 3, day: 27))
    #expect(laptop.refusal(laptop.device.code(0)) == nil)
  }

  @Test("A day that was seen to end does not come back when somebody vouches for the clock for another user")
  func vouchedForAnother() throws {
    let laptop = Laptop(limit: .days)
    laptop.clock = time("2026-03-18T00:00:00Z")
    #expect(laptop.refusal(laptop.device.code(0)) == .allowanceExpired)
    // The administrator renews bob while the clock is set back: the mark falls.
    laptop.clock = time("2026-03-12T08:00:00Z")
    laptop.state.clockMark = laptop.clock
    laptop.reload()
    #expect(laptop.report.state == .expired)
    #expect(laptop.refusal(laptop.device.code(0)) == .allowanceExpired)
    #expect(try laptop.renew().state == .ready)
    #expect(laptop.refusal(laptop.device.code(0)) == nil)
  }

  @Test("Looking alone remembers the end, once; more days in the configuration count all the same")
  func seenByLooking() throws {
    let laptop = Laptop(limit: .days)
    laptop.clock = time("2026-03-18T00:00:00Z")
    laptop.state.observe(in: laptop.circumstances)
    #expect(laptop.state.recordChanged)
    laptop.reload()
    laptop.state.observe(in: laptop.circumstances)
    #expect(!laptop.state.recordChanged)
    laptop.policy.days = 8
    #expect(laptop.report.state == .ready)
    laptop.policy.days = 7
    #expect(laptop.report.state == .expired)
    // A limit that counts no days knows no end.
    laptop.policy.limit = .logins
    #expect(laptop.report.state == .ready)
  }
}
