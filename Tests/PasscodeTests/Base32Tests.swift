import OfflineAccess
import Passcode
import Testing

@Suite("Base 32")
struct Base32Tests {
  @Test(
    "RFC 4648, section 10: the examples, without padding",
    arguments: [
      ("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foob", "MZXW6YQ"), ("fooba", "MZXW6YTB"),
      ("foobar", "MZXW6YTBOI"),
    ])
  func standard(_ text: String, _ encoded: String) {
    #expect(Base32.encode(text.utf8) == encoded)
  }

  @Test("All bits of every length come back", arguments: 1...40)
  func decoded(_ count: Int) throws {
    let bytes = try randomSecret(count: count).withBytes { Array($0) }
    #expect(try Self.decode(Base32.encode(bytes)) == bytes)
    #expect(Base32.encode([UInt8](repeating: 0xff, count: count)).count == (count * 8 + 4) / 5)
  }

  @Test(
    "Groups of four stand for typing, and a shorter one at the end",
    arguments: [
      ("", ""), ("A", "A"), ("ABCD", "ABCD"), ("ABCDE", "ABCD E"), ("ABCDEFGH", "ABCD EFGH"),
      ("ABCDEFGHJ", "ABCD EFGH J"),
    ])
  func grouped(_ text: String, _ expected: String) {
    #expect(Base32.grouped(text) == expected)
  }

  /// A decoder by strings of bits, as the alphabet of section 6 reads.
  static func decode(_ text: String) throws -> [UInt8] {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
    let bits = try text.map { character in
      let digits = String(try #require(alphabet.firstIndex(of: character)), radix: 2)
      return String(repeating: "0", count: 5 - digits.count) + digits
    }.joined()
    var rest = Substring(bits)
    var bytes: [UInt8] = []
    while rest.count >= 8 {
      bytes.append(try #require(UInt8(rest.prefix(8), radix: 2)))
      rest = rest.dropFirst(8)
    }
    #expect(rest.allSatisfy { $0 == "0" })
    return bytes
  }
}
