import Foundation
import Testing

extension IntegrationTests.Strength {
  @Suite("Clocks that differ, and a clock set at random")
  struct ClockTroubleAtRandom {
    init() throws { try Machine.reset("[Allowance]\nlimit=unlimited\n") }

    @Test("a phone whose clock runs two minutes ahead, or behind, is followed and stays right", arguments: [1, -1])
    func drift(side: Int) throws {
      let (user, other) = (try Machine.newUser(), try Machine.newUser())
      let (phone, others) = (try Phone.activated(user), try Phone.activated(other))
      var logins = 0
      // The clock stands at each login: a code at the edge would be beyond it when a time step ended meanwhile.
      var now = try Clock.now
      func pass(_ seconds: Int) throws {
        now += seconds
        try Clock.freeze(at: now)
      }
      // One login a day; the phone's clock goes ten seconds a day wrong until it is two minutes off.
      for ahead in Array(stride(from: 0, through: 120, by: 10)) + [120, 120, 120] {
        try pass(86_400)
        expectYes(try Factor.root.authenticate(user, phone.code(at: now + side * ahead)))
        logins += 1
      }
      // The same from one day to the next is no drift, and a code of it is a wrong one.
      expectRefused(try Factor.root.authenticate(other, others.code(at: now + side * 120)), "BadResponse")
      // Whichever of the two clocks is put right, the next code is.
      try pass(86_400)
      expectYes(try Factor.root.authenticate(user, phone.code(at: now)))
      try pass(30)
      expectYes(try Factor.root.authenticate(user, phone.code(at: now)))
      expectRefused(
        try Factor.root.authenticate(user, phone.code(at: now + side * 120 + 30)),
        side > 0 ? "BadResponse" : "ResponseReplayed")
      try report(
        "Clock", tried: "a phone that drifts to two minutes \(side > 0 ? "ahead" : "behind"), then is set right",
        times: "\(logins + 2) logins", outcome: "all accepted")
    }

    @Test("set at random: no code twice, no day again, no login more, and in again when it is right")
    func walk() throws {
      try Machine.reset(
        "[Factor]\npasscode=totp\n[Allowance]\nlimit=both\nlogins=40\ndays=5\n[Failure]\nattempts=100\n")
      let timed = try Walker(isTime: true)
      try Machine.configure(
        "[Factor]\npasscode=hotp\n[Allowance]\nlimit=both\nlogins=40\ndays=5\n[Failure]\nattempts=100\n")
      let counted = try Walker(isTime: false)
      var numbers = SeededNumbers(seed: 20_260_310)
      // What is ahead in the world, and what somebody adds to that.
      var (world, offset) = (0, 0)
      let steps = IntegrationTests.Strength.times(1500, short: 60)
      for _ in 0..<steps {
        switch Int.random(in: 0...11, using: &numbers) {
        case 0...2: world += Int.random(in: 0...120, using: &numbers)
        case 3: world += Int.random(in: 0...30_000, using: &numbers)
        case 4: offset = 0
        case 5: offset = Int.random(in: -70...70, using: &numbers)
        case 6:
          offset = [-3600, -86_400, 3600, 86_400, 400 * 86_400, -2_000_000_000].randomElement(using: &numbers) ?? 0
        case 7: try Machine.stopService(signal: Bool.random(using: &numbers) ? SIGTERM : SIGKILL)
        default: break
        }
        try Clock.set(world + offset)
        for walker in [timed, counted] {
          switch Int.random(in: 0...49, using: &numbers) {
          // It vouches for the machine's clock, but not for what others were seen to have ended.
          case 0: try walker.renew()
          case 1...3: try walker.look()
          default:
            try walker.logIn(
              phone: Bool.random(using: &numbers) ? -offset : 0, turn: Int.random(in: -2...2, using: &numbers))
          }
        }
      }
      // The clock is right, and whatever was used of the future is over.
      world += 800 * 86_400
      try Clock.set(world)
      for walker in [timed, counted] {
        try walker.renew()
        try walker.logIn(phone: 0, turn: 0, mustPass: true)
      }
      for (walker, kind) in [(timed, "time"), (counted, "counter")] {
        #expect(walker.yeses > 0 && walker.refusals["ClockUntrusted", default: 0] > 0)
        let refused = walker.refusals.sorted { $0.key < $1.key }.map { "\($1) \($0)" }.joined(separator: ", ")
        try report(
          "Clock", tried: "a clock set at random, codes by \(kind)", times: "\(steps) steps",
          outcome: "\(walker.yeses) yes, none twice; \(refused)")
      }
    }
  }
}

/// A user of the walk with what must hold for them.
private final class Walker {
  private let user: String
  private let phone: Phone
  private var spent: Set<Int> = []
  private var nextCounter = 1
  private var left = 40
  private var endSeen = false
  private(set) var yeses = 0
  private(set) var refusals: [String: Int] = [:]

  init(isTime: Bool) throws {
    user = try Machine.newUser()
    phone = try Phone.activated(user)
    #expect(phone.isTime == isTime)
  }

  func renew() throws {
    expectYes(try Factor.root.renew(user))
    left = 40
    endSeen = false
    try look()
  }

  func look() throws {
    let report = try Factor.root.allowance(user)
    #expect(report["remaining"] == String(left))
    if report["state"] == "expired" { endSeen = true }
  }

  /// A login by the code of a phone that is `seconds` ahead of the machine, `turn` codes from what it shows.
  func logIn(phone seconds: Int, turn: Int, mustPass: Bool = false) throws {
    let place = phone.isTime ? max(0, (try Clock.now + seconds) / 30 + turn) : max(0, nextCounter + turn)
    let code = phone.isTime ? try phone.code(at: place * 30) : try phone.code(counter: place)
    let answer = try Factor.root.authenticate(user, code)
    if let reason = answer.error {
      #expect(!mustPass, "\(answer.sentence)")
      refusals[reason, default: 0] += 1
      if reason == "AllowanceExpired" { endSeen = true }
    } else {
      yeses += 1
      left -= 1
      #expect(spent.insert(place).inserted, "a second yes for \(place)")
      #expect(place >= (spent.max() ?? 0), "a yes for \(place), which is older than one before")
      #expect(!endSeen, "a yes after the last day was seen to end")
      if !phone.isTime { nextCounter = place + 1 }
    }
    #expect(try Factor.root.allowance(user)["remaining"] == String(left))
  }
}
