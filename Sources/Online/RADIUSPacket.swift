/// A RADIUS packet (RFC 2865, section 3).
struct RADIUSPacket: Equatable {
  enum Code: UInt8 {
    case accessRequest = 1
    case accessAccept = 2
    case accessReject = 3
    case accessChallenge = 11
    case statusServer = 12
  }

  enum Attribute: UInt8 {
    case userName = 1
    case userPassword = 2
    case replyMessage = 18
    case state = 24
    case callingStation = 31
    case serverName = 32
    case messageAuthenticator = 80
  }

  static let headerLength = 20
  static let longest = 4096
  static let authenticatorLength = 16
  /// Bytes of an attribute's value.
  static let longestValue = 253

  var code: Code
  var identifier: UInt8
  var authenticator: [UInt8]
  private(set) var attributes: [(type: UInt8, value: [UInt8])] = []

  static func == (one: Self, other: Self) -> Bool { one.bytes == other.bytes }

  init(_ code: Code, identifier: UInt8, authenticator: [UInt8]) {
    self.code = code
    self.identifier = identifier
    self.authenticator = authenticator
  }

  /// Adds an attribute; false when its value does not fit.
  mutating func add(_ type: Attribute, _ value: some Collection<UInt8>) -> Bool {
    guard (1...Self.longestValue).contains(value.count) else { return false }
    attributes.append((type.rawValue, Array(value)))
    return true
  }

  func values(_ type: Attribute) -> [[UInt8]] { attributes.filter { $0.type == type.rawValue }.map(\.value) }

  var bytes: [UInt8] {
    let body = attributes.flatMap { [$0.type, UInt8($0.value.count + 2)] + $0.value }
    let length = Self.headerLength + body.count
    return [code.rawValue, identifier, UInt8(length >> 8), UInt8(length & 0xff)] + authenticator + body
  }

  /// Reads a datagram; nil when it is none of the packets that we know. What follows its length is padding.
  init?(_ datagram: [UInt8]) {
    guard (Self.headerLength...Self.longest).contains(datagram.count), let code = Code(rawValue: datagram[0]) else {
      return nil
    }
    let length = Int(datagram[2]) << 8 | Int(datagram[3])
    guard (Self.headerLength...datagram.count).contains(length) else { return nil }
    self.init(code, identifier: datagram[1], authenticator: Array(datagram[4..<20]))
    var rest = datagram[20..<length]
    while let type = rest.popFirst() {
      guard let size = rest.popFirst(), size >= 2, rest.count >= Int(size) - 2 else { return nil }
      attributes.append((type, Array(rest.prefix(Int(size) - 2))))
      rest = rest.dropFirst(Int(size) - 2)
    }
  }
}

extension RADIUSPacket {
  /// The packet with a Message-Authenticator in front of all else (RFC 3579, section 3.2; in front, so that a chosen
  /// prefix cannot hold it: draft-ietf-radext-deprecating-radius, section 5.2). Nil without MD5.
  func signed(_ secret: [UInt8]) -> RADIUSPacket? {
    var packet = self
    let empty = [UInt8](repeating: 0, count: Self.authenticatorLength)
    packet.attributes.insert((Attribute.messageAuthenticator.rawValue, empty), at: 0)
    guard let value = Digest.md5.authentication(of: packet.bytes, key: secret) else { return nil }
    packet.attributes[0].value = value
    return packet
  }

  enum Doubt: Error {
    /// Not to this request.
    case stranger
    /// The Response Authenticator is wrong (RFC 2865, section 3).
    case authenticator
    /// The Message-Authenticator is missing or wrong. Without one, the rest can be forged by whoever sits in between
    /// (CVE-2024-3596).
    case messageAuthenticator
  }

  /// Whether this is `request`'s answer by who knows `secret`.
  func check(asReplyTo request: RADIUSPacket, _ secret: [UInt8]) throws(Doubt) {
    guard identifier == request.identifier else { throw .stranger }
    switch (request.code, code) {
    case (.accessRequest, .accessAccept), (.accessRequest, .accessReject), (.accessRequest, .accessChallenge),
      (.statusServer, .accessAccept):
      break
    default: throw .stranger
    }
    var asked = self
    asked.authenticator = request.authenticator
    guard let expected = Digest.md5.of(asked.bytes + secret), isSame(expected, authenticator) else {
      throw .authenticator
    }
    let type = Attribute.messageAuthenticator.rawValue
    guard let place = attributes.firstIndex(where: { $0.type == type }), values(.messageAuthenticator).count == 1 else {
      throw .messageAuthenticator
    }
    asked.attributes[place].value = [UInt8](repeating: 0, count: Self.authenticatorLength)
    guard let value = Digest.md5.authentication(of: asked.bytes, key: secret),
      isSame(value, attributes[place].value)
    else { throw .messageAuthenticator }
  }

  /// The password as it travels (RFC 2865, section 5.2); nil when it is too long, or without MD5.
  static func hidden(_ password: [UInt8], authenticator: [UInt8], _ secret: [UInt8]) -> [UInt8]? {
    guard password.count <= 128 else { return nil }
    let size = max(16, (password.count + 15) / 16 * 16)
    let padded = password + [UInt8](repeating: 0, count: size - password.count)
    var hidden: [UInt8] = []
    var previous = authenticator
    for start in stride(from: 0, to: size, by: 16) {
      guard let mask = Digest.md5.of(secret + previous) else { return nil }
      previous = zip(padded[start..<start + 16], mask).map { $0 ^ $1 }
      hidden += previous
    }
    return hidden
  }
}
