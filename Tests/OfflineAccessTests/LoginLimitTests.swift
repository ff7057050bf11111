import OfflineAccess
import Testing

@Suite("Allowance by a number of logins")
struct LoginLimitTests {
  @Test("The first login leaves nine of ten")
  func first() throws {
    let report = try Laptop().logIn()
    #expect(report.remaining == 9)
    #expect(report.state == .ready)
    #expect(report.via == .offline)
    #expect(report.message == "9 offline logins remaining.")
  }

  @Test("The last login passes and says that none is left", arguments: [1, 2, 10])
  func last(_ logins: Int) throws {
    let laptop = Laptop { $0.logins = logins }
    for _ in 1..<logins { #expect(try laptop.logIn().state == .ready) }
    let report = try laptop.logIn()
    #expect(report.remaining == 0)
    #expect(report.state == .exhausted)
    #expect(report.message == "That was the last offline login. The administrator must renew it first.")
    #expect(laptop.report.message == "No offline logins remaining. The administrator must renew it first.")
  }

  @Test("One login beyond the last is refused, and its code is not spent")
  func beyond() throws {
    let laptop = Laptop { $0.logins = 2 }
    try laptop.logIn()
    try laptop.logIn()
    let third = laptop.device.code(laptop.nextCode)
    #expect(laptop.refusal(third) == .allowanceExhausted)
    _ = try laptop.renew()
    #expect(laptop.refusal(third) == nil)
  }

  @Test("Used-up logins refuse a wrong code without counting it")
  func exhaustedCountsNothing() throws {
    let laptop = Laptop { $0.logins = 1 }
    try laptop.logIn()
    for _ in 1...20 { #expect(laptop.refusal(wrong) == .allowanceExhausted) }
    _ = try laptop.renew()
    #expect(laptop.state.enrollment?.failures == Failures())
  }

  @Test(
    "A purpose draws a login down only where it is counted", arguments: Purpose.allCases,
    [[], [.login], [.unlock], [.login, .elevation], [.login, .unlock, .elevation]] as [Set<Purpose>])
  func counted(_ purpose: Purpose, _ counts: Set<Purpose>) throws {
    let laptop = Laptop { $0.counts = counts }
    let left: UInt32 = counts.contains(purpose) ? 9 : 10
    #expect(try laptop.logIn(for: purpose).remaining == left)
  }

  @Test("By default logins and elevations count and unlocking does not")
  func defaults() throws {
    let laptop = Laptop()
    #expect(try laptop.logIn(for: .unlock).remaining == 10)
    #expect(try laptop.logIn(for: .elevation).remaining == 9)
    #expect(try laptop.logIn(for: .login).remaining == 8)
  }

  @Test("What is not counted passes when the logins are used up, by a right code only")
  func uncountedAfterTheLast() throws {
    let laptop = Laptop { $0.logins = 1 }
    try laptop.logIn()
    #expect(laptop.refusal(laptop.device.code(1), for: .elevation) == .allowanceExhausted)
    #expect(laptop.refusal(wrong, for: .unlock) == .badResponse)
    let report = try laptop.logIn(for: .unlock)
    #expect(report.remaining == 0)
    #expect(report.via == .offline)
  }

  @Test("A proof of the factor costs no login, and none is left to prove with once they are used up")
  func proof() throws {
    let laptop = Laptop { $0.logins = 1 }
    #expect(try laptop.logIn(for: nil).remaining == 1)
    try laptop.logIn()
    #expect(laptop.refusal(laptop.device.code(laptop.nextCode), for: nil) == .allowanceExhausted)
  }

  @Test("A changed limit holds at once")
  func changedLimit() throws {
    let laptop = Laptop()
    for _ in 1...3 { try laptop.logIn() }
    laptop.policy.logins = 3
    #expect(laptop.report.state == .exhausted)
    #expect(laptop.refusal(laptop.device.code(3)) == .allowanceExhausted)
    laptop.policy.logins = 2
    #expect(laptop.report.remaining == 0)
    laptop.policy.logins = 20
    #expect(laptop.report.remaining == 17)
    laptop.policy.limit = .unlimited
    #expect(laptop.report.remaining == nil)
    #expect(laptop.report.state == .ready)
  }

  @Test("Changed purposes hold at once")
  func changedCounts() throws {
    let laptop = Laptop { $0.logins = 1 }
    try laptop.logIn()
    laptop.policy.counts = [.elevation]
    #expect(try laptop.logIn(for: .login).remaining == 0)
    laptop.policy.counts = [.login]
    #expect(laptop.refusal(laptop.device.code(laptop.nextCode), for: .login) == .allowanceExhausted)
  }

  @Test("A failure costs no login")
  func failuresAreFree() throws {
    let laptop = Laptop()
    for _ in 1...4 { #expect(laptop.refusal(wrong) == .badResponse) }
    #expect(laptop.report.remaining == 10)
  }

  @Test("Renewing fills the logins again and sets the day of the grant")
  func renewal() throws {
    let laptop = Laptop(limit: .both)
    for _ in 1...10 { try laptop.logIn() }
    laptop.clock += 2 * 86_400
    let report = try laptop.renew()
    #expect(report.state == .ready)
    #expect(report.remaining == 10)
    #expect(report.lastDay == Day(year: 2026, month: 3, day: 19))
    #expect(laptop.state.recordChanged)
  }

  @Test("Without a limit nothing is ever used up, and no number is told")
  func unlimited() throws {
    let laptop = Laptop(limit: .unlimited) { $0.logins = 1 }
    for _ in 1...200 { try laptop.logIn() }
    laptop.clock = time("2046-03-10T12:00:00Z")
    let report = try laptop.logIn()
    #expect(report.state == .ready)
    #expect(report.remaining == nil)
    #expect(report.lastDay == nil)
    #expect(report.expires == nil)
    #expect(report.message == "Offline access is ready.")
  }

  @Test("The count of used logins stops at its largest number")
  func saturation() throws {
    let laptop = Laptop(limit: .unlimited)
    laptop.state.enrollment?.grant.used = .max
    try laptop.logIn()
    #expect(laptop.state.enrollment?.grant.used == .max)
    laptop.policy.limit = .logins
    #expect(laptop.report.state == .exhausted)
  }

  @Test("A user without a factor is refused whatever is typed", arguments: ["", wrong, "010000"])
  func withoutFactor(_ response: String) {
    let laptop = Laptop()
    laptop.state = UserState(user: Laptop.alice, enrollment: nil, clockMark: Laptop.noon)
    #expect(laptop.refusal(response) == .notActivated)
    #expect(!laptop.state.recordChanged)
    #expect(laptop.report.state == .notActivated)
    #expect(!laptop.report.activated)
  }

  @Test("Removing forgets the factor, once")
  func deactivation() throws {
    let laptop = Laptop()
    try laptop.state.deactivate(in: laptop.circumstances)
    #expect(laptop.state.enrollment == nil)
    #expect(laptop.state.recordChanged)
    #expect(laptop.refusal(laptop.device.code(0)) == .notActivated)
    #expect(
      refusal { () throws(Refusal) in try laptop.state.deactivate(in: laptop.circumstances) }?.reason == .notActivated)
    #expect(refusal { () throws(Refusal) in try laptop.renew() }?.reason == .notActivated)
  }
}
