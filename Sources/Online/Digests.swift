import CCrypto

/// The digests that the protocols want.
enum Digest {
  case md5
  case sha1
  case sha512

  fileprivate var algorithm: OpaquePointer? {
    switch self {
    case .md5: EVP_md5()
    case .sha1: EVP_sha1()
    case .sha512: EVP_sha512()
    }
  }

  /// The digest of `message`; nil where the machine's OpenSSL forbids it.
  func of(_ message: [UInt8]) -> [UInt8]? {
    var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var length: UInt32 = 0
    guard EVP_Digest(message, message.count, &digest, &length, algorithm, nil) == 1 else { return nil }
    return Array(digest.prefix(Int(length)))
  }

  /// HMAC (RFC 2104).
  func authentication(of message: [UInt8], key: [UInt8]) -> [UInt8]? {
    var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var length: UInt32 = 0
    guard HMAC(algorithm, key, Int32(key.count), message, message.count, &digest, &length) != nil else { return nil }
    return Array(digest.prefix(Int(length)))
  }
}

/// Whether two authenticators are the same, in a time that does not tell where they differ.
func isSame(_ one: some Collection<UInt8>, _ other: some Collection<UInt8>) -> Bool {
  one.count == other.count && zip(one, other).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
}

/// Random bytes of OpenSSL.
func randomBytes(_ count: Int) throws(OnlineFault) -> [UInt8] {
  var bytes = [UInt8](repeating: 0, count: count)
  guard RAND_bytes(&bytes, Int32(count)) == 1 else {
    throw .misconfigured(.badSetting, "There is no randomness.")
  }
  return bytes
}
