import OfflineAccess

/// The provisioning URI that authenticator apps scan ("Key Uri Format" of Google Authenticator's wiki).
///
/// All parameters are written out although SHA1, 6 digits and 30 s are what apps assume.
public struct KeyURI: Sendable {
  public let issuer: String
  public let account: String
  public let factor: PasscodeFactor

  public init(issuer: String, account: String, factor: PasscodeFactor) {
    self.issuer = issuer
    self.account = account
    self.factor = factor
  }

  /// The secret as base 32.
  public var encodedSecret: String { factor.secret.withBytes { Base32.encode($0) } }

  public var text: String {
    let label = "\(Self.escaped(issuer)):\(Self.escaped(account))"
    var text = ""
    let movement: String
    switch factor.movement {
    case .time(let time):
      text = "otpauth://totp/"
      movement = "period=\(time.period)"
    case .counter(let next):
      text = "otpauth://hotp/"
      movement = "counter=\(next)"
    }
    return text + label
      + "?secret=\(encodedSecret)&issuer=\(Self.escaped(issuer))&algorithm=SHA1&digits=\(factor.digits)&\(movement)"
  }

  /// Percent-encoding of all but the unreserved characters (RFC 3986, section 2.3) and "@", which a
  /// path and a query may carry as it is (section 3.3).
  static func escaped(_ text: String) -> String {
    let hex = Array("0123456789ABCDEF".utf8)
    var result: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"), UInt8(ascii: "@"):
        result.append(byte)
      default:
        result += [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
