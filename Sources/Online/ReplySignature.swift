import CCrypto

/// Checks privacyIDEA's signatures: `rsa_sha256_pss:` and hex, over the reply without its member `signature`.
struct ReplySignature: ~Copyable {
  private static let form = "rsa_sha256_pss:"
  private let key: OpaquePointer

  /// - Parameter pem: a public key; nil comes back when it is none of RSA.
  init?(pem: [UInt8]) {
    guard let input = BIO_new_mem_buf(pem, Int32(clamping: pem.count)) else { return nil }
    defer {
      BIO_free(input)
      ERR_clear_error()
    }
    guard let key = PEM_read_bio_PUBKEY(input, nil, nil, nil) else { return nil }
    // 2,048 bits are privacyIDEA's own keys; fewer are no longer a signature (NIST SP 800-131A).
    guard EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA, EVP_PKEY_get_bits(key) >= 2048 else {
      EVP_PKEY_free(key)
      return nil
    }
    self.key = key
  }

  deinit { EVP_PKEY_free(key) }

  /// Whether `reply` was made by the key's holder for the request with `nonce`.
  func isRight(_ reply: JSON, nonce: String) -> Bool {
    guard case .object(var members) = reply, members["nonce"]?.text == nonce,
      let text = members.removeValue(forKey: "signature")?.text, text.hasPrefix(Self.form),
      let signature = bytes(hex: text.dropFirst(Self.form.count))
    else { return false }
    return verifies(signature, JSON.object(members).asPythonWrites)
  }

  /// RSASSA-PSS with SHA-256 for both hashes (RFC 8017, section 8.1.2); the salt may have any length.
  func verifies(_ signature: [UInt8], _ message: [UInt8]) -> Bool {
    guard let context = EVP_MD_CTX_new() else { return false }
    defer {
      EVP_MD_CTX_free(context)
      ERR_clear_error()
    }
    var parameters: OpaquePointer?
    return EVP_DigestVerifyInit(context, &parameters, EVP_sha256(), nil, key) == 1
      && EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1
      && EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_AUTO) == 1
      && EVP_PKEY_CTX_set_rsa_mgf1_md(parameters, EVP_sha256()) == 1
      && EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
  }
}
