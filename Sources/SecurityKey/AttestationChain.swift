import CCrypto
import OfflineAccess

/// Whether a key's attestation certificate leads to one of the administrator's.
struct AttestationChain {
  /// id-fido-gen-ce-aaguid (WebAuthn Level 2, section 8.2.1).
  private static let modelExtension = "1.3.6.1.4.1.45724.1.1.4"

  /// Certificates in PEM.
  let roots: [UInt8]

  /// Refuses a key without a certificate that leads to one of `roots`, and a certificate of another model.
  ///
  /// - Parameters:
  ///   - certificate: in DER; empty where the key gave none.
  ///   - model: what the credential says of its model; nil for U2F.
  func check(_ certificate: [UInt8], of model: AAGUID?) throws(KeyFault) {
    guard let leaf = Self.parse(certificate) else { throw .refused(.attestationMissing) }
    defer { X509_free(leaf) }
    guard let store = try loadedStore() else { throw .refused(.attestationRootsUnreadable) }
    defer { X509_STORE_free(store) }
    guard let context = X509_STORE_CTX_new() else { throw .unreliable }
    defer { X509_STORE_CTX_free(context) }
    guard X509_STORE_CTX_init(context, store, leaf, nil) == 1, X509_verify_cert(context) == 1 else {
      throw .refused(.attestationMissing)
    }
    // A certificate for one model must not vouch for another.
    if let named = Self.model(in: leaf), let model, !named.elementsEqual(model.bytes) {
      throw .refused(.attestationMissing)
    }
  }

  /// The trusted certificates; nil where there is none.
  private func loadedStore() throws(KeyFault) -> OpaquePointer? {
    guard let store = X509_STORE_new(), let input = BIO_new_mem_buf(roots, Int32(roots.count)) else {
      throw .unreliable
    }
    defer { BIO_free(input) }
    var count = 0
    while let certificate = PEM_read_bio_X509(input, nil, nil, nil) {
      X509_STORE_add_cert(store, certificate)
      X509_free(certificate)
      count += 1
    }
    // The end of the file is an error to OpenSSL, too.
    ERR_clear_error()
    // Every certificate of the file is trusted as it stands, be it a maker's root or one of its series; and a clock
    // that is wrong, as it may be offline, does not make a key a bad one.
    X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN) | UInt(X509_V_FLAG_NO_CHECK_TIME))
    if count > 0 { return store }
    X509_STORE_free(store)
    return nil
  }

  private static func parse(_ der: [UInt8]) -> OpaquePointer? {
    guard !der.isEmpty else { return nil }
    return der.withUnsafeBufferPointer { buffer in
      var place = buffer.baseAddress
      return d2i_X509(nil, &place, buffer.count)
    }
  }

  /// The model that the certificate is for, where it says so: an octet string inside the extension's own.
  private static func model(in certificate: OpaquePointer) -> [UInt8]? {
    guard let object = OBJ_txt2obj(modelExtension, 1) else { return nil }
    defer { ASN1_OBJECT_free(object) }
    let place = X509_get_ext_by_OBJ(certificate, object, -1)
    guard place >= 0, let value = X509_EXTENSION_get_data(X509_get_ext(certificate, place)),
      let start = ASN1_STRING_get0_data(value)
    else { return nil }
    return Array(UnsafeBufferPointer(start: start, count: Int(ASN1_STRING_length(value))).dropFirst(2))
  }
}
