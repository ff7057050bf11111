import CFIDO2
import Foundation
import Testing

@testable import SoftKey

@Suite("A soft key that speaks FIDO2, seen by libfido2")
struct FIDO2Tests {
  @Test("It makes credentials and signs with them, whatever its attestation", arguments: SoftKey.Attestation.allCases)
  func makesAndSigns(_ attestation: SoftKey.Attestation) throws {
    let plugged = try PluggedKey(SoftKey.Model(attestation: attestation))
    #expect(fido_dev_is_fido2(plugged.device))
    let (id, publicKey): ([UInt8], [UInt8]) = try plugged.make { credential, result in
      try #require(result == FIDO_OK)
      let format = String(cString: fido_cred_fmt(credential))
      #expect(format == (attestation == .none ? "none" : "packed"))
      #expect((fido_cred_x5c_len(credential) > 0) == (attestation == .batch))
      #expect(attestationResult(credential) == (attestation == .none ? FIDO_ERR_INVALID_ARGUMENT : FIDO_OK))
      #expect(fido_cred_aaguid_ptr(credential)?[0] == 0xf8)
      return (
        Array(UnsafeBufferPointer(start: fido_cred_id_ptr(credential), count: fido_cred_id_len(credential))),
        Array(UnsafeBufferPointer(start: fido_cred_pubkey_ptr(credential), count: fido_cred_pubkey_len(credential)))
      )
    }
    #expect(try plugged.verify(id, publicKey) == FIDO_OK)
    #expect(plugged.key.touches == 2)
  }

  @Test("It tells what it is and can")
  func information() throws {
    let plugged = try PluggedKey(SoftKey.Model(pin: "1234", verifiesUserItself: true))
    var information = fido_cbor_info_new()
    defer { fido_cbor_info_free(&information) }
    try #require(fido_dev_get_cbor_info(plugged.device, information) == FIDO_OK)
    let aaguid = UnsafeBufferPointer(start: fido_cbor_info_aaguid_ptr(information), count: 16)
    #expect(Array(aaguid) == plugged.key.model.aaguid)
    #expect(fido_cbor_info_maxmsgsiz(information) == 1200)
    #expect(fido_dev_has_pin(plugged.device) && fido_dev_supports_pin(plugged.device))
    #expect(fido_dev_has_uv(plugged.device))
  }

  @Test("A credential is of one key and one relying party")
  func bound() throws {
    let (plugged, other) = (try PluggedKey(), try PluggedKey())
    let (id, _) = try plugged.credential()
    #expect(try plugged.assert([id], relyingParty: "b.example") { $1 } == FIDO_ERR_NO_CREDENTIALS)
    #expect(try other.assert([id]) { $1 } == FIDO_ERR_NO_CREDENTIALS)
    #expect(try plugged.assert([[1, 2, 3]]) { $1 } == FIDO_ERR_NO_CREDENTIALS)
    #expect(try plugged.assert([]) { $1 } == FIDO_ERR_NO_CREDENTIALS)
  }

  @Test("Asked without a touch it tells whether it knows a credential")
  func preflight() throws {
    let (plugged, other) = (try PluggedKey(), try PluggedKey())
    let (id, _) = try plugged.credential()
    for key in [plugged, other] { key.key.behaviour.touch = .never }
    try plugged.assert([[9], id], presence: FIDO_OPT_FALSE) { assertion, result in
      #expect(result == FIDO_OK)
      #expect(fido_assert_flags(assertion, 0) & 1 == 0)
      #expect(Array(UnsafeBufferPointer(start: fido_assert_id_ptr(assertion, 0), count: id.count)) == id)
    }
    #expect(try other.assert([id], presence: FIDO_OPT_FALSE) { $1 } == FIDO_ERR_NO_CREDENTIALS)
  }

  @Test("It makes no second credential where one is excluded")
  func excluded() throws {
    let plugged = try PluggedKey()
    let (id, _) = try plugged.credential()
    #expect(try plugged.make(excluding: [[7], id]) { $1 } == FIDO_ERR_CREDENTIAL_EXCLUDED)
    #expect(try plugged.make(relyingParty: "b.example", excluding: [id]) { $1 } == FIDO_OK)
  }

  @Test("It counts its signatures, or says 0", arguments: [true, false])
  func counter(_ counts: Bool) throws {
    let plugged = try PluggedKey(SoftKey.Model(counts: counts))
    let (id, _) = try plugged.credential()
    let seen = try (0..<3).map { _ in try plugged.assert([id]) { assertion, _ in fido_assert_sigcount(assertion, 0) } }
    #expect(seen == (counts ? [2, 3, 4] : [0, 0, 0]))
    plugged.key.counter = 1
    #expect(try plugged.assert([id]) { assertion, _ in fido_assert_sigcount(assertion, 0) } == (counts ? 2 : 0))
  }

  @Test("It waits for a touch, which may come by command or later")
  func touch() throws {
    let plugged = try PluggedKey()
    plugged.key.touch()  // lost
    plugged.key.behaviour.touch = .after(milliseconds: 300)
    let start = Date()
    let (id, publicKey) = try plugged.credential()
    #expect(Date().timeIntervalSince(start) > 0.25)
    let key = plugged.key
    key.behaviour.touch = .byCommand
    Thread.detachNewThread {
      try? waitUntil("it blinks") { key.isBlinking }
      key.touch()
    }
    #expect(try plugged.verify(id, publicKey) == FIDO_OK)
    #expect(!key.isBlinking && key.touches == 2)
  }

  @Test("Cancelled it answers at once, and works on")
  func cancel() throws {
    let plugged = try PluggedKey()
    let key = plugged.key
    let (id, publicKey) = try plugged.credential()
    key.behaviour.touch = .never
    // Nobody can touch it.
    let device = UInt(bitPattern: plugged.device)
    Thread.detachNewThread {
      try? waitUntil("it blinks") { key.isBlinking }
      key.touch()
      fido_dev_cancel(OpaquePointer(bitPattern: device))
    }
    #expect(try plugged.assert([id]) { $1 } == FIDO_ERR_KEEPALIVE_CANCEL)
    key.behaviour.touch = .atOnce
    #expect(try plugged.verify(id, publicKey) == FIDO_OK)
  }

  @Test("Credentials and counter outlive a power cycle")
  func powerCycle() throws {
    var plugged = try PluggedKey()
    let (id, publicKey) = try plugged.credential()
    plugged = try PluggedKey(plugged.key)
    #expect(try plugged.verify(id, publicKey) == FIDO_OK)
    #expect(plugged.key.counter == 2)
  }
}
