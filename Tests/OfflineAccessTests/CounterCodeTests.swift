import OfflineAccess
import Testing

@Suite("Passcodes by counter")
struct CounterCodeTests {
  private func laptop(next: UInt64 = 100) -> Laptop { Laptop(Device(movement: .counter(next: next))) }

  @Test("The expected counter and ten beyond are accepted", arguments: 0...10)
  func lookAhead(_ offset: Int64) {
    #expect(laptop().refusal(Device.token.code(100 + offset)) == nil)
  }

  @Test("The eleventh beyond is wrong")
  func tooFar() {
    let laptop = laptop()
    #expect(laptop.refusal(Device.token.code(111)) == .badResponse)
    #expect(laptop.state.enrollment?.failures.count == 1)
  }

  @Test("An accepted counter spends itself and those before it", arguments: [0, 1, 7, 10] as [Int64])
  func spends(_ offset: Int64) {
    let laptop = laptop()
    #expect(laptop.refusal(Device.token.code(100 + offset)) == nil)
    for spent in 91 + offset...100 + offset { #expect(laptop.refusal(Device.token.code(spent)) == .responseReplayed) }
    #expect(laptop.refusal(Device.token.code(100 + offset + 1)) == nil)
  }

  @Test("The window moves with the counter, not with the tries")
  func window() {
    let laptop = laptop()
    for _ in 1...4 { #expect(laptop.refusal(Device.token.code(111)) == .badResponse) }
    #expect(laptop.refusal(Device.token.code(110)) == nil)
    #expect(laptop.refusal(Device.token.code(122)) == .badResponse)
    #expect(laptop.refusal(Device.token.code(121)) == nil)
  }

  @Test("The first codes of a new token are accepted", arguments: 0...10)
  func newToken(_ counter: Int64) {
    #expect(Laptop().refusal(Device.token.code(counter)) == nil)
  }

  @Test("Counters have no end that could be stepped over", arguments: [0, 1, 10, 11, 12] as [UInt64])
  func largest(_ distance: UInt64) throws {
    let next = UInt64.max - distance
    let laptop = laptop(next: next)
    for counter in [next, .max] {
      let tail = String(counter % 10_000)
      laptop.refusal("01" + String(repeating: "0", count: 4 - tail.count) + tail)
    }
    guard case .passcode(let factor) = laptop.state.enrollment?.factor, case .counter(let after) = factor.movement
    else {
      Issue.record("no counter left")
      return
    }
    #expect(after >= next)
  }

  @Test("The wall clock does not matter", arguments: [0, 1, 4_102_444_800, 253_402_300_799] as [Int64])
  func clock(_ clock: Int64) {
    let laptop = laptop()
    laptop.clock = clock
    #expect(laptop.refusal(Device.token.code(100)) == nil)
  }
}
