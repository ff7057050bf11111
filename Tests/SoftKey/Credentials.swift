/// The wrapped private keys that are credential ids and U2F's key handles.
extension SoftKey {
  struct Credential {
    let id: [UInt8]
    let pair: KeyPair
  }

  func newCredential(_ relyingParty: [UInt8]) -> Credential {
    let pair = KeyPair()
    return Credential(id: Wrap.wrap(pair.scalar, key: master, context: relyingParty), pair: pair)
  }

  /// The credential, if it is this key's and for the relying party with that hash.
  func knownCredential(_ id: [UInt8], _ relyingParty: [UInt8]) -> Credential? {
    Wrap.unwrap(id, key: master, context: relyingParty).map { Credential(id: id, pair: KeyPair(scalar: $0)) }
  }

  /// A signature, unless the fault wants one of other data.
  func signature(_ pair: KeyPair, _ message: [UInt8], _ fault: Fault?) -> [UInt8] {
    pair.signature(fault == .badSignature ? message + [0] : message)
  }

  /// The hash of the relying party, unless the fault wants another.
  func told(_ relyingParty: [UInt8], _ fault: Fault?) -> [UInt8] {
    fault == .wrongRelyingParty ? sha256(Array("elsewhere.example".utf8)) : relyingParty
  }
}
