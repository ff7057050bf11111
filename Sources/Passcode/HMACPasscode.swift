import CCrypto
import OfflineAccess

/// HOTP values by OpenSSL's HMAC-SHA-1 (RFC 4226, section 5.3; RFC 6238 uses the same function).
public struct HMACPasscode: PasscodeAlgorithm {
  public init() {}

  public func values(secret: Secret, counters: [UInt64], digits: Int) throws(Refusal) -> [UInt32] {
    guard (6...9).contains(digits) else { throw Refusal(.failed, "A passcode of \(digits) digits is not supported.") }
    guard let context = EVP_MAC_CTX_new(Self.algorithm) else { throw Refusal.passcodeFailure }
    defer { EVP_MAC_CTX_free(context) }
    // Parameters point at their names and values, so both have to stay until the call is over.
    var digest = Array("SHA1".utf8CString)
    let prepared = digest.withUnsafeMutableBufferPointer { digest in
      "digest".withCString { name in
        let parameters = [OSSL_PARAM_construct_utf8_string(name, digest.baseAddress, 0), OSSL_PARAM_construct_end()]
        return secret.withBytes { key in
          EVP_MAC_init(context, key.baseAddress?.assumingMemoryBound(to: UInt8.self), key.count, parameters) == 1
        }
      }
    }
    guard prepared else { throw Refusal.passcodeFailure }
    var values: [UInt32] = []
    values.reserveCapacity(counters.count)
    for counter in counters {
      // Without a key it starts again with the one it has: the costly part is done once.
      guard EVP_MAC_init(context, nil, 0, nil) == 1, let code = Self.code(of: counter, context) else {
        throw Refusal.passcodeFailure
      }
      values.append(code % Self.modulus[digits - 6])
    }
    return values
  }

  /// The 31-bit number of one counter: dynamic truncation of its HMAC.
  private static func code(of counter: UInt64, _ context: OpaquePointer) -> UInt32? {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digest -> UInt32? in
      defer { Secret.wipe(UnsafeMutableRawBufferPointer(digest)) }
      var length = 0
      let done = withUnsafeBytes(of: counter.bigEndian) { message in
        EVP_MAC_update(context, message.baseAddress?.assumingMemoryBound(to: UInt8.self), message.count) == 1
          && EVP_MAC_final(context, digest.baseAddress, &length, digest.count) == 1
      }
      guard done, length == digest.count else { return nil }
      // Four bytes from the offset in the last nibble, without the sign bit.
      let offset = Int(digest[19] & 0x0f)
      return digest[offset..<offset + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) } & 0x7fff_ffff
    }
  }

  // Fetched once and never freed; OpenSSL's algorithm objects are immutable.
  private nonisolated(unsafe) static let algorithm = EVP_MAC_fetch(nil, "HMAC", nil)
  private static let modulus: [UInt32] = [1_000_000, 10_000_000, 100_000_000, 1_000_000_000]
}

extension PasscodeAlgorithm {
  /// The value for one counter.
  public func value(secret: Secret, counter: UInt64, digits: Int) throws(Refusal) -> UInt32 {
    try values(secret: secret, counters: [counter], digits: digits)[0]
  }
}

/// Random bytes of OpenSSL's private generator.
public func randomSecret(count: Int) throws(Refusal) -> Secret {
  try Secret(count: count) { (buffer) throws(Refusal) in
    guard RAND_priv_bytes(buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), Int32(count)) == 1 else {
      throw Refusal.noRandomness
    }
  }
}
