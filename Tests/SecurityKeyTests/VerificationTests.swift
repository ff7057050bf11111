import OfflineAccess
import SoftKey
import Testing

@testable import SecurityKey

@Suite("PIN and user verification")
struct VerificationTests {
  private static func policy(_ verification: SecurityKeyPolicy.Verification) -> SecurityKeyPolicy {
    var policy = SecurityKeyPolicy()
    policy.verification = verification
    return policy
  }
  private static let required = policy(.required)
  private static let preferred = policy(.preferred)

  /// A key with a PIN, set up under a policy that wants it.
  private func keyWithPIN(_ pin: String = "1234") async throws -> (SoftKey, Desk, SecurityKeyFactor) {
    let key = SoftKey(SoftKey.Model(pin: pin))
    let desk = Desk(key)
    let factor = try await desk.register(desk.request(Self.required, pin: pin))
    return (key, desk, factor)
  }

  @Test("Where verification is required a key without PIN or sensor is refused, a U2F key too")
  func unable() async throws {
    for model in [SoftKey.Model(), SoftKey.Model(speaksFIDO2: false)] {
      let desk = Desk(SoftKey(model))
      let refusal = await desk.refusalToRegister(desk.request(Self.required))
      #expect(refusal?.reason == .securityKeyRefused)
      #expect(refusal?.sentence.contains("PIN") == true)
      let factor = try await desk.register()
      #expect(await desk.refusal(factor, desk.request(Self.required))?.reason == .securityKeyRefused)
    }
  }

  @Test("The PIN is asked for before anything blinks, and proves with a touch", arguments: [required, preferred])
  func asksForPIN(_ policy: SecurityKeyPolicy) async throws {
    let (key, desk, factor) = try await keyWithPIN()
    let (told, touches) = (desk.told.count, key.touches)
    #expect(await desk.refusal(factor, desk.request(policy))?.reason == .pinRequired)
    #expect(desk.told.dropFirst(told) == [.pinNeeded])
    #expect(key.touches == touches && key.pinTries == 8)
    #expect(await desk.refusal(factor, desk.request(policy, pin: "1234")) == nil)
  }

  @Test("A key with a PIN makes no credential without it, whatever the policy")
  func registering() async throws {
    let key = SoftKey(SoftKey.Model(pin: "1234"))
    let desk = Desk(key)
    #expect(await desk.refusalToRegister()?.reason == .pinRequired)
    let factor = try await desk.register(desk.request(pin: "1234"))
    // Where the policy does not ask for it, a login needs the touch alone.
    #expect(await desk.refusal(factor) == nil)
  }

  @Test("A preferred verification is left out where the key has none")
  func preferredWithoutMeans() async throws {
    let desk = Desk(SoftKey())
    let factor = try await desk.register(desk.request(Self.preferred))
    #expect(await desk.refusal(factor, desk.request(Self.preferred)) == nil)
  }

  @Test("A key that verifies by itself needs no PIN")
  func sensor() async throws {
    let desk = Desk(SoftKey(SoftKey.Model(pin: "1234", verifiesUserItself: true)))
    let factor = try await desk.register(desk.request(Self.required))
    #expect(await desk.refusal(factor, desk.request(Self.required)) == nil)
  }

  @Test("A key that always verifies is asked for its PIN although the policy does not want it")
  func always() async throws {
    let desk = Desk(SoftKey(SoftKey.Model(pin: "1234", alwaysVerifies: true)))
    let factor = try await desk.register(desk.request(pin: "1234"))
    #expect(await desk.refusal(factor)?.reason == .pinRequired)
    let refusal = await desk.refusal(factor, desk.request(pin: "1234"))
    #expect(refusal == nil, "\(String(describing: refusal))")
  }

  @Test("A wrong PIN is told with the tries that the key has left; the last three are never used")
  func triesLeft() async throws {
    let (key, desk, factor) = try await keyWithPIN()
    var sentences: [String] = []
    for _ in 0..<12 {
      let refusal = await desk.refusal(factor, desk.request(Self.required, pin: "4321"))
      sentences.append("\(refusal?.reason.rawValue ?? "") \(refusal?.sentence ?? "")")
      // Three wrong ones in a row stop the key until it is plugged in again.
      if refusal?.sentence.contains("Pull it out") == true {
        desk.ports.unplug()
        desk.ports.plug(key)
      }
    }
    #expect(key.pinTries == 3)
    #expect(sentences.first?.hasPrefix("BadPin") == true)
    #expect(sentences.first?.contains("7 tries left") == true)
    #expect(sentences.last?.hasPrefix("PinLocked") == true)
    #expect(sentences.last?.contains("only 3 tries") == true)
    // Nor for the right one: that is for its owner to do elsewhere.
    #expect(await desk.refusal(factor, desk.request(Self.required, pin: "1234"))?.reason == .pinLocked)
    #expect(key.pinTries == 3)
  }

  @Test(
    "What cannot be a PIN never reaches the key",
    arguments: ["", "123", "äö1", String(repeating: "a", count: 64), "1234\u{0}", String(repeating: "ä", count: 32)])
  func impossiblePIN(_ typed: String) async throws {
    let (key, desk, factor) = try await keyWithPIN()
    let requests = key.requests
    #expect(await desk.refusal(factor, desk.request(Self.required, pin: typed))?.reason == .badPin)
    #expect(key.pinTries == 8)
    // Opening, information, look, tries: never a PIN.
    #expect(key.requests - requests < 6)
  }

  @Test("A PIN of the key's own least length is asked for")
  func leastLength() async throws {
    let key = SoftKey(SoftKey.Model(pin: "12345678", minimumPINLength: 8))
    let desk = Desk(key)
    #expect(await desk.refusalToRegister(desk.request(pin: "1234567"))?.reason == .badPin)
    #expect(key.pinTries == 8)
    _ = try await desk.register(desk.request(pin: "12345678"))
  }

  @Test("A PIN is never shown to several keys")
  func severalPINs() async throws {
    let keys = [SoftKey(SoftKey.Model(pin: "1234")), SoftKey(SoftKey.Model(pin: "5678"))]
    let desk = Desk(keys[0], keys[1])
    let refusal = await desk.refusalToRegister(desk.request(pin: "1234"))
    #expect(refusal?.reason == .wrongSecurityKey)
    #expect(refusal?.sentence.contains("Leave only the one") == true)
    #expect(keys.allSatisfy { $0.pinTries == 8 })
  }
}
