extension SoftKey {
  /// What a key is from the factory on.
  public struct Model: Sendable {
    /// USB ids.
    public var vendor: UInt16
    public var product: UInt16
    public var name: String
    /// The authenticator's model (FIDO metadata), 16 bytes.
    public var aaguid: [UInt8]
    public var speaksFIDO2: Bool
    public var speaksU2F: Bool
    public var attestation: Attestation
    /// Whether it counts its signatures; else the counter is always 0.
    public var counts: Bool
    public var pin: String?
    /// With a built-in fingerprint reader or the like (option "uv").
    public var verifiesUserItself: Bool
    /// Does nothing for a person whom it has not verified (option "alwaysUv").
    public var alwaysVerifies: Bool
    public var minimumPINLength: Int

    /// A "Security Key by Yubico" unless told otherwise.
    public init(
      vendor: UInt16 = 0x1050, product: UInt16 = 0x0407, name: String = "Soft Key",
      aaguid: [UInt8] = [
        0xf8, 0xa0, 0x11, 0xf3, 0x8c, 0x0a, 0x4d, 0x15, 0x80, 0x06, 0x17, 0x11, 0x1f, 0x9e, 0xdc, 0x7d,
      ],
      speaksFIDO2: Bool = true, speaksU2F: Bool = true, attestation: Attestation = .batch, counts: Bool = true,
      pin: String? = nil, verifiesUserItself: Bool = false, alwaysVerifies: Bool = false, minimumPINLength: Int = 4
    ) {
      precondition(aaguid.count == 16, "an AAGUID has 16 bytes")
      self.vendor = vendor
      self.product = product
      self.name = name
      self.aaguid = aaguid
      self.speaksFIDO2 = speaksFIDO2
      self.speaksU2F = speaksU2F
      self.attestation = attestation
      self.counts = counts
      self.pin = pin
      self.verifiesUserItself = verifiesUserItself
      self.alwaysVerifies = alwaysVerifies
      self.minimumPINLength = minimumPINLength
    }
  }

  /// How a key proves which model made a credential (WebAuthn level 2, section 6.5.3). U2F has `batch` only.
  public enum Attestation: String, CaseIterable, Sendable {
    /// By a key and a certificate of the factory ("packed" with x5c).
    case batch
    /// By the new credential itself ("packed" without x5c).
    case own
    case none
  }
}
