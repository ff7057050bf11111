import CCrypto
import OfflineAccess

/// AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce: a sealed box is nonce, ciphertext, tag.
///
/// One key seals fewer than 2^32 boxes in the life of a machine, the bound for random nonces.
final class Sealer: Sendable {
  private let key: Secret
  // Fetched once: OpenSSL would look it up at each use.
  private nonisolated(unsafe) static let cipher = EVP_CIPHER_fetch(nil, "AES-256-GCM", nil)
  static let keyLength = 32
  static let nonceLength = 12
  static let tagLength = 16

  init(key: Secret) { self.key = key }

  /// Seals `plaintext`; `context` is authenticated with it and must be given again to open.
  func seal(_ plaintext: [UInt8], context: [UInt8]) throws(StoreFailure) -> [UInt8] {
    var box = [UInt8](repeating: 0, count: Self.nonceLength + plaintext.count + Self.tagLength)
    let done = box.withUnsafeMutableBufferPointer { box -> Bool in
      guard let cipher = EVP_CIPHER_CTX_new(), let base = box.baseAddress else { return false }
      defer { EVP_CIPHER_CTX_free(cipher) }
      var length: Int32 = 0
      return RAND_bytes(base, Int32(Self.nonceLength)) == 1
        && key.withBytes { key in
          EVP_EncryptInit_ex(cipher, Self.cipher, nil, key.assumingBase, base) == 1
        }
        && EVP_EncryptUpdate(cipher, nil, &length, context, Int32(context.count)) == 1
        && EVP_EncryptUpdate(cipher, base + Self.nonceLength, &length, plaintext, Int32(plaintext.count)) == 1
        && EVP_EncryptFinal_ex(cipher, base + Self.nonceLength + Int(length), &length) == 1
        && EVP_CIPHER_CTX_ctrl(
          cipher, EVP_CTRL_AEAD_GET_TAG, Int32(Self.tagLength), base + Self.nonceLength + plaintext.count) == 1
    }
    guard done else { throw .inputOutput("sealing failed") }
    return box
  }

  /// Opens what `seal` made with the same context, or returns nil when anything of it differs.
  ///
  /// The plaintext holds a secret: `body` borrows it, then it is wiped.
  ///
  /// - Throws: where OpenSSL cannot work, which says nothing about the box.
  func open<R>(
    _ box: [UInt8], context: [UInt8], _ body: (UnsafeRawBufferPointer) -> R?
  ) throws(StoreFailure) -> R? {
    let count = box.count - Self.nonceLength - Self.tagLength
    guard count >= 0 else { return nil }
    let plaintext = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, count), alignment: 8)
    defer {
      Secret.wipe(plaintext)
      plaintext.deallocate()
    }
    let valid = box.withUnsafeBufferPointer { box -> Bool? in
      guard let cipher = EVP_CIPHER_CTX_new(), let base = box.baseAddress else { return nil }
      defer { EVP_CIPHER_CTX_free(cipher) }
      let output = plaintext.baseAddress?.assumingMemoryBound(to: UInt8.self)
      let tag = UnsafeMutableRawPointer(mutating: base + Self.nonceLength + count)
      var length: Int32 = 0
      let isDecrypted =
        key.withBytes { key in
          EVP_DecryptInit_ex(cipher, Self.cipher, nil, key.assumingBase, base) == 1
        }
        && EVP_DecryptUpdate(cipher, nil, &length, context, Int32(context.count)) == 1
        && EVP_DecryptUpdate(cipher, output, &length, base + Self.nonceLength, Int32(count)) == 1
        && EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, Int32(Self.tagLength), tag) == 1
      // Only the end tells whether it is what was sealed.
      return isDecrypted ? EVP_DecryptFinal_ex(cipher, output.map { $0 + Int(length) }, &length) == 1 : nil
    }
    guard let valid else { throw .inputOutput("opening failed") }
    guard valid else { return nil }
    return body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(plaintext)[..<count]))
  }
}

extension UnsafeRawBufferPointer {
  fileprivate var assumingBase: UnsafePointer<UInt8>? { baseAddress?.assumingMemoryBound(to: UInt8.self) }
}
