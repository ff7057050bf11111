import OfflineAccess

@testable import OfflineAccess
@testable import Passcode

extension FuzzTarget {
  /// What a person types for a code: a number of exactly so many ASCII digits, spaces aside, or no code.
  static let typedPasscode = FuzzTarget(name: "typed-passcode", longest: 2048) { bytes in
    let digits = 6 + Int(bytes.first ?? 0) % 4
    let text = String(decoding: bytes.dropFirst(), as: UTF8.self)
    let typed = text.unicodeScalars.filter { $0 != " " }
    let isCode = typed.count == digits && typed.allSatisfy { ("0"..."9").contains($0) }
    let expected = isCode ? UInt32(String(String.UnicodeScalarView(typed))) : nil
    require(PasscodeFactor.number(in: text, digits: digits) == expected, "\(digits) digits of “\(text)”")

    guard expected != nil || text.utf8.count < 16 else { return }
    // Only the codes of the window are right; each other one is wrong and spends nothing.
    let factor = PasscodeFactor(secret: Secret([1, 2, 3]), digits: digits, movement: .time(.init(period: 30)))
    let algorithm = HMACPasscode()
    guard let match = try? factor.match(text, at: 1_790_000_000, by: algorithm),
      let right = try? algorithm.values(
        secret: factor.secret, counters: (0..<3).map { 1_790_000_000 / 30 - 1 + $0 }, digits: digits)
    else { fatalError("no codes") }
    if case .fresh = match {
      require(expected.map(right.contains) == true, "“\(text)” was taken")
    } else {
      require(expected.map(right.contains) != true, "“\(text)” was refused")
    }
  }

  /// A provisioning URI of any names and any secret is read again by a strict reader of RFC 3986, RFC 4648 and
  /// the Key URI format as just that.
  static let keyURI = FuzzTarget(name: "key-uri", longest: 1024) { bytes in
    var input = FuzzInput(bytes)
    let isTime = input.byte().isMultiple(of: 2)
    let digits = 6 + Int(input.byte()) % 4
    let counter: UInt64 = input.number()
    let (issuer, account) = (input.text(), input.text())
    let secret = [input.byte()] + input.rest
    let movement = isTime ? PasscodeFactor.Movement.time(.init(period: 30)) : .counter(next: counter)
    let uri = KeyURI(
      issuer: issuer, account: account,
      factor: PasscodeFactor(secret: Secret(secret), digits: digits, movement: movement)
    )
    guard let read = OTPAuth(uri.text) else { fatalError("cannot be read: \(uri.text)") }
    require(read.kind == (isTime ? "totp" : "hotp"), uri.text)
    require(read.label == [issuer, account], uri.text)
    require(Base32Reader.decode(read.parameters["secret"] ?? "") == secret, uri.text)
    require(read.parameters["issuer"].flatMap(OTPAuth.unescaped) == issuer, uri.text)
    require(read.parameters["algorithm"] == "SHA1" && read.parameters["digits"] == String(digits), uri.text)
    require(read.parameters[isTime ? "period" : "counter"] == (isTime ? "30" : String(counter)), uri.text)
    require(read.parameters.count == 5, uri.text)
    // For typing: the same, in groups of four.
    let grouped = Base32.grouped(uri.encodedSecret)
    let groups: [Substring] = grouped.split(separator: " ")
    require(groups.joined() == uri.encodedSecret, grouped)
    require(groups.dropLast().allSatisfy { $0.count == 4 }, grouped)
  }
}

/// Reads an otpauth URI without mercy, and knows nothing of who writes it.
struct OTPAuth {
  let kind: String
  /// Issuer and account.
  let label: [String]
  /// As they stand there.
  let parameters: [String: String]

  init?(_ text: String) {
    guard text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }), text.hasPrefix("otpauth://") else { return nil }
    let parts = text.dropFirst(10).split(separator: "?", omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    let path = parts[0].split(separator: "/", omittingEmptySubsequences: false)
    guard path.count == 2 else { return nil }
    kind = String(path[0])
    let names = path[1].split(separator: ":", omittingEmptySubsequences: false).map { Self.unescaped(String($0)) }
    guard names.count == 2, let issuer = names[0], let account = names[1] else { return nil }
    label = [issuer, account]
    var parameters: [String: String] = [:]
    for pair in parts[1].split(separator: "&", omittingEmptySubsequences: false) {
      let sides = pair.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
      guard sides.count == 2, parameters.updateValue(sides[1], forKey: sides[0]) == nil else { return nil }
    }
    self.parameters = parameters
  }

  /// The text behind percent-encoding; nil where anything but unreserved characters and "@" stands as it is.
  static func unescaped(_ text: String) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "%"):
        guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
          return nil
        }
        bytes.append(value)
        rest = rest.dropFirst(2)
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: bytes.append(byte)
      default:
        guard "-._~@".utf8.contains(byte) else { return nil }
        bytes.append(byte)
      }
    }
    return String(validating: bytes, as: UTF8.self)
  }
}

/// Base 32 by the letter of RFC 4648, section 6: what is left over has to be zero bits.
enum Base32Reader {
  static func decode(_ text: String) -> [UInt8]? {
    var bits: [Bool] = []
    for byte in text.utf8 {
      let value: UInt8
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = byte - UInt8(ascii: "A")
      case UInt8(ascii: "2")...UInt8(ascii: "7"): value = byte - UInt8(ascii: "2") + 26
      default: return nil
      }
      for shift in (0..<5).reversed() { bits.append(value >> UInt8(shift) & 1 == 1) }
    }
    let whole = bits.count / 8 * 8
    guard bits.count - whole < 5, !bits[whole...].contains(true) else { return nil }
    return stride(from: 0, to: whole, by: 8).map { start in
      bits[start..<start + 8].reduce(0) { $0 << 1 | ($1 ? 1 : 0) }
    }
  }
}
