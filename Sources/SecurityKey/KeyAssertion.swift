import CCrypto
import CFIDO2
import OfflineAccess

// authenticatorGetAssertion (CTAP 2.1, section 6.2), U2F_AUTHENTICATE for keys of U2F.
extension KeyDevice {
  /// Bytes of a challenge.
  private static var challengeLength: Int { 32 }

  /// Whether this key holds the credential of `factor`; needs no touch.
  func holds(_ factor: SecurityKeyFactor) throws(KeyFault) -> Bool {
    expectAnswer()
    let request = try AssertionRequest(factor, challenge: try randomBytes(Self.challengeLength))
    guard fido_assert_set_up(request.handle, FIDO_OPT_FALSE) == FIDO_OK else { throw .unreliable }
    let code = fido_dev_get_assert(handle, request.handle, nil)
    switch code {
    // A U2F key says by this that it would need a touch to sign, so it can.
    case FIDO_OK, FIDO_ERR_USER_PRESENCE_REQUIRED: return true
    // What libfido2 makes of a U2F key that knows none of the credentials.
    case FIDO_ERR_CREDENTIAL_EXCLUDED: return false
    default:
      let fault = KeyFault(code: code, channel: channel)
      guard fault == .absent else { throw fault }
      return false
    }
  }

  /// Waits for a touch and returns what the key signed, once that was found right.
  func prove(
    _ factor: SecurityKeyFactor, _ rules: KeyRules, pin: Secret?, within milliseconds: Int64,
    beforeTouch: () -> Void
  ) throws(KeyFault) -> KeyProof {
    let way = try abilities.way(rules.policy.verification, registering: false)
    let request = try AssertionRequest(factor, challenge: try randomBytes(Self.challengeLength))
    if way == .sensor, fido_assert_set_uv(request.handle, FIDO_OPT_TRUE) != FIDO_OK { throw .unreliable }
    try withPIN(pin, for: way) { (pin) throws(KeyFault) in
      beforeTouch()
      expectTouch(within: milliseconds)
      try check(fido_dev_get_assert(handle, request.handle, pin))
    }
    return try request.verify(factor, isUserVerified: way != .touchAlone, channel)
  }
}

/// An assertion that is asked for, then held.
private final class AssertionRequest {
  let handle: OpaquePointer

  init(_ factor: SecurityKeyFactor, challenge: [UInt8]) throws(KeyFault) {
    guard let handle = fido_assert_new() else { throw .unreliable }
    self.handle = handle
    guard fido_assert_set_rp(handle, factor.relyingParty) == FIDO_OK,
      fido_assert_set_clientdata_hash(handle, challenge, challenge.count) == FIDO_OK,
      fido_assert_allow_cred(handle, factor.credential, factor.credential.count) == FIDO_OK
    else { throw .unreliable }
  }

  deinit {
    var handle: OpaquePointer? = handle
    fido_assert_free(&handle)
  }

  /// Checks that what came is a signature of `factor`'s key over our challenge, for our relying party, with the
  /// user present. libfido2 does not look at the counter; the domain does.
  func verify(_ factor: SecurityKeyFactor, isUserVerified: Bool, _ channel: KeyChannel) throws(KeyFault) -> KeyProof {
    guard fido_assert_count(handle) == 1 else { throw .unreliable }
    let credential = UnsafeBufferPointer(start: fido_assert_id_ptr(handle, 0), count: fido_assert_id_len(handle, 0))
    // A key may leave the credential out where it was asked for one only.
    guard credential.isEmpty || credential.elementsEqual(factor.credential) else { throw .refused(.badSignature) }
    var key = es256_pk_new()
    defer { es256_pk_free(&key) }
    guard let key, es256_pk_from_ptr(key, factor.publicKey, factor.publicKey.count) == FIDO_OK,
      fido_assert_set_up(handle, FIDO_OPT_TRUE) == FIDO_OK,
      fido_assert_set_uv(handle, isUserVerified ? FIDO_OPT_TRUE : FIDO_OPT_OMIT) == FIDO_OK
    else { throw .unreliable }
    let code = fido_assert_verify(handle, 0, COSE_ES256, UnsafeRawPointer(key))
    guard code == FIDO_OK else { throw code == FIDO_ERR_INVALID_SIG ? .refused(.badSignature) : .unreliable }
    return KeyProof(credential: factor.credential, counter: fido_assert_sigcount(handle, 0))
  }
}

/// Random bytes of OpenSSL.
func randomBytes(_ count: Int) throws(KeyFault) -> [UInt8] {
  var bytes = [UInt8](repeating: 0, count: count)
  guard RAND_bytes(&bytes, Int32(count)) == 1 else { throw .refused(.noRandomness) }
  return bytes
}
