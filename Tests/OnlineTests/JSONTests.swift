import Testing

@testable import Online

@Suite("JSON, strictly")
struct JSONTests {
  @Test("what Python wrote comes out as Python writes it, sorted")
  func canonical() throws {
    // python3 -c 'import json; print(json.dumps({...}, sort_keys=True))'
    let text =
      #"{"b": [1, -2.50, 1e+22, true, false, null], "a": {"\u00e9": "\"\\\/\b\f\n\r\t\u007f", "z": {}}, "": []}"#
    let sorted =
      #"{"": [], "a": {"z": {}, "\u00e9": "\"\\/\b\f\n\r\t\u007f"}, "b": [1, -2.50, 1e+22, true, false, null]}"#
    let value = try #require(JSON(Array(text.utf8)))
    #expect(String(decoding: value.asPythonWrites, as: UTF8.self) == sorted)
  }

  @Test("characters beyond 16 bits are two escapes, and names are sorted by code point, not by UTF-16")
  func surrogates() throws {
    let value = try #require(JSON(Array(#"{"\ud83d\ude00": "😀", "\uffee": 1}"#.utf8)))
    #expect(String(decoding: value.asPythonWrites, as: UTF8.self) == #"{"\uffee": 1, "\ud83d\ude00": "\ud83d\ude00"}"#)
  }

  @Test(
    "values of RFC 8259 are taken",
    arguments: ["0", "-0", "1.5E-3", " [ ] ", "\"\"", "null", "[[[]]]", "{\"a\":{\"a\":1}}", "\t\r\n true"])
  func taken(_ text: String) { #expect(JSON(Array(text.utf8)) != nil) }

  @Test(
    "everything else is refused",
    arguments: [
      "", " ", "01", "+1", "1.", ".5", "1e", "-", "NaN", "Infinity", "tru", "nulll", "'a'", "[1,]", "[,]", "[1 2]",
      "{\"a\"}", "{\"a\":1,}", "{a:1}", "{\"a\":1,\"a\":1}", "{\"a\":1,\"\\u0061\":1}", "\"\u{1}\"", "\"\\x\"",
      "\"\\u12\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"", "[", "{", "[]]", "1 2", "\u{feff}1",
      "// no\n1",
    ])
  func refused(_ text: String) { #expect(JSON(Array(text.utf8)) == nil) }

  @Test("what is no UTF-8 is refused, also inside a string")
  func notText() {
    for bytes in [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xe2, 0x82]] as [[UInt8]] {
      #expect(JSON([0x22] + bytes + [0x22]) == nil)
    }
  }

  @Test("depth is bounded, so a reply of brackets overflows no stack")
  func depth() {
    func nested(_ depth: Int) -> [UInt8] {
      [UInt8](repeating: UInt8(ascii: "["), count: depth) + [UInt8](repeating: UInt8(ascii: "]"), count: depth)
    }
    #expect(JSON(nested(33)) != nil)
    #expect(JSON(nested(34)) == nil)
    #expect(JSON([UInt8](repeating: UInt8(ascii: "["), count: 200_000)) == nil)
  }
}
