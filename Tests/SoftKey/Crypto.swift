import CCrypto

/// SHA-256.
func sha256(_ bytes: [UInt8]) -> [UInt8] {
  var digest = [UInt8](repeating: 0, count: 32)
  SHA256(bytes, bytes.count, &digest)
  return digest
}

/// HMAC-SHA-256.
func hmac(key: [UInt8], _ bytes: [UInt8]) -> [UInt8] {
  var digest = [UInt8](repeating: 0, count: 32)
  var length: UInt32 = 0
  HMAC(EVP_sha256(), key, Int32(key.count), bytes, bytes.count, &digest, &length)
  return digest
}

func randomBytes(_ count: Int) -> [UInt8] {
  var bytes = [UInt8](repeating: 0, count: count)
  precondition(RAND_bytes(&bytes, Int32(count)) == 1, "no randomness")
  return bytes
}

/// AES-256-CBC with a zero initialisation vector and without padding, as PIN protocol 1 has it (CTAP 2.1, section
/// 6.5.6); nil if `bytes` are no whole blocks.
func aesCBC(key: [UInt8], _ bytes: [UInt8], encrypt: Bool) -> [UInt8]? {
  guard bytes.count.isMultiple(of: 16), let context = EVP_CIPHER_CTX_new() else { return nil }
  defer { EVP_CIPHER_CTX_free(context) }
  let vector = [UInt8](repeating: 0, count: 16)
  var result = [UInt8](repeating: 0, count: bytes.count + 16)
  var length: Int32 = 0
  guard EVP_CipherInit_ex(context, EVP_aes_256_cbc(), nil, key, vector, encrypt ? 1 : 0) == 1,
    EVP_CIPHER_CTX_set_padding(context, 0) == 1,
    EVP_CipherUpdate(context, &result, &length, bytes, Int32(bytes.count)) == 1
  else { return nil }
  return Array(result.prefix(Int(length)))
}

/// AES-256-GCM: nonce, ciphertext, tag.
enum Wrap {
  private static let nonceLength = 12
  private static let tagLength = 16

  static func wrap(_ secret: [UInt8], key: [UInt8], context: [UInt8]) -> [UInt8] {
    let nonce = randomBytes(nonceLength)
    var result = [UInt8](repeating: 0, count: secret.count)
    var tag = [UInt8](repeating: 0, count: tagLength)
    guard let cipher = EVP_CIPHER_CTX_new() else { preconditionFailure("no memory") }
    defer { EVP_CIPHER_CTX_free(cipher) }
    var length: Int32 = 0
    precondition(
      EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), nil, key, nonce) == 1
        && EVP_EncryptUpdate(cipher, nil, &length, context, Int32(context.count)) == 1
        && EVP_EncryptUpdate(cipher, &result, &length, secret, Int32(secret.count)) == 1
        && EVP_EncryptFinal_ex(cipher, nil, &length) == 1
        && EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, Int32(tagLength), &tag) == 1, "wrapping failed")
    return nonce + result + tag
  }

  /// What `wrap` was given, or nil when key, context or any byte differs.
  static func unwrap(_ box: [UInt8], key: [UInt8], context: [UInt8]) -> [UInt8]? {
    let count = box.count - nonceLength - tagLength
    guard count > 0, let cipher = EVP_CIPHER_CTX_new() else { return nil }
    defer { EVP_CIPHER_CTX_free(cipher) }
    var result = [UInt8](repeating: 0, count: count)
    var tag = Array(box.suffix(tagLength))
    var length: Int32 = 0
    guard EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), nil, key, box) == 1,
      EVP_DecryptUpdate(cipher, nil, &length, context, Int32(context.count)) == 1,
      EVP_DecryptUpdate(cipher, &result, &length, Array(box.dropFirst(nonceLength)), Int32(count)) == 1,
      EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, Int32(tagLength), &tag) == 1,
      EVP_DecryptFinal_ex(cipher, nil, &length) == 1
    else { return nil }
    return result
  }
}
