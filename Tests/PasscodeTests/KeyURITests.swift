import Foundation
import OfflineAccess
import Passcode
import Testing

@Suite("Key URI")
struct KeyURITests {
  private static func factor(_ movement: PasscodeFactor.Movement = .time(.init(period: 30)), digits: Int = 6)
    -> PasscodeFactor
  {
    PasscodeFactor(secret: standardSecret, digits: digits, movement: movement)
  }

  @Test("The example of the format's description is written as there")
  func example() {
    let secret = Secret([
      0x3d, 0xc6, 0xca, 0xa4, 0x82, 0x4a, 0x6d, 0x28, 0x87, 0x67, 0xb2, 0x33, 0x1e, 0x20, 0xb4, 0x31, 0x66, 0xcb,
      0x85, 0xd9,
    ])
    let uri = KeyURI(
      issuer: "ACME Co", account: "john.doe@email.com",
      factor: PasscodeFactor(secret: secret, digits: 6, movement: .time(.init(period: 30))))
    #expect(
      uri.text == "otpauth://totp/ACME%20Co:john.doe@email.com?secret=HXDMVJECJJWSRB3HWIZR4IFUGFTMXBOZ"
        + "&issuer=ACME%20Co&algorithm=SHA1&digits=6&period=30")
  }

  @Test(
    "Any name comes back whole to who decodes it",
    arguments: [
      "Offline Access", "Müller & Söhne", "100 %", "a/b?c#d", "x=1&secret=AAAA", "plus+plus", "emoji 🔑", "ÅÅ", "%41",
      "\"quoted\"", "semi;colon", "back\\slash", "~tilde-._", "日本", "a@b",
    ])
  func names(_ name: String) throws {
    let uri = KeyURI(issuer: name, account: "alice@\(name)", factor: Self.factor()).text
    let allowed = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/?=&%@")
    #expect(uri.allSatisfy(allowed.contains))
    let parts = try #require(URLComponents(string: uri))
    #expect(parts.scheme == "otpauth")
    #expect(parts.host == "totp")
    #expect(parts.path == "/\(name):alice@\(name)")
    #expect(parts.fragment == nil)
    // Exactly one colon parts issuer and account.
    #expect(parts.percentEncodedPath.count { $0 == ":" } == 1)
    let items = try #require(parts.queryItems)
    #expect(items.map(\.name) == ["secret", "issuer", "algorithm", "digits", "period"])
    #expect(items.map(\.value) == ["GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", name, "SHA1", "6", "30"])
  }

  @Test("A colon in a name is escaped, so that it parts nothing")
  func colon() throws {
    let uri = KeyURI(issuer: "a:b", account: "c:d", factor: Self.factor()).text
    #expect(uri.hasPrefix("otpauth://totp/a%3Ab:c%3Ad?"))
  }

  @Test("The secret decodes to the factor's bytes")
  func secret() throws {
    let uri = KeyURI(issuer: "i", account: "a", factor: Self.factor())
    #expect(try Base32Tests.decode(uri.encodedSecret) == Array("12345678901234567890".utf8))
  }

  @Test(
    "By time the period is told, by counter the next counter",
    arguments: [
      (.time(.init(period: 60)), "totp", "period", "60"), (.counter(next: 0), "hotp", "counter", "0"),
      (.counter(next: .max), "hotp", "counter", "18446744073709551615"),
    ] as [(PasscodeFactor.Movement, String, String, String)])
  func movement(_ movement: PasscodeFactor.Movement, _ host: String, _ key: String, _ value: String) throws {
    let parts = try #require(
      URLComponents(string: KeyURI(issuer: "i", account: "a", factor: Self.factor(movement, digits: 8)).text))
    #expect(parts.host == host)
    let items = try #require(parts.queryItems)
    #expect(items.first { $0.name == key }?.value == value)
    #expect(items.first { $0.name == "digits" }?.value == "8")
    #expect(items.contains { $0.name == "period" } != items.contains { $0.name == "counter" })
  }
}
