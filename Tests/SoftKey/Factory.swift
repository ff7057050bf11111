/// Where soft keys come from: the certificate authority that says so.
enum Factory {
  /// Signs what keys with batch attestation make.
  static let batch = KeyPair()
  static let root = Root()

  struct Root: Sendable {
    fileprivate let pair = KeyPair()
    fileprivate let name = DER.name([(DER.organization, "Soft Key Factory"), (DER.commonName, "Soft Key Root")])
    let certificate: [UInt8]

    fileprivate init() {
      let extensions = [
        DER.sequence(DER.basicConstraints, DER.boolean(true), DER.octets(DER.sequence(DER.boolean(true)))),
        // Key usage: keyCertSign, the sixth bit.
        DER.sequence(DER.keyUsage, DER.boolean(true), DER.octets([0x03, 0x02, 0x02, 0x04])),
      ]
      certificate = DER.certificate(
        serial: [1], issuer: name, subject: name, point: pair.point, extensions: extensions, signer: pair)
    }

    var pem: String {
      let text = Base64.encode(certificate)
      var lines = "-----BEGIN CERTIFICATE-----\n"
      var rest = text[...]
      while !rest.isEmpty {
        lines += rest.prefix(64) + "\n"
        rest = rest.dropFirst(64)
      }
      return lines + "-----END CERTIFICATE-----\n"
    }
  }

  /// The attestation certificate of a model (WebAuthn level 2, section 8.2.1).
  static func certificate(for model: SoftKey.Model) -> [UInt8] {
    let subject = DER.name([
      (DER.country, "SE"), (DER.organization, "Soft Key Factory"),
      (DER.organizationalUnit, "Authenticator Attestation"), (DER.commonName, "\(model.name) Attestation"),
    ])
    var extensions = [
      DER.sequence(DER.basicConstraints, DER.boolean(true), DER.octets(DER.sequence())),
      // Transports: USB, the third bit.
      DER.sequence(DER.transports, DER.octets([0x03, 0x02, 0x05, 0x20])),
    ]
    if model.speaksFIDO2 { extensions.append(DER.sequence(DER.aaguid, DER.octets(DER.octets(model.aaguid)))) }
    // A positive number.
    return DER.certificate(
      serial: [0x40] + randomBytes(7), issuer: root.name, subject: subject, point: batch.point, extensions: extensions,
      signer: root.pair)
  }
}

/// The few things of DER (X.690) that a certificate is made of (RFC 5280).
private enum DER {
  static func value(_ tag: UInt8, _ contents: [UInt8]) -> [UInt8] {
    let count = contents.count
    let length: [UInt8] =
      switch count {
      case 0..<0x80: [UInt8(count)]
      case 0x80..<0x100: [0x81, UInt8(count)]
      default: [0x82, UInt8(count >> 8), UInt8(count & 0xff)]
      }
    return [tag] + length + contents
  }

  static func sequence(_ parts: [UInt8]...) -> [UInt8] { value(0x30, parts.flatMap { $0 }) }
  static func octets(_ bytes: [UInt8]) -> [UInt8] { value(0x04, bytes) }
  static func bits(_ bytes: [UInt8]) -> [UInt8] { value(0x03, [0] + bytes) }
  static func boolean(_ value: Bool) -> [UInt8] { [0x01, 0x01, value ? 0xff : 0x00] }
  static func identifier(_ bytes: UInt8...) -> [UInt8] { value(0x06, bytes) }

  static func name(_ parts: [([UInt8], String)]) -> [UInt8] {
    // A country is a PrintableString, the rest may be UTF-8.
    value(
      0x30,
      parts.flatMap { type, text in
        value(0x31, sequence(type, value(type == country ? 0x13 : 0x0c, Array(text.utf8))))
      })
  }

  static func certificate(
    serial: [UInt8], issuer: [UInt8], subject: [UInt8], point: [UInt8], extensions: [[UInt8]], signer: KeyPair
  ) -> [UInt8] {
    let validity = sequence(value(0x17, Array("200101000000Z".utf8)), value(0x17, Array("491231235959Z".utf8)))
    let contents = sequence(
      value(0xa0, [0x02, 0x01, 0x02]),  // version 3
      value(0x02, serial), sequence(ecdsaWithSHA256), issuer, validity, subject,
      sequence(sequence(publicKey, p256), bits(point)), value(0xa3, value(0x30, extensions.flatMap { $0 })))
    return sequence(contents, sequence(ecdsaWithSHA256), bits(signer.signature(contents)))
  }

  static let country = identifier(0x55, 0x04, 0x06)
  static let organization = identifier(0x55, 0x04, 0x0a)
  static let organizationalUnit = identifier(0x55, 0x04, 0x0b)
  static let commonName = identifier(0x55, 0x04, 0x03)
  static let basicConstraints = identifier(0x55, 0x1d, 0x13)
  static let keyUsage = identifier(0x55, 0x1d, 0x0f)
  static let ecdsaWithSHA256 = identifier(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02)
  static let publicKey = identifier(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01)
  static let p256 = identifier(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07)
  /// id-fido-gen-ce-aaguid.
  static let aaguid = identifier(0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0xe5, 0x1c, 0x01, 0x01, 0x04)
  /// id-fido-u2f-transports.
  static let transports = identifier(0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0xe5, 0x1c, 0x02, 0x01, 0x01)
}

private enum Base64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  static func encode(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      let number = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
      for place in 0..<4 {
        text.append(place <= group.count ? alphabet[number >> (6 * (3 - place)) & 63] : UInt8(ascii: "="))
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
