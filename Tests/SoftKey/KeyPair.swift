import CCrypto

/// A key pair on the curve P-256, for signatures (ES256) and key agreement.
struct KeyPair: Sendable {
  /// The private number, 32 bytes, most significant first.
  let scalar: [UInt8]
  /// The public point, uncompressed: 4, x, y.
  let point: [UInt8]

  var x: [UInt8] { Array(point[1..<33]) }
  var y: [UInt8] { Array(point[33..<65]) }

  /// A new one.
  init() {
    var scalar = [UInt8](repeating: 0, count: 32)
    guard let number = BN_new() else { preconditionFailure("no memory") }
    defer { BN_clear_free(number) }
    precondition(BN_priv_rand_range(number, EC_GROUP_get0_order(Self.group)) == 1, "no randomness")
    BN_bn2binpad(number, &scalar, 32)
    self.init(scalar: scalar)
  }

  /// The one with this private number.
  init(scalar: [UInt8]) {
    self.scalar = scalar
    guard let point = Self.product(scalar, with: nil) else { preconditionFailure("no private number") }
    self.point = point
  }

  /// `scalar` times `point`, or times the generator.
  private static func product(_ scalar: [UInt8], with point: [UInt8]?) -> [UInt8]? {
    guard let number = BN_bin2bn(scalar, Int32(scalar.count), nil), let result = EC_POINT_new(group),
      let other = EC_POINT_new(group)
    else { return nil }
    defer {
      BN_clear_free(number)
      EC_POINT_free(result)
      EC_POINT_free(other)
    }
    if let point {
      // This also checks that it is on the curve.
      guard EC_POINT_oct2point(group, other, point, point.count, nil) == 1,
        EC_POINT_mul(group, result, nil, other, number, nil) == 1
      else { return nil }
    } else {
      guard EC_POINT_mul(group, result, number, nil, nil, nil) == 1 else { return nil }
    }
    var bytes = [UInt8](repeating: 0, count: 65)
    guard EC_POINT_point2oct(group, result, POINT_CONVERSION_UNCOMPRESSED, &bytes, 65, nil) == 65 else { return nil }
    return bytes
  }

  /// The x coordinate that both sides of a key agreement find; nil if there is no such point.
  func agreement(x: [UInt8], y: [UInt8]) -> [UInt8]? {
    guard x.count == 32, y.count == 32 else { return nil }
    return Self.product(scalar, with: [4] + x + y).map { Array($0[1..<33]) }
  }

  /// An ECDSA signature over SHA-256, in DER.
  func signature(_ message: [UInt8]) -> [UInt8] {
    guard let key = makeKey(), let context = EVP_MD_CTX_new() else { preconditionFailure("no key") }
    defer {
      EVP_MD_CTX_free(context)
      EVP_PKEY_free(key)
    }
    var signature = [UInt8](repeating: 0, count: 80)
    var length = signature.count
    precondition(
      EVP_DigestSignInit(context, nil, EVP_sha256(), nil, key) == 1
        && EVP_DigestSign(context, &signature, &length, message, message.count) == 1, "signing failed")
    return Array(signature.prefix(length))
  }

  private func makeKey() -> OpaquePointer? {
    guard let context = EVP_PKEY_CTX_new_from_name(nil, "EC", nil) else { return nil }
    defer { EVP_PKEY_CTX_free(context) }
    var key: OpaquePointer?
    var group = Array("P-256".utf8CString)
    var point = point
    // OpenSSL's parameters are in the machine's byte order.
    var number = Array(scalar.reversed())
    // Parameters point at their names and values, so all have to stay until the call is over.
    let done = "group".withCString { groupName in
      "pub".withCString { pointName in
        "priv".withCString { numberName in
          group.withUnsafeMutableBufferPointer { group in
            point.withUnsafeMutableBufferPointer { point in
              number.withUnsafeMutableBufferPointer { number in
                var parameters = [
                  OSSL_PARAM_construct_utf8_string(groupName, group.baseAddress, 0),
                  OSSL_PARAM_construct_octet_string(pointName, point.baseAddress, point.count),
                  OSSL_PARAM_construct_BN(numberName, number.baseAddress, number.count), OSSL_PARAM_construct_end(),
                ]
                return EVP_PKEY_fromdata_init(context) == 1
                  && EVP_PKEY_fromdata(context, &key, crypto_key_pair(), &parameters) == 1
              }
            }
          }
        }
      }
    }
    return done ? key : nil
  }

  // Made once and never changed or freed.
  private nonisolated(unsafe) static let group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)
}
