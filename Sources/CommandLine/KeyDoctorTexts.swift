import OfflineAccess

extension Texts.Doctor {
  // MARK: Security keys

  static func keyListRead(families: Int) -> String { "The list of security keys is in place: \(families) families." }
  static func badKeyList(_ error: String) -> String {
    "The list of security keys is refused, and with it every key: \(error)."
  }
  static func noAttestationFile(_ path: String) -> String {
    "\(path) is not there, so no security key can be used. Put the certificates there, or empty attestation-ca-file."
  }
  static func noCertificate(_ path: String) -> String {
    "\(path) holds no certificate (PEM), so no security key can be set up."
  }
  static func badAttestationFile(_ error: String) -> String {
    "The certificates for security keys are refused, and with them every key: \(error)."
  }
  static func attestationFileRead(_ path: String) -> String {
    "The certificates for security keys are in place: \(path)"
  }
  static let noKeyPlugged = "No security key is plugged in now."

  /// The model is the key's own word, and nobody asks it here.
  static func key(_ key: PluggedToken, _ verdict: KeyVerdict) -> String {
    let named = "The security key \(name(key))"
    return switch verdict {
    case .admitted: "\(named) is allowed; its model (AAGUID) is looked at when it is set up."
    case .refusedFamily(let family): "\(named) is refused: keys of this kind (\(family)) are not trusted."
    case .refusedHere: "\(named) is refused by “refuse” in the configuration."
    case .unlisted:
      "\(named) is not listed by its USB id; it is refused unless its model (AAGUID) is, which shows when it is set up. "
        + "To allow it: allow=\(key.identity.usbText)"
    }
  }
  static func passwordToken(_ token: PluggedToken, _ family: String) -> String {
    "The token \(name(token)) makes one-time passwords only (\(family)); it cannot be a security key here."
  }
  private static func name(_ token: PluggedToken) -> String {
    token.name.isEmpty ? token.identity.usbText : "“\(token.name)” (\(token.identity.usbText))"
  }
}
