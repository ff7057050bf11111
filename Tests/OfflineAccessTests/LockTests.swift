import OfflineAccess
import Testing

@Suite("The lock after failures")
struct LockTests {
  /// Fails until `count` failures in a row are reached, waiting out every lock on the way.
  private func fail(_ laptop: Laptop, times count: Int) {
    for _ in 1...count {
      if let end = laptop.report.lockedUntil { laptop.clock = end }
      #expect(laptop.refusal(wrong) == .badResponse)
    }
  }

  @Test("Four failures do not lock and the fifth does")
  func five() throws {
    let laptop = Laptop()
    for _ in 1...4 { #expect(laptop.refusal(wrong) == .badResponse) }
    #expect(laptop.report.state == .ready)
    let fifth = refusal { () throws(Refusal) in try laptop.authenticate(wrong) }
    #expect(fifth?.reason == .badResponse)
    #expect(fifth?.sentence == "That passcode is not right. Too many failed attempts. Try again in 30 seconds.")
    #expect(laptop.report.state == .locked)
    #expect(laptop.refusal(laptop.device.code(0)) == .locked)
  }

  @Test("As many failures lock as the configuration says", arguments: [1, 2, 5, 100])
  func configured(_ attempts: Int) {
    let laptop = Laptop { $0.attempts = attempts }
    for count in 1...attempts {
      #expect(laptop.report.state == .ready, "before failure \(count)")
      laptop.refusal(wrong)
    }
    #expect(laptop.report.state == .locked)
  }

  @Test(
    "Each further failure doubles the lock up to one hour and never beyond",
    arguments: [
      (5, 30), (6, 60), (7, 120), (8, 240), (9, 480), (10, 960), (11, 1920), (12, 3600), (13, 3600), (80, 3600),
    ] as [(Int, Int64)])
  func doubling(_ failures: Int, _ seconds: Int64) {
    let laptop = Laptop()
    fail(laptop, times: failures)
    #expect(laptop.report.lockedUntil == laptop.clock + seconds)
  }

  @Test("The lock holds in its last second and ends with it")
  func end() throws {
    let laptop = Laptop()
    fail(laptop, times: 5)
    laptop.clock += 29
    #expect(laptop.refusal(laptop.device.code(0)) == .locked)
    laptop.clock += 1
    #expect(laptop.report.lockedUntil == nil)
    try laptop.logIn()
  }

  @Test("A right code while locked is refused and not spent")
  func rightCode() throws {
    let laptop = Laptop()
    fail(laptop, times: 5)
    #expect(laptop.refusal(laptop.device.code(0)) == .locked)
    laptop.clock += 30
    #expect(try laptop.logIn().remaining == 9)
  }

  @Test("What is typed while locked neither counts nor stretches the lock", arguments: [wrong, "", "010000"])
  func whileLocked(_ response: String) {
    let laptop = Laptop()
    fail(laptop, times: 5)
    let end = laptop.report.lockedUntil
    for _ in 1...50 { #expect(laptop.refusal(response) == .locked) }
    #expect(laptop.report.lockedUntil == end)
    laptop.clock += 30
    laptop.refusal(wrong)
    #expect(laptop.report.lockedUntil == laptop.clock + 60)
  }

  @Test("A success ends the count")
  func success() throws {
    let laptop = Laptop()
    fail(laptop, times: 9)
    laptop.clock += 480
    try laptop.logIn()
    for _ in 1...4 { #expect(laptop.refusal(wrong) == .badResponse) }
    #expect(laptop.report.state == .ready)
    laptop.refusal(wrong)
    #expect(laptop.report.lockedUntil == laptop.clock + 30)
  }

  @Test("A yes to what costs no login ends the count as well", arguments: [.unlock, nil] as [Purpose?])
  func freeSuccess(_ purpose: Purpose?) throws {
    let laptop = Laptop()
    fail(laptop, times: 4)
    try laptop.logIn(for: purpose)
    fail(laptop, times: 4)
    #expect(laptop.report.state == .ready)
  }

  @Test("Time alone does not end the count")
  func patience() {
    let laptop = Laptop()
    fail(laptop, times: 5)
    laptop.clock += 40 * 86_400
    laptop.refusal(wrong)
    #expect(laptop.report.lockedUntil == laptop.clock + 60)
  }

  @Test("Renewing ends the lock and the count")
  func renewal() throws {
    let laptop = Laptop()
    fail(laptop, times: 12)
    #expect(try laptop.renew().state == .ready)
    fail(laptop, times: 4)
    try laptop.logIn()
  }

  @Test(
    "A clock set back does not stretch the lock", arguments: [(5, 30), (8, 240), (20, 3600)] as [(Int, Int64)],
    [1, 45, 500, 365 * 86_400] as [Int64])
  func clockSetBack(_ lock: (failures: Int, seconds: Int64), _ back: Int64) throws {
    let laptop = Laptop()
    fail(laptop, times: lock.failures)
    laptop.clock -= back
    #expect(laptop.refusal(wrong) == .locked)
    #expect(laptop.report.lockedUntil == laptop.clock + lock.seconds)
    laptop.clock += lock.seconds
    try laptop.logIn()
  }

  @Test("A look is enough to bring a stretched lock back to its length")
  func observed() {
    let laptop = Laptop()
    fail(laptop, times: 6)
    laptop.clock -= 86_400
    laptop.state.observe(in: laptop.circumstances)
    #expect(laptop.report.lockedUntil == laptop.clock + 60)
  }

  @Test("A question for what is needed never counts", arguments: ["", " ", "      "])
  func questions(_ response: String) throws {
    let laptop = Laptop()
    for _ in 1...50 { #expect(laptop.refusal(response) == .responseRequired) }
    #expect(!laptop.state.recordChanged)
    fail(laptop, times: 4)
    #expect(try laptop.logIn().state == .ready)
  }

  @Test("A spent code never counts, however often it comes")
  func replays() throws {
    let laptop = Laptop()
    try laptop.logIn()
    for _ in 1...50 { #expect(laptop.refusal(laptop.device.code(0)) == .responseReplayed) }
    #expect(laptop.state.enrollment?.failures == Failures())
    #expect(laptop.report.remaining == 9)
    fail(laptop, times: 4)
    #expect(laptop.report.state == .ready)
  }

  @Test(
    "What is no code of the right length counts as a failure",
    arguments: ["1", "12345", "0100000", "01000a", "-10000", "+10000", "０１００００", "٠١٠٠٠٠", "password"])
  func noCode(_ response: String) {
    let laptop = Laptop()
    #expect(laptop.refusal(response) == .badResponse)
    #expect(laptop.state.enrollment?.failures.count == 1)
  }

  @Test("Failures at login, unlock and elevation lock together")
  func shared() {
    let laptop = Laptop()
    for purpose in [.login, .unlock, .elevation, nil, .login] as [Purpose?] { laptop.refusal(wrong, for: purpose) }
    for purpose in Purpose.allCases { #expect(laptop.refusal(laptop.device.code(0), for: purpose) == .locked) }
  }

  @Test("The count of failures stops at its largest number")
  func saturation() {
    let laptop = Laptop()
    laptop.state.enrollment?.failures = Failures(count: .max)
    #expect(laptop.refusal(wrong) == .badResponse)
    #expect(laptop.state.enrollment?.failures.count == .max)
    #expect(laptop.report.lockedUntil == laptop.clock + 3600)
  }
}
