import OfflineAccess
import Passcode
import Testing

@Suite("What a person types")
struct TypedCodeTests {
  private enum Worth: Equatable { case fresh, replayed, wrong }

  /// What `response` is worth to a token that shows 755224 next.
  private func worth(_ response: String, digits: Int = 6, next: UInt64 = 0) throws -> Worth {
    let factor = PasscodeFactor(secret: standardSecret, digits: digits, movement: .counter(next: next))
    return switch try factor.match(response, at: 0, by: HMACPasscode()) {
    case .fresh: .fresh
    case .replayed: .replayed
    case .wrong: .wrong
    }
  }

  @Test(
    "Spaces are read over wherever they stand",
    arguments: ["755224", "755 224", " 755224 ", "7 5 5 2 2 4", "75  52  24"])
  func spaces(_ response: String) throws {
    #expect(try worth(response) == .fresh)
  }

  @Test(
    "Anything but the digits is wrong",
    arguments: [
      "", " ", "75522", "7552240", "0755224", "755224 0", "755-224", "755.224", "755\t224", "755224\n", "+755224",
      "-755224", "0x0b862", "755224a", "a755224", "７５５２２４", "٧٥٥٢٢٤", "𝟕𝟓𝟓𝟐𝟐𝟒", "755\u{a0}224", "755224\u{0}",
      "7\u{301}55224", "1000000755224", "755224755224",
    ])
  func notDigits(_ response: String) throws {
    #expect(try worth(response) == .wrong)
  }

  @Test("Zeros in front belong to the code")
  func leadingZeros() throws {
    // RFC 6238, appendix B: the value at 1111111109 is 07081804.
    let factor = PasscodeFactor(secret: standardSecret, digits: 8, movement: .counter(next: 1_111_111_109 / 30))
    guard case .fresh = try factor.match("07081804", at: 0, by: HMACPasscode()) else {
      Issue.record("refused")
      return
    }
    guard case .wrong = try factor.match("7081804", at: 0, by: HMACPasscode()) else {
      Issue.record("accepted without its zero")
      return
    }
  }

  @Test("A very long response is wrong and nothing overflows")
  func long() throws {
    #expect(try worth(String(repeating: "9", count: 100_000)) == .wrong)
    #expect(try worth("999999999", digits: 9) == .wrong)
  }

  @Test("The right code of another length is wrong", arguments: [7, 8, 9])
  func otherLength(_ digits: Int) throws {
    #expect(try worth("755224", digits: digits) == .wrong)
  }

  @Test("Each code of the appendix is accepted once, in order")
  func once() throws {
    var factor = PasscodeFactor(secret: standardSecret, digits: 6, movement: .counter(next: 0))
    for code in standardCodes {
      guard case .fresh(let spent) = try factor.match(code, at: 0, by: HMACPasscode()) else {
        Issue.record("\(code) is refused")
        return
      }
      guard case .replayed = try spent.match(code, at: 0, by: HMACPasscode()) else {
        Issue.record("\(code) is accepted twice")
        return
      }
      factor = spent
    }
  }

  @Test("A code of another secret is wrong")
  func otherSecret() throws {
    let factor = PasscodeFactor(
      secret: Secret("12345678901234567891".utf8), digits: 6, movement: .counter(next: 0))
    for code in standardCodes {
      guard case .wrong = try factor.match(code, at: 0, by: HMACPasscode()) else {
        Issue.record("\(code) is accepted")
        return
      }
    }
  }
}
