// Which model a security key is, and the rules that name models.

/// The model of an authenticator, by its maker's own number (FIDO metadata: "Authenticator Attestation GUID").
public struct AAGUID: Hashable, Sendable {
  public static let length = 16
  public let bytes: [UInt8]

  /// Nil unless there are 16 bytes that are not all zero: a zero one names no model (U2F keys have none).
  public init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == Self.length, bytes.contains(where: { $0 != 0 }) else { return nil }
    self.bytes = Array(bytes)
  }

  /// Reads `f8a011f3-8c0a-4d15-8006-17111f9edc7d`; nil for anything else.
  public init?(_ text: some StringProtocol) {
    let groups = text.split(separator: "-", omittingEmptySubsequences: false)
    guard groups.map(\.utf8.count) == [8, 4, 4, 4, 12] else { return nil }
    var bytes: [UInt8] = []
    var high: UInt8?
    for digit in groups.joined().utf8 {
      guard let value = digit.hexValue else { return nil }
      if let first = high {
        bytes.append(first << 4 | value)
        high = nil
      } else {
        high = value
      }
    }
    self.init(bytes)
  }

  public var text: String {
    var text = ""
    for (index, byte) in bytes.enumerated() {
      if [4, 6, 8, 10].contains(index) { text += "-" }
      text += Hexadecimal.text(byte, digits: 2)
    }
    return text
  }
}

/// What a plugged-in key is: by USB, and where it speaks CTAP2 by its own word too.
public struct KeyIdentity: Hashable, Sendable {
  /// USB vendor id.
  public let vendor: UInt16
  /// USB product id.
  public let product: UInt16
  /// Nil for a U2F key, and while nobody has asked the key.
  public let aaguid: AAGUID?

  public init(vendor: UInt16, product: UInt16, aaguid: AAGUID? = nil) {
    self.vendor = vendor
    self.product = product
    self.aaguid = aaguid
  }

  /// The USB ids as lsusb writes them: `1050:0407`.
  public var usbText: String {
    Hexadecimal.text(vendor, digits: 4) + ":" + Hexadecimal.text(product, digits: 4)
  }
}

/// A rule that names models: `1050:0407`, `1050:*` or an AAGUID.
public enum KeyPattern: Hashable, Sendable {
  case product(vendor: UInt16, product: UInt16)
  case vendor(UInt16)
  case model(AAGUID)

  /// Nil where `text` is none of the three.
  public init?(_ text: some StringProtocol) {
    if let aaguid = AAGUID(text) {
      self = .model(aaguid)
      return
    }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let vendor = Hexadecimal.number(parts[0]) else { return nil }
    if parts[1] == "*" {
      self = .vendor(vendor)
    } else if let product = Hexadecimal.number(parts[1]) {
      self = .product(vendor: vendor, product: product)
    } else {
      return nil
    }
  }

  public var text: String {
    switch self {
    case .product(let vendor, let product): KeyIdentity(vendor: vendor, product: product).usbText
    case .vendor(let vendor): Hexadecimal.text(vendor, digits: 4) + ":*"
    case .model(let aaguid): aaguid.text
    }
  }

  public func matches(_ identity: KeyIdentity) -> Bool {
    switch self {
    case .product(let vendor, let product): identity.vendor == vendor && identity.product == product
    case .vendor(let vendor): identity.vendor == vendor
    case .model(let aaguid): identity.aaguid == aaguid
    }
  }
}

/// Numbers of a fixed count of hexadecimal digits.
private enum Hexadecimal {
  static func text(_ value: some FixedWidthInteger & UnsignedInteger, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }

  /// Four digits; nil for anything else.
  static func number(_ text: some StringProtocol) -> UInt16? {
    guard text.utf8.count == 4, text.utf8.allSatisfy({ $0.hexValue != nil }) else { return nil }
    return UInt16(text, radix: 16)
  }
}

extension UInt8 {
  /// The value of an ASCII hexadecimal digit.
  fileprivate var hexValue: UInt8? {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
