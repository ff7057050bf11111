import Testing

@testable import GLibBus

@Suite("The gate before the queue")
struct CallGateTests {
  private let gate = CallGate()

  private func admissions(_ count: Int, of sender: String, at now: Int64 = 0) -> [CallGate.Admission] {
    (0..<count).map { _ in gate.admit(sender, at: now) }
  }

  @Test("Connections whose user is not known yet have 1,024 open calls together, and four each in any case")
  func stranger() {
    #expect(admissions(1024, of: ":1.1").allSatisfy { $0 == .pass })
    #expect(gate.admit(":1.1", at: 0) == .busy)
    #expect(admissions(5, of: ":1.2") == [.pass, .pass, .pass, .pass, .busy])
    gate.learn(1000, of: ":1.1")
    #expect(admissions(1020, of: ":1.3").allSatisfy { $0 == .pass })
    #expect(gate.admit(":1.2", at: 0) == .busy)
  }

  @Test("A user has 64 open calls, over all connections together")
  func user() {
    gate.learn(1000, of: ":1.1")
    gate.learn(1000, of: ":1.2")
    #expect(admissions(40, of: ":1.1").allSatisfy { $0 == .pass })
    #expect(admissions(24, of: ":1.2").allSatisfy { $0 == .pass })
    #expect(gate.admit(":1.1", at: 0) == .busy)
    #expect(gate.admit(":1.2", at: 0) == .busy)
  }

  @Test("One user's calls take nothing from another's")
  func others() {
    gate.learn(1000, of: ":1.1")
    gate.learn(1001, of: ":1.2")
    _ = admissions(1000, of: ":1.1")
    #expect(admissions(64, of: ":1.2").allSatisfy { $0 == .pass })
  }

  @Test("root has no bound")
  func root() {
    gate.learn(0, of: ":1.1")
    #expect(admissions(5000, of: ":1.1").allSatisfy { $0 == .pass })
  }

  @Test("An answered call makes room for one more")
  func leaving() {
    gate.learn(1000, of: ":1.1")
    _ = admissions(64, of: ":1.1")
    gate.leave(":1.1")
    #expect(admissions(2, of: ":1.1") == [.pass, .busy])
  }

  @Test("An answer that was never counted makes no room")
  func uncounted() {
    gate.learn(1000, of: ":1.1")
    gate.learn(1000, of: ":1.2")
    _ = admissions(64, of: ":1.1")
    gate.leave(":1.2")
    gate.leave(":1.3")
    #expect(gate.admit(":1.1", at: 0) == .busy)
  }

  @Test("Calls that were open before the user was learned count as the user's")
  func learnedLater() {
    _ = admissions(4, of: ":1.1")
    gate.learn(1000, of: ":1.1")
    gate.learn(1000, of: ":1.2")
    #expect(admissions(60, of: ":1.2").allSatisfy { $0 == .pass })
    #expect(gate.admit(":1.2", at: 0) == .busy)
    #expect(gate.user(of: ":1.1") == 1000)
    #expect(gate.user(of: ":1.3") == nil)
  }

  @Test("Of the calls that came before their user was known, those stay that the user has room for; all of root's do")
  func learnedTooMany() {
    gate.learn(1000, of: ":1.1")
    _ = admissions(61, of: ":1.1")
    _ = admissions(5, of: ":1.2")
    gate.learn(1000, of: ":1.2")
    #expect((1...6).map { _ in gate.keepsCall(of: ":1.2") } == [true, true, true, false, false, true])
    #expect(gate.keepsCall(of: ":1.1"))
    _ = admissions(100, of: ":1.3")
    gate.learn(0, of: ":1.3")
    #expect((1...100).allSatisfy { _ in gate.keepsCall(of: ":1.3") })
  }

  @Test("What was too many is forgotten with the calls themselves")
  func lateCallsGone() {
    _ = admissions(70, of: ":1.1")
    gate.learn(1000, of: ":1.1")
    for _ in 1...70 { gate.leave(":1.1") }
    #expect(admissions(64, of: ":1.1").allSatisfy { $0 == .pass })
    #expect((1...64).allSatisfy { _ in gate.keepsCall(of: ":1.1") })
  }

  @Test("A connection of its own that ends takes its open calls with it")
  func ended() {
    gate.learn(0, of: "root.1")
    _ = admissions(3, of: "root.1")
    gate.forgetAll(of: "root.1")
    #expect(gate.isEmpty)
    gate.leave("root.1")
    #expect(gate.isEmpty && gate.user(of: "root.1") == nil)
  }

  @Test("It is empty once every call that it let in is answered")
  func emptiness() {
    #expect(gate.isEmpty)
    _ = admissions(4, of: ":1.1")
    #expect(!gate.isEmpty)
    for _ in 1...3 { gate.leave(":1.1") }
    gate.learn(1000, of: ":1.1")
    #expect(!gate.isEmpty)
    gate.leave(":1.1")
    #expect(gate.isEmpty)
  }

  @Test("What was learned of a connection stays: the bus never gives a name twice")
  func learnedOnce() {
    gate.learn(1000, of: ":1.1")
    gate.learn(0, of: ":1.1")
    #expect(gate.user(of: ":1.1") == 1000)
  }

  @Test("Busy is said 64 times a second, then calls are dropped; the next second it is said again")
  func dropped() {
    gate.learn(1000, of: ":1.1")
    _ = admissions(64, of: ":1.1")
    #expect(admissions(64, of: ":1.1").allSatisfy { $0 == .busy })
    #expect(admissions(100, of: ":1.1").allSatisfy { $0 == .drop })
    #expect(gate.admit(":1.1", at: 1) == .busy)
  }

  @Test("Connections that were forgotten for want of room keep the count of their open calls")
  func manyConnections() {
    gate.learn(1000, of: ":1.0")
    _ = admissions(64, of: ":1.0")
    for number in 1...10_000 { gate.learn(2000, of: ":1.\(number)") }
    #expect(gate.user(of: ":1.0") == 1000)
    #expect(gate.admit(":1.0", at: 0) == .busy)
  }
}
