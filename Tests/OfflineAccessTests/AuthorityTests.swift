import OfflineAccess
import Testing

@Suite("What an authority's words do to a user's state")
struct AuthorityTests {
  private static func laptop(limit: LimitKind = .logins, _ change: (inout Policy) -> Void = { _ in }) -> Laptop {
    Laptop(.token, limit: limit) { policy in
      policy.authority.kind = .privacyIDEA
      policy.logins = 3
      change(&policy)
    }
  }

  private static let away = Outage(reason: "timeout", isConnected: false)
  private static let awayAlone = Outage(reason: "refused-port", isConnected: true)

  @Test("An approval fills the allowance, ends a lock and a suspension and trusts the clock")
  func approval() throws {
    let laptop = Self.laptop()
    laptop.outage = Self.away
    _ = try laptop.logIn()
    for _ in 0..<5 { laptop.refusal(wrong) }
    #expect(laptop.report.state == .locked)
    laptop.state.deny(.user, in: laptop.circumstances)
    laptop.clock -= 100_000
    laptop.state.approve(in: laptop.circumstances)
    #expect(laptop.report.state == .ready && laptop.report.remaining == 3)
    #expect(laptop.state.standing.lastApproval == laptop.clock)
    #expect(laptop.state.clockMark == laptop.clock)
    #expect(try laptop.logIn().remaining == 2)
  }

  @Test("A refusal of the user suspends the offline factor, however right its response; an approval ends that")
  func suspension() throws {
    let laptop = Self.laptop()
    laptop.outage = Self.away
    laptop.state.deny(.user, in: laptop.circumstances)
    #expect(laptop.report.state == .suspended)
    for purpose in Purpose.allCases {
      #expect(refusal { () throws(Refusal) in try laptop.logIn(for: purpose) }?.reason == .onlineProofRequired)
    }
    #expect(laptop.state.enrollment?.grant.used == 0)
    laptop.state.approve(in: laptop.circumstances)
    _ = try laptop.logIn()
  }

  @Test(
    "A wrong response and one that did not come suspend nobody",
    arguments: [.wrongResponse, .noResponse] as [AuthorityVerdict.Denial])
  func mistake(_ denial: AuthorityVerdict.Denial) throws {
    let laptop = Self.laptop()
    laptop.state.deny(denial, in: laptop.circumstances)
    #expect(laptop.state.standing == Standing() && laptop.report.state == .ready)
  }

  @Test("A suspension stays through a removal of the factor, and keeps another from being set up")
  func suspendedWithoutFactor() throws {
    let laptop = Self.laptop()
    laptop.state.deny(.user, in: laptop.circumstances)
    try laptop.state.deactivate(in: laptop.circumstances)
    #expect(laptop.report.state == .suspended)
    #expect(refusal { () throws(Refusal) in try laptop.logIn() }?.reason == .onlineProofRequired)
  }

  @Test("What the offline factor stands in for is remembered with its yes, and not with its no")
  func outage() throws {
    let laptop = Self.laptop()
    laptop.outage = Self.away
    #expect(refusal { () throws(Refusal) in try laptop.authenticate(wrong) }?.reason == .badResponse)
    #expect(laptop.state.standing.lastOffline == nil)
    _ = try laptop.logIn()
    #expect(laptop.state.standing.lastOffline == laptop.clock && laptop.state.standing.offlineReason == "timeout")
  }

  @Test("While there is a network, the stricter limit holds; without one, the other")
  func whileConnected() throws {
    let laptop = Self.laptop { $0.whileConnected = 1 }
    laptop.outage = Self.awayAlone
    #expect(laptop.report.remaining == 1)
    #expect(try laptop.logIn().remaining == 0)
    let refused = refusal { () throws(Refusal) in try laptop.logIn() }
    #expect(refused?.reason == .allowanceExhausted && refused?.sentence.contains("has a network") == true)
    laptop.outage = Self.away
    #expect(try laptop.logIn().remaining == 1)
    #expect(try laptop.logIn().remaining == 0)
    laptop.outage = Self.awayAlone
    #expect(refusal { () throws(Refusal) in try laptop.logIn() }?.reason == .allowanceExhausted)
    laptop.state.approve(in: laptop.circumstances)
    #expect(try laptop.logIn().remaining == 0)
  }

  @Test("Where only days are limited, the number of logins of the other limit means nothing")
  func connectedByDays() throws {
    let laptop = Self.laptop(limit: .days) { $0.whileConnected = 5 }
    laptop.outage = Self.awayAlone
    for left in [4, 3, 2, 1, 0] as [UInt32] { #expect(try laptop.logIn().remaining == left) }
    laptop.outage = Self.away
    _ = try laptop.logIn()
  }

  @Test("Without a limit of its own, being connected makes no difference")
  func connectedWithoutLimit() throws {
    let laptop = Self.laptop()
    laptop.outage = Self.awayAlone
    for left in [2, 1, 0] as [UInt32] { #expect(try laptop.logIn().remaining == left) }
  }

  @Test("A set-up is offered after an approval alone, until it is put off")
  func offer() throws {
    let laptop = Self.laptop { $0.postponements = 2 }
    try laptop.state.deactivate(in: laptop.circumstances)
    #expect(!laptop.report.offersActivation)
    laptop.isApproved = true
    laptop.state.approve(in: laptop.circumstances)
    #expect(laptop.report.offersActivation && laptop.report.postponementsLeft == 2)
    laptop.state.postpone()
    laptop.state.postpone()
    #expect(!laptop.report.offersActivation)
    #expect(!laptop.state.mustActivate(under: laptop.policy))
    laptop.state.approve(in: laptop.circumstances)
    #expect(laptop.report.offersActivation && laptop.report.postponementsLeft == 1)
    laptop.state.postpone()
    laptop.state.approve(in: laptop.circumstances)
    #expect(laptop.state.mustActivate(under: laptop.policy))
    #expect(laptop.report.postponementsLeft == 0)
  }

  @Test("Without a cap nobody has to, and with a cap of none everybody at once")
  func caps() throws {
    for (cap, must) in [(nil, false), (0, true)] as [(Int?, Bool)] {
      let laptop = Self.laptop { $0.postponements = cap }
      #expect(!laptop.state.mustActivate(under: laptop.policy))
      try laptop.state.deactivate(in: laptop.circumstances)
      laptop.state.approve(in: laptop.circumstances)
      #expect(laptop.state.mustActivate(under: laptop.policy) == must)
    }
  }
}
