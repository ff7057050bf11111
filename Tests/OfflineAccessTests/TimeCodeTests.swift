import OfflineAccess
import Testing

@Suite("Passcodes by time")
struct TimeCodeTests {
  @Test(
    "The step of the moment and one on either side are accepted, no other",
    arguments: [(-2, .badResponse), (-1, nil), (0, nil), (1, nil), (2, .badResponse)]
      as [(Int64, Refusal.Reason?)])
  func window(_ offset: Int64, _ reason: Refusal.Reason?) {
    let laptop = Laptop(.app)
    #expect(laptop.refusal(laptop.shown(offset)) == reason)
  }

  @Test("A step lasts thirty seconds to the second")
  func edges() {
    let laptop = Laptop(.app)
    let code = laptop.shown()
    laptop.clock = Laptop.noon + 59
    #expect(laptop.refusal(code) == nil)

    let late = Laptop(.app)
    late.clock = Laptop.noon + 60
    #expect(late.refusal(code) == .badResponse)

    let early = Laptop(.app)
    early.clock = Laptop.noon - 31
    #expect(early.refusal(code) == .badResponse)
    early.clock = Laptop.noon - 30
    #expect(early.refusal(code) == nil)
  }

  @Test("A period of the administrator's is used", arguments: [15, 60] as [Int64])
  func otherPeriod(_ period: Int64) {
    let laptop = Laptop(Device(movement: .time(.init(period: period))))
    let code = laptop.device.code(laptop.clock / period)
    laptop.clock += 2 * period - 1
    #expect(laptop.refusal(code) == nil)
  }

  @Test("A spent code is refused as replayed, as long as it could still be right and after")
  func replay() {
    let laptop = Laptop(.app)
    let code = laptop.shown()
    #expect(laptop.refusal(code) == nil)
    for seconds in [0, 29, 30, 60, 86_400, 86_400 * 365] as [Int64] {
      laptop.clock = Laptop.noon + seconds
      #expect(laptop.refusal(code) == .responseReplayed, "\(seconds) s later")
    }
    #expect(laptop.state.enrollment?.grant.used == 1)
  }

  @Test("A code older than one that was spent is spent with it")
  func older() {
    let laptop = Laptop(.app)
    #expect(laptop.refusal(laptop.shown(1)) == nil)
    for offset in [1, 0, -1, -2, -5] as [Int64] {
      #expect(laptop.refusal(laptop.shown(offset)) == .responseReplayed, "offset \(offset)")
    }
    #expect(laptop.state.enrollment?.failures == Failures())
  }

  @Test("The next step's code is fresh")
  func next() {
    let laptop = Laptop(.app)
    #expect(laptop.refusal(laptop.shown()) == nil)
    laptop.clock += 30
    #expect(laptop.refusal(laptop.shown()) == nil)
  }

  @Test("A clock set back within its tolerance brings no spent code back")
  func setBackAndReplayed() {
    let laptop = Laptop(.app)
    let codes = (0...1).map { laptop.shown($0) }
    for code in codes {
      #expect(laptop.refusal(code) == nil)
      laptop.clock += 30
    }
    laptop.clock -= 60
    for code in codes { #expect(laptop.refusal(code) == .responseReplayed) }
  }

  @Test("A code is another device's at every step", arguments: -1...1)
  func otherDevice(_ offset: Int64) {
    let laptop = Laptop(.app)
    var other = Device.app
    other.number = 2
    #expect(laptop.refusal(other.code(laptop.clock / 30 + offset)) == .badResponse)
  }

  @Test("Neither the first seconds of 1970 nor the time before them make a step below zero")
  func epoch() throws {
    for clock in [0, 29, 30] as [Int64] {
      guard case .fresh = try Device.app.factor.match(Device.app.code(0), at: clock, by: ReadableCodes()) else {
        Issue.record("refused at \(clock)")
        continue
      }
    }
    for clock in [-1, -30, -1_000_000] as [Int64] {
      let match = try Device.app.factor.match(Device.app.code(1), at: clock, by: ReadableCodes())
      guard case .wrong = match else {
        Issue.record("\(match) at \(clock)")
        continue
      }
    }
  }
}

@Suite("Drift of the app's clock")
struct DriftTests {
  /// Accepts the code of `offset` steps two minutes later.
  private func use(_ laptop: Laptop, _ offsets: Int64...) {
    for offset in offsets {
      laptop.clock += 120
      #expect(laptop.refusal(laptop.shown(offset)) == nil, "offset \(offset)")
    }
  }

  /// The offsets accepted next, when none of them is spent any more.
  private func accepted(_ laptop: Laptop) -> [Int64] {
    laptop.clock += 600
    let before = laptop.state
    return (-14...14).filter { offset in
      laptop.state = before
      defer { laptop.state = before }
      return laptop.refusal(laptop.shown(offset)) == nil
    }
  }

  /// One step on either side of the drift, and of none.
  private func window(around drift: Int64) -> [Int64] { Set(drift - 1...drift + 1).union(-1...1).sorted() }

  @Test("Two codes in a row from one side move the window there", arguments: [1, -1] as [Int64])
  func steady(_ side: Int64) {
    let laptop = Laptop(.app, limit: .unlimited)
    use(laptop, side)
    #expect(accepted(laptop) == [-1, 0, 1])
    use(laptop, side)
    #expect(accepted(laptop) == window(around: side))
  }

  @Test(
    "One odd code, or codes from both sides, move nothing",
    arguments: [[1], [-1], [1, 0, 1, 0, 1], [1, -1, 1, -1], [-1, 0, -1], [0, 0, 0, 0]] as [[Int64]])
  func odd(_ offsets: [Int64]) {
    let laptop = Laptop(.app, limit: .unlimited)
    for offset in offsets { use(laptop, offset) }
    #expect(accepted(laptop) == [-1, 0, 1])
  }

  @Test("Two in a row count whatever came before them", arguments: [1, -1] as [Int64])
  func steadyAfterOdd(_ side: Int64) {
    let laptop = Laptop(.app, limit: .unlimited)
    use(laptop, -side, side, side)
    #expect(accepted(laptop) == window(around: side))
  }

  @Test("After a move it takes two again for the next", arguments: [1, -1] as [Int64])
  func oddAfterMove(_ side: Int64) {
    let laptop = Laptop(.app, limit: .unlimited)
    use(laptop, side, side, 2 * side)
    #expect(accepted(laptop) == window(around: side))
    use(laptop, 2 * side, 2 * side)
    #expect(accepted(laptop) == window(around: 2 * side))
  }

  @Test("A drift that grows slowly is followed to ten steps and no further", arguments: [1, -1] as [Int64])
  func bounded(_ side: Int64) {
    let laptop = Laptop(.app, limit: .unlimited)
    for drift in 1...11 as ClosedRange<Int64> { use(laptop, side * drift, side * drift) }
    for _ in 1...5 { use(laptop, side * 11) }
    #expect(accepted(laptop) == window(around: side * 10))
  }

  @Test("An app whose clock was put right is followed back")
  func back() {
    let laptop = Laptop(.app, limit: .unlimited)
    use(laptop, 1, 1)
    use(laptop, 0, 0)
    #expect(accepted(laptop) == [-1, 0, 1])
  }

  @Test("Where the difference ends from one moment to the next, the codes are right again", arguments: 1...10, [1, -1])
  func endOfDrift(_ size: Int64, _ side: Int64) {
    let laptop = Laptop(.app, limit: .unlimited)
    for drift in 1...size { use(laptop, side * drift, side * drift) }
    // The machine's clock, or the app's, was set right.
    laptop.clock += 600
    use(laptop, 0, 0)
    #expect(accepted(laptop) == [-1, 0, 1])
  }

  @Test("Between the drift and none nothing is accepted")
  func between() {
    let laptop = Laptop(.app, limit: .unlimited)
    for drift in 1...6 as ClosedRange<Int64> { use(laptop, drift, drift) }
    #expect(accepted(laptop) == [-1, 0, 1, 5, 6, 7])
  }

  @Test("A wrong code teaches nothing")
  func wrongCode() {
    let laptop = Laptop(.app, limit: .unlimited)
    use(laptop, 1)
    laptop.refusal(wrong)
    laptop.refusal(laptop.shown(5))
    #expect(accepted(laptop) == [-1, 0, 1])
  }
}
