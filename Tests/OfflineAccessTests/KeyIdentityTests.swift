import OfflineAccess
import Testing

@Suite("Naming models of security keys")
struct KeyIdentityTests {
  @Test("An AAGUID is read as it is written, in either case, and nothing else is one")
  func aaguid() throws {
    let text = "f8a011f3-8c0a-4d15-8006-17111f9edc7d"
    let aaguid = try #require(AAGUID(text))
    #expect(aaguid.text == text)
    #expect(AAGUID(text.uppercased()) == aaguid)
    #expect(aaguid.bytes.first == 0xf8 && aaguid.bytes.last == 0x7d)
    for wrong in [
      "", "f8a011f3", "f8a011f38c0a4d15800617111f9edc7d", text + "0", text.replacingOccurrences(of: "f", with: "g"),
      "f8a011f3-8c0a-4d15-800617111f9-edc7d", "00000000-0000-0000-0000-000000000000", " " + text,
    ] { #expect(AAGUID(wrong) == nil, "\(wrong)") }
    #expect(AAGUID([UInt8](repeating: 0, count: 16)) == nil)
    #expect(AAGUID([UInt8](repeating: 1, count: 15)) == nil)
  }

  @Test(
    "A pattern is a product, a vendor or a model, and is written as it was read",
    arguments: ["1050:0407", "1050:*", "f8a011f3-8c0a-4d15-8006-17111f9edc7d", "096e:085a"])
  func pattern(_ text: String) throws { #expect(try #require(KeyPattern(text)).text == text) }

  @Test(
    "Nothing else is a pattern",
    arguments: ["", ":", "*", "*:*", "1050", "1050:", "1050:407", "1050:04071", "105:0407", "10+0:0407", "1050:0407:1"])
  func noPattern(_ text: String) { #expect(KeyPattern(text) == nil) }

  @Test("A pattern matches what it names, and a model only the key that says so")
  func matches() throws {
    let aaguid = try #require(AAGUID("f8a011f3-8c0a-4d15-8006-17111f9edc7d"))
    let key = KeyIdentity(vendor: 0x1050, product: 0x0407, aaguid: aaguid)
    let u2f = KeyIdentity(vendor: 0x1050, product: 0x0407)
    for text in ["1050:0407", "1050:*"] {
      let pattern = try #require(KeyPattern(text))
      #expect(pattern.matches(key) && pattern.matches(u2f))
    }
    #expect(KeyPattern.model(aaguid).matches(key) && !KeyPattern.model(aaguid).matches(u2f))
    #expect(KeyPattern("1050:0408")?.matches(key) == false)
    #expect(KeyPattern("1051:*")?.matches(key) == false)
    #expect(key.usbText == "1050:0407")
  }

  @Test("A refusal goes before an admission, and the administrator before the list")
  func precedence() {
    let catalogue = KeyCatalogue([
      KeyFamily(name: "Good", standing: .allowed, patterns: [.vendor(1)]),
      KeyFamily(name: "Bad", standing: .refused, patterns: [.product(vendor: 1, product: 2)]),
      KeyFamily(name: "Typist", standing: .passwordsOnly, patterns: [.vendor(3)]),
    ])
    let (good, bad, typist) = (
      KeyIdentity(vendor: 1, product: 1), KeyIdentity(vendor: 1, product: 2), KeyIdentity(vendor: 3, product: 3)
    )
    var policy = SecurityKeyPolicy()
    func verdicts() -> [KeyVerdict] { [good, bad, typist].map { catalogue.verdict(on: $0, by: policy) } }
    #expect(verdicts() == [.admitted, .refusedFamily("Bad"), .unlisted])
    policy.allowed = [.vendor(1)]
    #expect(verdicts() == [.admitted, .admitted, .unlisted])
    policy.refused = [.product(vendor: 1, product: 1)]
    #expect(verdicts() == [.refusedHere, .admitted, .unlisted])
    policy.admission = .chosen
    policy.refused = []
    policy.allowed = [.product(vendor: 1, product: 1)]
    #expect(verdicts() == [.admitted, .unlisted, .unlisted])
    policy.admission = .any
    #expect(verdicts() == [.admitted, .admitted, .admitted])
    policy.refused = [.vendor(3)]
    #expect(verdicts() == [.admitted, .admitted, .refusedHere])
    #expect(catalogue.passwordToken(typist)?.name == "Typist")
    #expect(catalogue.passwordToken(good) == nil)
  }
}
