import Testing

@testable import OfflineAccess

@Suite("Confirming a set-up")
struct ConfirmTests {
  private static let newToken = Device(number: 2)

  private func setUp(
    _ kind: PendingActivation.Kind, granted: Bool, _ device: Device = newToken
  ) -> PendingActivation {
    PendingActivation(
      number: 1, owner: Laptop.alice.uid, user: Laptop.alice, kind: kind, granted: granted,
      device: .passcode(device.factor), startedAt: 0)
  }

  private func confirm(
    _ laptop: Laptop, _ activation: PendingActivation, _ response: String = newToken.code(0)
  ) throws(Refusal) -> AllowanceReport {
    guard case .passcode(let passcode) = activation.device else { throw Refusal.badConfirmation }
    let factor = try laptop.state.proven(
      activation, of: passcode, response: response, in: laptop.circumstances, by: ReadableCodes())
    return try laptop.state.confirm(activation, as: factor, in: laptop.circumstances)
  }

  private func withoutFactor(_ limit: LimitKind = .both) -> Laptop {
    let laptop = Laptop(limit: limit)
    laptop.state = UserState(user: Laptop.alice, enrollment: nil, clockMark: Laptop.noon)
    return laptop
  }

  @Test("The first factor starts with a full allowance from today on", arguments: [true, false])
  func first(_ granted: Bool) throws {
    let laptop = withoutFactor()
    let report = try confirm(laptop, setUp(.first, granted: granted))
    #expect(report.activated)
    #expect(report.method == .passcode)
    #expect(report.state == .ready)
    #expect(report.remaining == 10)
    #expect(report.lastDay == Day(year: 2026, month: 3, day: 17))
    #expect(laptop.state.recordChanged)
    #expect(laptop.state.enrollment?.user == Laptop.alice)
  }

  @Test(
    "The confirming code is spent with the confirmation",
    arguments: [Device(number: 2), Device(number: 2, movement: .time(.init(period: 30)))])
  func codeIsSpent(_ device: Device) throws {
    let laptop = withoutFactor()
    let code = if case .time = device.movement { device.code(laptop.clock / 30) } else { device.code(0) }
    _ = try confirm(laptop, setUp(.first, granted: true, device), code)
    #expect(laptop.refusal(code) == .responseReplayed)
    #expect(laptop.report.remaining == 10)
  }

  @Test("A replacement by an authority's word starts full, and ends failures and lock")
  func grantedReplacement() throws {
    let laptop = Laptop(limit: .both)
    for _ in 1...4 { try laptop.logIn() }
    laptop.state.enrollment?.failures = Failures(count: 9, lockedUntil: laptop.clock + 480)
    laptop.clock += 2 * 86_400
    let report = try confirm(laptop, setUp(.replacement, granted: true))
    #expect(report.state == .ready)
    #expect(report.remaining == 10)
    #expect(report.lastDay == Day(year: 2026, month: 3, day: 19))
    #expect(laptop.state.enrollment?.failures == Failures())
  }

  @Test("A replacement by proof of the old factor takes over what is left")
  func carriedOver() throws {
    let laptop = Laptop(limit: .both)
    for _ in 1...4 { try laptop.logIn() }
    laptop.clock += 2 * 86_400
    let report = try confirm(laptop, setUp(.replacement, granted: false))
    #expect(report.remaining == 6)
    #expect(report.lastDay == Day(year: 2026, month: 3, day: 17))
  }

  @Test("What is used up stays used up by a replacement without a grant")
  func nothingLeft() throws {
    let laptop = Laptop { $0.logins = 1 }
    try laptop.logIn()
    #expect(try confirm(laptop, setUp(.replacement, granted: false)).state == .exhausted)
    #expect(laptop.refusal(Self.newToken.code(1)) == .allowanceExhausted)
  }

  @Test("The new device kills the old one in the same change", arguments: [true, false])
  func oldDeviceIsDead(_ granted: Bool) throws {
    let laptop = Laptop()
    #expect(laptop.refusal(Device.token.code(0)) == nil)
    _ = try confirm(laptop, setUp(.replacement, granted: granted))
    for counter in 0...12 { #expect(laptop.refusal(Device.token.code(Int64(counter))) != nil) }
    laptop.clock += 3600
    #expect(laptop.refusal(Self.newToken.code(1)) == nil)
  }

  @Test("Until it is confirmed the old device stays valid and the new one is not")
  func oldDeviceUntilThen() {
    let laptop = Laptop()
    let activation = setUp(.replacement, granted: true)
    #expect(refusal { () throws(Refusal) in try confirm(laptop, activation, wrong) }?.reason == .badResponse)
    #expect(laptop.refusal(Device.token.code(0)) == nil)
    #expect(laptop.refusal(Self.newToken.code(0)) == .badResponse)
  }

  @Test(
    "A wrong code sets nothing up and counts as no failure", arguments: [wrong, "02000", "020011", "010000", "020000x"])
  func wrongCode(_ response: String) {
    let laptop = Laptop()
    let activation = setUp(.replacement, granted: true)
    for _ in 1...20 {
      #expect(refusal { () throws(Refusal) in try confirm(laptop, activation, response) }?.reason == .badResponse)
    }
    #expect(!laptop.state.recordChanged)
    #expect(!laptop.state.clockMarkChanged)
  }

  @Test("An empty code is asked for, not refused as wrong", arguments: ["", "   "])
  func emptyCode(_ response: String) {
    let laptop = withoutFactor()
    let refusal = refusal { () throws(Refusal) in try confirm(laptop, setUp(.first, granted: true), response) }
    #expect(refusal?.reason == .responseRequired)
  }

  @Test("Of two first set-ups only the one confirmed first counts", arguments: [true, false])
  func overtaken(_ granted: Bool) throws {
    let laptop = withoutFactor()
    let slow = setUp(.first, granted: granted)
    let quick = Device(number: 3)
    _ = try confirm(laptop, setUp(.first, granted: granted, quick), quick.code(0))
    #expect(refusal { () throws(Refusal) in try confirm(laptop, slow) }?.reason == .alreadyActivated)
    #expect(laptop.refusal(quick.code(1)) == nil)
    #expect(laptop.refusal(Self.newToken.code(1)) == .badResponse)
  }

  @Test("A set-up is confirmed once")
  func twice() throws {
    let first = withoutFactor()
    _ = try confirm(first, setUp(.first, granted: true))
    let again = refusal { () throws(Refusal) in try confirm(first, setUp(.first, granted: true), Self.newToken.code(1))
    }
    #expect(again?.reason == .alreadyActivated)
  }

  @Test("A replacement whose old factor was removed meanwhile is refused")
  func removedMeanwhile() throws {
    let laptop = Laptop()
    try laptop.state.deactivate(in: laptop.circumstances)
    let refusal = refusal { () throws(Refusal) in try confirm(laptop, setUp(.replacement, granted: true)) }
    #expect(refusal?.reason == .notActivated)
    #expect(laptop.state.enrollment == nil)
  }

  @Test("Which kind of set-up a state allows")
  func kinds() {
    let without = withoutFactor().state
    let with = Laptop().state
    func reason(_ state: UserState, _ kind: PendingActivation.Kind) -> Refusal.Reason? {
      refusal { () throws(Refusal) in try state.checkActivation(kind) }?.reason
    }
    #expect(reason(without, .first) == nil)
    #expect(reason(without, .replacement) == .notActivated)
    #expect(reason(with, .first) == .alreadyActivated)
    #expect(reason(with, .replacement) == nil)
  }
}

@Suite("Confirming with a clock behind its mark")
struct ConfirmClockTests {
  private static let app = Device(number: 2, movement: .time(.init(period: 30)))
  private static let token = Device(number: 2)

  /// Confirms a first set-up an hour before the mark.
  private func confirm(_ device: Device, _ limit: LimitKind, granted: Bool) -> (Refusal.Reason?, UserState) {
    let laptop = Laptop(limit: limit)
    laptop.state = UserState(user: Laptop.alice, enrollment: nil, clockMark: Laptop.noon)
    laptop.clock -= 3600
    let activation = PendingActivation(
      number: 1, owner: 1000, user: Laptop.alice, kind: .first, granted: granted,
      device: .passcode(device.factor), startedAt: 0)
    let code = if case .time = device.movement { device.code(laptop.clock / 30) } else { device.code(0) }
    let refusal = refusal { () throws(Refusal) in
      let factor = try laptop.state.proven(
        activation, of: device.factor, response: code, in: laptop.circumstances, by: ReadableCodes())
      return try laptop.state.confirm(activation, as: factor, in: laptop.circumstances)
    }
    return (refusal?.reason, laptop.state)
  }

  @Test("An authority's word trusts the clock again", arguments: LimitKind.allCases)
  func granted(_ limit: LimitKind) {
    for device in [Self.app, Self.token] {
      let (reason, state) = confirm(device, limit, granted: true)
      #expect(reason == nil)
      #expect(state.clockMark == Laptop.noon - 3600)
    }
  }

  @Test(
    "Without it only what needs no clock is set up, and the mark stays",
    arguments: [
      (app, .logins, false), (app, .unlimited, false), (app, .days, false), (token, .days, false),
      (token, .both, false), (token, .logins, true), (token, .unlimited, true),
    ] as [(Device, LimitKind, Bool)])
  func notGranted(_ device: Device, _ limit: LimitKind, _ allowed: Bool) {
    let (reason, state) = confirm(device, limit, granted: false)
    #expect(reason == (allowed ? nil : .clockUntrusted))
    #expect(state.clockMark == Laptop.noon)
    #expect((state.enrollment != nil) == allowed)
  }

  @Test("What a trial has proven is looked at again when it is confirmed")
  func later() throws {
    let laptop = Laptop(limit: .logins)
    laptop.state = UserState(user: Laptop.alice, enrollment: nil, clockMark: Laptop.noon)
    let activation = PendingActivation(
      number: 1, owner: 1000, user: Laptop.alice, kind: .first, granted: false,
      device: .passcode(Self.app.factor), startedAt: 0)
    let factor = try laptop.state.proven(
      activation, of: Self.app.factor, response: Self.app.code(laptop.clock / 30), in: laptop.circumstances,
      by: ReadableCodes())
    #expect(!laptop.state.recordChanged && !laptop.state.clockMarkChanged)
    laptop.clock -= 3600
    let late = refusal { () throws(Refusal) in
      try laptop.state.confirm(activation, as: factor, in: laptop.circumstances)
    }
    #expect(late?.reason == .clockUntrusted)
    laptop.clock += 3600
    _ = try laptop.state.confirm(activation, as: factor, in: laptop.circumstances)
    let second = refusal { () throws(Refusal) in
      try laptop.state.confirm(activation, as: factor, in: laptop.circumstances)
    }
    #expect(second?.reason == .alreadyActivated)
  }
}
