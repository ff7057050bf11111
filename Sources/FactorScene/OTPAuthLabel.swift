/// The names in an otpauth URI: `otpauth://totp/ISSUER:ACCOUNT?…` (Key URI format).
struct OTPAuthLabel: Equatable {
  var issuer: String
  var account: String

  init(issuer: String, account: String) {
    self.issuer = issuer
    self.account = account
  }

  init(_ uri: String) {
    let path = uri.split(separator: "?", maxSplits: 1).first ?? ""
    let label = path.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false).dropFirst(3).first ?? ""
    let text = Self.decoded(String(label))
    let parts = text.split(separator: ":", maxSplits: 1).map(\.trimmed)
    self.init(issuer: parts.count > 1 ? parts[0] : "", account: parts.last ?? "")
  }

  /// Percent encoding, RFC 3986, section 2.1; what is not right stays as it stands.
  private static func decoded(_ text: String) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), rest.count >= 2,
        let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
      {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

extension Substring {
  fileprivate var trimmed: String { String(self).trimmed }
}
