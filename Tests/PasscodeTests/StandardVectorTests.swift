import OfflineAccess
import Passcode
import Testing

/// The secret of the examples in RFC 4226, appendix D, and RFC 6238, appendix B.
let standardSecret = Secret("12345678901234567890".utf8)

/// HOTP values 0 to 9 of that secret (RFC 4226, appendix D).
let standardCodes = [
  "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489",
]

@Suite("Standard vectors")
struct StandardVectorTests {
  @Test("RFC 4226, appendix D: the ten values by counter", arguments: zip(0...9, standardCodes))
  func hotp(_ counter: Int, _ code: String) throws {
    #expect(try HMACPasscode().value(secret: standardSecret, counter: UInt64(counter), digits: 6) == UInt32(code))
  }

  @Test("Many values at once come in the order asked for")
  func many() throws {
    let counters: [UInt64] = [9, 0, 4, 4, 1]
    let values = try HMACPasscode().values(secret: standardSecret, counters: counters, digits: 6)
    #expect(values == [520_489, 755_224, 338_314, 338_314, 287_082])
    #expect(try HMACPasscode().values(secret: standardSecret, counters: [], digits: 6) == [])
  }

  @Test(
    "RFC 6238, appendix B: the values by time with SHA-1 and eight digits",
    arguments: [
      (59, "94287082"), (1_111_111_109, "07081804"), (1_111_111_111, "14050471"), (1_234_567_890, "89005924"),
      (2_000_000_000, "69279037"), (20_000_000_000, "65353130"),
    ] as [(Int64, String)])
  func totp(_ time: Int64, _ code: String) throws {
    #expect(
      try HMACPasscode().value(secret: standardSecret, counter: UInt64(time / 30), digits: 8) == UInt32(code))
    let factor = PasscodeFactor(secret: standardSecret, digits: 8, movement: .time(.init(period: 30)))
    guard case .fresh(let spent) = try factor.match(code, at: time, by: HMACPasscode()) else {
      Issue.record("\(code) is refused")
      return
    }
    guard case .replayed = try spent.match(code, at: time, by: HMACPasscode()) else {
      Issue.record("\(code) is accepted twice")
      return
    }
  }

  @Test(
    "More digits show more of the same number",
    arguments: [(6, 755_224), (7, 4_755_224), (8, 84_755_224), (9, 284_755_224)] as [(Int, UInt32)])
  func digits(_ digits: Int, _ value: UInt32) throws {
    // The whole number of counter 0 is 1284755224 (RFC 4226, appendix D).
    #expect(try HMACPasscode().value(secret: standardSecret, counter: 0, digits: digits) == value)
  }

  @Test("A number of digits that nobody shows is refused", arguments: [-1, 0, 5, 10, 100])
  func unsupportedDigits(_ digits: Int) {
    #expect(throws: Refusal.self) { try HMACPasscode().value(secret: standardSecret, counter: 0, digits: digits) }
  }

  @Test("Calls at the same time do not disturb each other")
  func parallel() async throws {
    try await withThrowingTaskGroup(of: (Int, UInt32).self) { group in
      for index in 0..<200 {
        group.addTask {
          let counter = index % standardCodes.count
          return (counter, try HMACPasscode().value(secret: standardSecret, counter: UInt64(counter), digits: 6))
        }
      }
      for try await (counter, value) in group { #expect(value == UInt32(standardCodes[counter])) }
    }
  }

  @Test("Random secrets have the length asked for and never repeat", arguments: [20, 32])
  func random(_ count: Int) throws {
    let secrets = try (0..<100).map { _ in try randomSecret(count: count).withBytes { Array($0) } }
    #expect(secrets.allSatisfy { $0.count == count })
    #expect(Set(secrets).count == 100)
    // A byte that is the same in all of a hundred secrets was not filled.
    for index in 0..<count { #expect(Set(secrets.map { $0[index] }).count > 1) }
  }
}
