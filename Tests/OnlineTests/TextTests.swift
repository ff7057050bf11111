import Testing

@testable import Online

@Suite("Encodings and digests, by published vectors")
struct TextTests {
  @Test("base 64: RFC 4648, section 10")
  func base64s() {
    let vectors = ["": "", "f": "Zg==", "fo": "Zm8=", "foo": "Zm9v", "foob": "Zm9vYg==", "foobar": "Zm9vYmFy"]
    for (text, encoded) in vectors { #expect(base64(Array(text.utf8)) == encoded) }
  }

  @Test("hex is read back, and nothing else is hex")
  func hexes() {
    #expect(bytes(hex: hex([0, 15, 240, 255])) == [0, 15, 240, 255])
    for text in ["0", "0g", "é0", "+1"] { #expect(bytes(hex: text) == nil) }
  }

  @Test("forms are sorted, and all but unreserved characters are escaped")
  func forms() {
    let form = formEncoded(["user": Array("a b+ü&~".utf8), "pass": [0, 255]])
    #expect(String(decoding: form, as: UTF8.self) == "pass=%00%FF&user=a%20b%2B%C3%BC%26~")
  }

  @Test("MD5: RFC 1321, appendix A.5; HMAC-MD5: RFC 2202, section 2; HMAC-SHA-512: RFC 4231, section 4.3")
  func digests() throws {
    #expect(hex(try #require(Digest.md5.of(Array("message digest".utf8)))) == "f96b697d7cb7938d525a2f31aaf161d0")
    let message = Array("what do ya want for nothing?".utf8)
    let md5 = try #require(Digest.md5.authentication(of: message, key: Array("Jefe".utf8)))
    #expect(hex(md5) == "750c783e6ab0b503eaa86e310a5db738")
    let sha512 = try #require(Digest.sha512.authentication(of: message, key: Array("Jefe".utf8)))
    #expect(
      hex(sha512)
        == "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fd"
        + "caeab1a34d4a6b4b636e070a38bce737")
  }

  @Test("authenticators are the same or not, whatever their lengths")
  func same() {
    #expect(isSame([1, 2], [1, 2]))
    #expect(!isSame([1, 2], [1, 3]))
    #expect(!isSame([1, 2], [1]))
    #expect(isSame([UInt8](), [UInt8]()))
  }
}
