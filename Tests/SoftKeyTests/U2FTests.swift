import CFIDO2
import Foundation
import Testing

@testable import SoftKey

@Suite("A soft key that speaks U2F, seen by libfido2")
struct U2FTests {
  /// A key that knows nothing else, and one that is told to speak U2F.
  private func keys() throws -> [PluggedKey] {
    let keys = [try PluggedKey(SoftKey.Model(speaksFIDO2: false)), try PluggedKey()]
    #expect(!fido_dev_is_fido2(keys[0].device))
    fido_dev_force_u2f(keys[1].device)
    return keys
  }

  @Test("It registers with an attestation and signs")
  func registersAndSigns() throws {
    for plugged in try keys() {
      try plugged.make { credential, result in
        try #require(result == FIDO_OK)
        #expect(String(cString: fido_cred_fmt(credential)) == "fido-u2f")
      }
      let (id, publicKey) = try plugged.credential()
      #expect(try plugged.verify(id, publicKey) == FIDO_OK)
      #expect(try plugged.assert([id], relyingParty: "b.example") { $1 } == FIDO_ERR_NO_CREDENTIALS)
      #expect(plugged.key.counter == 1)
    }
  }

  @Test("It blinks while it is asked again and again, until it is touched")
  func touch() throws {
    for plugged in try keys() {
      let (id, publicKey) = try plugged.credential()
      let key = plugged.key
      for touch: SoftKey.Touch in [.byCommand, .after(milliseconds: 300)] {
        key.behaviour.touch = touch
        if touch == .byCommand {
          Thread.detachNewThread {
            try? waitUntil("it blinks") { key.isBlinking }
            key.touch()
          }
        }
        #expect(try plugged.verify(id, publicKey) == FIDO_OK)
        #expect(!key.isBlinking)
      }
      #expect(key.touches == 3)
    }
  }

  @Test("What FIDO2 made, U2F can sign with")
  func both() throws {
    let plugged = try PluggedKey()
    let (id, publicKey) = try plugged.credential()
    fido_dev_force_u2f(plugged.device)
    #expect(try plugged.verify(id, publicKey) == FIDO_OK)
  }
}
