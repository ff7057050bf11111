import CFIDO2
import OfflineAccess

// authenticatorMakeCredential (CTAP 2.1, section 6.1), U2F_REGISTER for keys of U2F.
extension KeyDevice {
  /// Waits for a touch and returns the credential that the key made, once its attestation was found right.
  func register(
    _ holder: KeyHolder, for party: RelyingParty, _ rules: KeyRules, pin: Secret?, within milliseconds: Int64,
    beforeTouch: () -> Void
  ) throws(KeyFault) -> SecurityKeyFactor {
    let way = try abilities.way(rules.policy.verification, registering: true)
    let request = try CredentialRequest(holder, for: party, challenge: try randomBytes(32))
    if way == .sensor, fido_cred_set_uv(request.handle, FIDO_OPT_TRUE) != FIDO_OK { throw .unreliable }
    try withPIN(pin, for: way) { (pin) throws(KeyFault) in
      beforeTouch()
      expectTouch(within: milliseconds)
      try check(fido_dev_make_cred(handle, request.handle, pin))
    }
    if way == .pin, fido_cred_set_uv(request.handle, FIDO_OPT_TRUE) != FIDO_OK { throw .unreliable }
    return try request.credential(party, abilities.identity, rules)
  }
}

/// A credential that is asked for, then held.
private final class CredentialRequest {
  let handle: OpaquePointer

  init(_ holder: KeyHolder, for party: RelyingParty, challenge: [UInt8]) throws(KeyFault) {
    guard let handle = fido_cred_new() else { throw .unreliable }
    self.handle = handle
    let user = party.handle(of: holder.user)
    let display = "\(holder.user.name)@\(holder.machine)"
    // Non-resident, as keys have room for few resident ones: CTAP's default.
    let codes = [
      fido_cred_set_type(handle, COSE_ES256), fido_cred_set_clientdata_hash(handle, challenge, challenge.count),
      fido_cred_set_rp(handle, party.id, "Offline Access on \(holder.machine)"),
      fido_cred_set_user(handle, user, user.count, holder.user.name, display, nil),
    ]
    guard codes.allSatisfy({ $0 == FIDO_OK }) else { throw .unreliable }
  }

  deinit {
    var handle: OpaquePointer? = handle
    fido_cred_free(&handle)
  }

  /// Checks the attestation: by the maker's certificate where the key has one, else by the credential's own key.
  func credential(
    _ party: RelyingParty, _ identity: KeyIdentity, _ rules: KeyRules
  ) throws(KeyFault) -> SecurityKeyFactor {
    let certificate = bytes(fido_cred_x5c_ptr(handle), fido_cred_x5c_len(handle))
    let code = certificate.isEmpty ? fido_cred_verify_self(handle) : fido_cred_verify(handle)
    switch code {
    case FIDO_OK: break
    case FIDO_ERR_INVALID_SIG: throw .refused(.badSignature)
    // The format "none" proves nothing.
    case FIDO_ERR_INVALID_ARGUMENT: throw .refused(.attestationMissing)
    default: throw .unreliable
    }
    // The model that the credential speaks of; the one that the key spoke of before counts for U2F.
    let aaguid = AAGUID(bytes(fido_cred_aaguid_ptr(handle), fido_cred_aaguid_len(handle)))
    let model = KeyIdentity(vendor: identity.vendor, product: identity.product, aaguid: aaguid)
    if let refusal = rules.refusal(of: model) { throw .refused(refusal) }
    if let roots = rules.attestationRoots {
      try AttestationChain(roots: roots).check(certificate, of: aaguid)
    }
    let factor = SecurityKeyFactor(
      relyingParty: party.id, credential: bytes(fido_cred_id_ptr(handle), fido_cred_id_len(handle)),
      publicKey: bytes(fido_cred_pubkey_ptr(handle), fido_cred_pubkey_len(handle)), identity: model,
      counter: fido_cred_sigcount(handle))
    guard let factor else { throw .unreliable }
    return factor
  }

  private func bytes(_ start: UnsafePointer<UInt8>?, _ count: Int) -> [UInt8] {
    Array(UnsafeBufferPointer(start: start, count: start == nil ? 0 : count))
  }
}
