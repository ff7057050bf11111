import CFIDO2
import Foundation
import Testing

@testable import SoftKey

@Suite("A soft key's faults, seen by libfido2")
struct FaultTests {
  /// What libfido2 says to a call and then, if that succeeded, to what it got.
  private struct Outcome: Equatable {
    let call: Int32
    let verdict: Int32?

    init(_ call: Int32, _ verdict: Int32? = nil) { (self.call, self.verdict) = (call, verdict) }
    static let fine = Outcome(FIDO_OK, FIDO_OK)
  }

  /// No answer that libfido2 can use; it waits for one up to its time limit.
  private static let nothing = Outcome(FIDO_ERR_RX)
  private static let forged = Outcome(FIDO_OK, FIDO_ERR_INVALID_SIG)
  private static let wrongData = Outcome(FIDO_OK, FIDO_ERR_INVALID_PARAM)

  /// With FIDO2: making a credential, and an assertion.
  private static func expected(_ fault: Fault) -> (Outcome, Outcome) {
    switch fault {
    case .truncatedReply, .endlessMap: (Outcome(FIDO_ERR_RX_NOT_CBOR), Outcome(FIDO_ERR_RX_NOT_CBOR))
    case .hugeReply, .emptyReply, .silent, .endlessKeepalive, .wrongChannel: (nothing, nothing)
    case .garbageReply: (Outcome(FIDO_ERR_RX_INVALID_CBOR), Outcome(FIDO_ERR_RX_INVALID_CBOR))
    case .errorReply: (Outcome(0x7f), Outcome(0x7f))
    case .slowAnswer: (.fine, .fine)
    case .wrongRelyingParty, .presenceClear: (wrongData, wrongData)
    // To be compared by the caller: whether the person is verified, and the counter.
    case .verificationClear, .counterBack: (.fine, .fine)
    case .badSignature: (forged, forged)
    case .otherCredential: (.fine, forged)
    case .lyingAlgorithm: (Outcome(FIDO_ERR_RX_INVALID_CBOR), .fine)
    case .noAttestation: (Outcome(FIDO_OK, FIDO_ERR_INVALID_ARGUMENT), .fine)
    }
  }

  /// With U2F, where libfido2 has fewer words.
  private static func expectedOfU2F(_ fault: Fault) -> (Outcome, Outcome) {
    switch fault {
    case .truncatedReply, .hugeReply, .emptyReply, .endlessMap, .garbageReply, .silent, .endlessKeepalive,
      .wrongChannel:
      (nothing, nothing)
    case .errorReply: (nothing, Outcome(FIDO_ERR_INTERNAL))
    case .wrongRelyingParty, .badSignature: (forged, forged)
    case .presenceClear: (.fine, wrongData)
    case .otherCredential: (.fine, forged)
    case .slowAnswer, .verificationClear, .counterBack, .lyingAlgorithm, .noAttestation: (.fine, .fine)
    }
  }

  /// - Parameter patience: milliseconds that libfido2 waits for an answer.
  private func plug(
    _ model: SoftKey.Model, _ fault: Fault, patience: Int32 = 5000
  ) throws -> (PluggedKey, id: [UInt8], publicKey: [UInt8]) {
    let plugged = try PluggedKey(model)
    let (id, publicKey) = try plugged.credential(pin: model.pin)
    fido_dev_set_timeout(plugged.device, patience)
    plugged.key.behaviour.fault = fault
    return (plugged, id, publicKey)
  }

  private func check(_ fault: Fault, _ model: SoftKey.Model, _ expected: (Outcome, Outcome)) throws {
    func patience(_ outcome: Outcome) -> Int32 { outcome == Self.nothing ? 300 : 5000 }
    var (plugged, _, _) = try plug(model, fault, patience: patience(expected.0))
    let made = try plugged.make(pin: model.pin) { credential, result in
      Outcome(result, result == FIDO_OK ? attestationResult(credential) : nil)
    }
    #expect(made == expected.0)
    let (id, publicKey): ([UInt8], [UInt8])
    (plugged, id, publicKey) = try plug(model, fault, patience: patience(expected.1))
    let asserted = try plugged.assert([id], pin: model.pin, presence: FIDO_OPT_TRUE) { assertion, result in
      Outcome(result, result == FIDO_OK ? try assertionResult(assertion, publicKey) : nil)
    }
    #expect(asserted == expected.1)
  }

  @Test("With FIDO2 each is refused where libfido2 can see it", arguments: Fault.allCases)
  func fido2(_ fault: Fault) throws {
    try check(fault, SoftKey.Model(speaksU2F: false, pin: "1234"), Self.expected(fault))
  }

  @Test("With U2F as well", arguments: Fault.allCases)
  func u2f(_ fault: Fault) throws {
    try check(fault, SoftKey.Model(speaksFIDO2: false), Self.expectedOfU2F(fault))
  }

  @Test("What libfido2 does not see is in the data all the same")
  func silently() throws {
    let (cleared, id, _) = try plug(SoftKey.Model(pin: "1234"), .verificationClear)
    try cleared.assert([id], pin: "1234") { assertion, _ in #expect(fido_assert_flags(assertion, 0) == 1) }
    let (back, other, _) = try plug(SoftKey.Model(), .counterBack)
    back.key.counter = 7
    for _ in 0..<2 { try back.assert([other]) { assertion, _ in #expect(fido_assert_sigcount(assertion, 0) == 6) } }
    // Nobody asked for presence, so nobody misses it.
    let (absent, third, publicKey) = try plug(SoftKey.Model(), .presenceClear)
    #expect(try absent.verify(third, publicKey) == FIDO_OK)
  }

  @Test("A fault that is taken away is over, also one that never ends")
  func over() throws {
    let (plugged, id, publicKey) = try plug(SoftKey.Model(), .endlessKeepalive, patience: 300)
    #expect(try plugged.verify(id, publicKey) == FIDO_ERR_RX)
    plugged.key.behaviour.fault = nil
    try waitUntil("it works again") { (try? plugged.verify(id, publicKey)) == FIDO_OK }
  }

  @Test("Answers changed at random never pass for right ones, and the key works on")
  func mutations() throws {
    let plugged = try PluggedKey()
    let (id, publicKey) = try plugged.credential()
    fido_dev_set_timeout(plugged.device, 1000)
    for seed in 0..<300 as Range<UInt64> {
      plugged.key.behaviour.mutation = { payload in
        var numbers = SeededNumbers(seed: seed)
        var changed = payload
        for _ in 0..<Int.random(in: 1...3, using: &numbers) where !changed.isEmpty {
          changed[Int.random(in: 0..<changed.count, using: &numbers)] ^= UInt8(
            1 << Int.random(in: 0..<8, using: &numbers))
        }
        return changed
      }
      try plugged.assert([id], presence: FIDO_OPT_TRUE) { assertion, result in
        guard result == FIDO_OK, try assertionResult(assertion, publicKey) == FIDO_OK else { return }
        // Only what is not signed can have changed.
        #expect(fido_assert_flags(assertion, 0) == 1 && fido_assert_sigcount(assertion, 0) == plugged.key.counter)
      }
    }
    plugged.key.behaviour.mutation = nil
    #expect(try plugged.verify(id, publicKey) == FIDO_OK)
  }
}
