import CFIDO2
import Testing

@testable import SoftKey

@Suite("A soft key's PIN, seen by libfido2")
struct PINTests {
  private func tries(_ plugged: PluggedKey) -> Int32 {
    var tries: Int32 = -1
    #expect(fido_dev_get_retry_count(plugged.device, &tries) == FIDO_OK)
    return tries
  }

  @Test("With the PIN the person is verified; no credential is made without")
  func right() throws {
    let plugged = try PluggedKey(SoftKey.Model(pin: "1234"))
    #expect(try plugged.make { $1 } == FIDO_ERR_PIN_REQUIRED)
    let (id, publicKey) = try plugged.credential(pin: "1234")
    try plugged.assert([id], pin: "1234") { assertion, result in
      #expect(result == FIDO_OK)
      #expect(fido_assert_flags(assertion, 0) == 5)
    }
    #expect(try plugged.verify(id, publicKey, pin: "1234", verification: FIDO_OPT_TRUE) == FIDO_OK)
    try plugged.assert([id]) { assertion, _ in #expect(fido_assert_flags(assertion, 0) == 1) }
  }

  @Test("Three wrong ones in a row need a power cycle, eight are the end")
  func wrong() throws {
    let key = SoftKey(SoftKey.Model(pin: "1234"))
    for round in 0..<3 {
      let plugged = try PluggedKey(key)
      for number in 1...3 where key.pinTries > 0 {
        let result = try plugged.make(pin: "4321") { $1 }
        #expect(tries(plugged) == 8 - Int32(round * 3 + number))
        switch (round, number) {
        case (2, 2): #expect(result == FIDO_ERR_PIN_BLOCKED)
        case (_, 3): #expect(result == FIDO_ERR_PIN_AUTH_BLOCKED)
        default: #expect(result == FIDO_ERR_PIN_INVALID)
        }
      }
      #expect(try plugged.make(pin: "1234") { $1 } == (round == 2 ? FIDO_ERR_PIN_BLOCKED : FIDO_ERR_PIN_AUTH_BLOCKED))
    }
    #expect(try PluggedKey(key).make(pin: "1234") { $1 } == FIDO_ERR_PIN_BLOCKED)
  }

  @Test("The right one gives all tries back")
  func forgiven() throws {
    let plugged = try PluggedKey(SoftKey.Model(pin: "1234"))
    #expect(try plugged.make(pin: "4321") { $1 } == FIDO_ERR_PIN_INVALID)
    #expect(try plugged.make(pin: "1234") { $1 } == FIDO_OK)
    #expect(tries(plugged) == 8)
  }

  @Test("A PIN can be set once, be changed, and has a shortest length")
  func set() throws {
    let plugged = try PluggedKey(SoftKey.Model(minimumPINLength: 6))
    #expect(fido_dev_set_pin(plugged.device, "12345", nil) == FIDO_ERR_PIN_POLICY_VIOLATION)
    #expect(fido_dev_set_pin(plugged.device, "123456", nil) == FIDO_OK)
    #expect(fido_dev_set_pin(plugged.device, "654321", nil) == FIDO_ERR_PIN_AUTH_INVALID)
    #expect(fido_dev_set_pin(plugged.device, "654321", "111111") == FIDO_ERR_PIN_INVALID)
    #expect(fido_dev_set_pin(plugged.device, "654321", "123456") == FIDO_OK)
    #expect(try plugged.make(pin: "654321") { $1 } == FIDO_OK)
  }

  @Test("A key may verify the person by itself, and insist on it")
  func itself() throws {
    let plugged = try PluggedKey(SoftKey.Model(verifiesUserItself: true))
    try plugged.make(verification: FIDO_OPT_TRUE) { credential, result in
      #expect(result == FIDO_OK)
      #expect(fido_cred_flags(credential) & 5 == 5)
    }
    try plugged.make { credential, _ in #expect(fido_cred_flags(credential) & 5 == 1) }
    #expect(try PluggedKey().make(verification: FIDO_OPT_TRUE) { $1 } == FIDO_ERR_UNSUPPORTED_OPTION)
    let strict = try PluggedKey(SoftKey.Model(pin: "1234", alwaysVerifies: true))
    let (id, publicKey) = try strict.credential(pin: "1234")
    #expect(try strict.assert([id]) { $1 } == FIDO_ERR_PIN_REQUIRED)
    #expect(try strict.verify(id, publicKey, pin: "1234", verification: FIDO_OPT_TRUE) == FIDO_OK)
  }

  @Test("An empty proof asks which key the person touches")
  func selection() throws {
    let plugged = try PluggedKey(SoftKey.Model(pin: "1234"))
    plugged.key.behaviour.touch = .byCommand
    #expect(fido_dev_get_touch_begin(plugged.device) == FIDO_OK)
    try waitUntil("it blinks") { plugged.key.isBlinking }
    plugged.key.touch()
    var touched: Int32 = 0
    #expect(fido_dev_get_touch_status(plugged.device, &touched, 5000) == FIDO_OK)
    #expect(touched == 1)
  }
}
