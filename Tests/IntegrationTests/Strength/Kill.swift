import Foundation
import Glibc
import Store
import Testing

extension IntegrationTests.Strength {
  @Suite("kill -9 amid a call: all of it or nothing, never twice, and the next call finds everything")
  struct Kill {
    init() throws { try Machine.reset() }

    @Test("at random moments of every method")
    func random() throws {
      let kinds = Deed.Kind.allCases
      let rounds = IntegrationTests.Strength.times(500, short: kinds.count)
      var tally = Tally()
      for round in 0..<rounds {
        // Rounds of one kind alternate between codes by time and by counter.
        let deed = try Deed.prepare(kinds[round % kinds.count], round: round % kinds.count + round / kinds.count)
        let caller = try BusPeer(as: deed.caller)
        let pid = try #require(try Machine.servicePID())
        let moment = ContinuousClock.now + .microseconds(Int.random(in: 0..<Self.longest))
        let serial = try caller.send(deed.call)
        while ContinuousClock.now < moment {}
        kill(pid, SIGKILL)
        let error = try caller.answer(to: serial).error
        try Self.waitForTheEnd(of: pid)
        tally.add(try deed.trace(), answered: error, of: deed, "round \(round), \(kinds[round % kinds.count].rawValue)")
      }
      #expect(tally.faults.isEmpty, "\(tally.faults)")
      // Or the moments were not those of a call.
      if IntegrationTests.Strength.isFull { #expect(tally.answered > 0 && tally.undone > 0 && tally.committed > 0) }
      try report("at random moments of every method", rounds, tally)
    }

    @Test("at each step of every method", arguments: FaultPoint.steps)
    func atStep(step: FaultPoint) throws {
      try FaultyService.install()
      defer { try? FaultyService.remove() }
      var tally = Tally()
      let kinds = Deed.Kind.allCases.filter { $0.asksStore || [.received, .answering, .replied].contains(step) }
      // In full each of them by time and by counter; in short every third.
      let rounds =
        IntegrationTests.Strength.isFull
        ? Array(0..<2 * kinds.count)
        : kinds.indices.filter { ($0 + (FaultPoint.steps.firstIndex(of: step) ?? 0)).isMultiple(of: 3) }
      for round in rounds {
        let kind = kinds[round % kinds.count]
        let deed = try Deed.prepare(kind, round: round % kinds.count + round / kinds.count)
        let caller = try BusPeer(as: deed.caller)
        let pid = try #require(try Machine.servicePID())
        try FaultyService.choose(step)
        let error = try caller.error(of: deed.call)
        try Self.waitForTheEnd(of: pid)
        #expect(!FaultyService.isChosen, "\(kind.rawValue) did not get to \(step)")
        let trace = try deed.trace()
        tally.add(trace, answered: error, of: deed, "\(step), \(kind.rawValue)")
        // Here it is known on which side of the commit it died.
        if kind.changes { #expect(trace == (step.isAfterCommit ? .done : .undone), "\(step), \(kind.rawValue)") }
        #expect(error == (step == .replied ? deed.said : "NoReply"), "\(step), \(kind.rawValue)")
      }
      #expect(tally.faults.isEmpty, "\(tally.faults)")
      try report("step \(step) of every method", rounds.count, tally)
    }

    @Test("these tests do see a loss and a double yes: a service that writes nothing down is found out")
    func forgetful() throws {
      try FaultyService.install()
      defer { try? FaultyService.remove() }
      var tally = Tally()
      for (round, kind) in Deed.Kind.allCases.filter(\.changes).enumerated() {
        let deed = try Deed.prepare(kind, round: round)
        let pid = try #require(try Machine.servicePID())
        try FaultyService.choose(.forgetful)
        let error = try BusPeer(as: deed.caller).error(of: deed.call)
        kill(pid, SIGKILL)
        try Self.waitForTheEnd(of: pid)
        // Every second one goes on as badly as it began.
        if round.isMultiple(of: 2) { try FaultyService.clear() }
        tally.add(try deed.trace(), answered: error, of: deed, kind.rawValue)
        if FaultyService.isChosen { try FaultyService.clear() }
      }
      #expect(tally.count(.lost) > 0 && tally.count(.doubleYes) > 0, "\(tally.faults)")
      try report("control: a service that writes nothing", Deed.Kind.allCases.count { $0.changes }, tally)
    }

    /// Microseconds after which a call has surely been answered, as a rule.
    private static let longest = 3000

    private static func waitForTheEnd(of pid: pid_t) throws {
      try waitUntil("the service is gone") { kill(pid, 0) != 0 }
      try waitUntil("the bus knows") { try Machine.servicePID() != pid }
    }

    private func report(_ tried: String, _ rounds: Int, _ tally: Tally) throws {
      try IntegrationTests.Strength.report("kill -9", tried: tried, times: "\(rounds) rounds", outcome: tally.text)
    }
  }
}

/// What came of many kills.
private struct Tally {
  private(set) var answered = 0
  /// Cut off before and after the commit.
  private(set) var undone = 0
  private(set) var committed = 0
  private var cutOffReading = 0
  private var found: [(fault: Deed.Fault, what: String)] = []

  var faults: [String] { found.map { "\($0.fault.rawValue): \($0.what)" } }
  func count(_ fault: Deed.Fault) -> Int { found.count { $0.fault == fault } }

  mutating func add(_ trace: Deed.Trace, answered error: String?, of deed: Deed, _ name: String) {
    let said = error == deed.said
    if said { answered += 1 }
    switch trace {
    case .broken(let fault, let what): found.append((fault, "\(name): \(what)"))
    case .undone where said: found.append((.lost, name))
    // What the bus says of a service that went away.
    case _ where !said && !["NoReply", "ServiceUnknown"].contains(error):
      found.append((.stuck, "\(name): \(error ?? "yes")"))
    case _ where said: break
    case .undone: undone += 1
    case .done: committed += 1
    case .none: cutOffReading += 1
    }
  }

  var text: String {
    "\(answered) answered, cut off: \(undone) undone, \(committed) done, \(cutOffReading) reading; "
      + Deed.Fault.allCases.map { "\($0.rawValue) \(count($0))" }.joined(separator: ", ")
  }
}
