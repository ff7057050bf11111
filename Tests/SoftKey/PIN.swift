/// What a key knows of its PIN. Tries and PIN outlive a power cycle, the rest does not.
struct PINState: Sendable {
  /// The left half of the SHA-256 of the PIN.
  private var hash: [UInt8]?
  private(set) var tries = PINState.most
  private var wrongInARow = 0
  private(set) var agreement = KeyPair()
  private var token = randomBytes(32)

  private static let most = 8
  /// So many wrong ones are allowed before the key has to be plugged in anew.
  private static let mostInARow = 3

  init(_ pin: String?) { hash = pin.map { Self.hash(Array($0.utf8)) } }

  var isSet: Bool { hash != nil }

  mutating func powerUp() {
    wrongInARow = 0
    agreement = KeyPair()
    token = randomBytes(32)
  }

  /// Checks the code that the holder of a token made of `data`.
  func check(_ code: [UInt8], of data: [UInt8]) throws(Status) {
    guard isSet else { throw .pinNotSet }
    guard code == Array(hmac(key: token, data).prefix(16)) else { throw .pinAuthInvalid }
  }

  mutating func set(_ pin: [UInt8]) {
    hash = Self.hash(pin)
    tries = Self.most
    wrongInARow = 0
  }

  /// The token, if that is the PIN's hash.
  mutating func token(for candidate: [UInt8]) throws(Status) -> [UInt8] {
    guard let hash else { throw .pinNotSet }
    guard tries > 0 else { throw .pinBlocked }
    guard wrongInARow < Self.mostInARow else { throw .pinAuthBlocked }
    tries -= 1
    guard candidate == hash else {
      agreement = KeyPair()
      wrongInARow += 1
      throw tries == 0 ? .pinBlocked : wrongInARow == Self.mostInARow ? .pinAuthBlocked : .pinInvalid
    }
    tries = Self.most
    wrongInARow = 0
    return token
  }

  private static func hash(_ pin: [UInt8]) -> [UInt8] { Array(sha256(pin).prefix(16)) }
}

/// authenticatorClientPIN with PIN protocol 1 (CTAP 2.1, sections 6.5.5 and 6.5.6).
extension SoftKey {
  func clientPIN(_ parameters: Parameters) throws(Status) -> [UInt8] {
    guard try parameters.required(1, \.integer) == 1 else { throw .invalidParameter }
    switch try parameters.required(2, \.integer) {
    case 1: return ([3: CBOR(pinTries)] as CBOR).encoded
    case 2:
      let pair = state.withLock { $0.pin.agreement }
      return ([1: [1: 2, 3: -25, -1: 1, -2: .bytes(pair.x), -3: .bytes(pair.y)]] as CBOR).encoded
    case 3: try setPIN(parameters, changes: false)
    case 4: try setPIN(parameters, changes: true)
    case 5:
      let secret = try secret(parameters)
      let encrypted = try parameters.required(6, \.bytes)
      let token = try token(encrypted, secret)
      guard let answer = aesCBC(key: secret, token, encrypt: true) else { throw .invalidParameter }
      return ([2: .bytes(answer)] as CBOR).encoded
    default: throw .invalidParameter
    }
    return []
  }

  /// What both sides alone know.
  private func secret(_ parameters: Parameters) throws(Status) -> [UInt8] {
    let point = try parameters.required(3, \.map)
    guard let x = point[-2]?.bytes, let y = point[-3]?.bytes,
      let shared = state.withLock({ $0.pin.agreement }).agreement(x: x, y: y)
    else { throw .invalidParameter }
    return sha256(shared)
  }

  private func token(_ encrypted: [UInt8], _ secret: [UInt8]) throws(Status) -> [UInt8] {
    guard encrypted.count == 16, let hash = aesCBC(key: secret, encrypted, encrypt: false) else {
      throw .invalidParameter
    }
    return try state.withLock { (state) throws(Status) in try state.pin.token(for: hash) }
  }

  private func setPIN(_ parameters: Parameters, changes: Bool) throws(Status) {
    guard state.withLock({ $0.pin.isSet }) == changes else { throw changes ? .pinNotSet : .pinAuthInvalid }
    let secret = try secret(parameters)
    let code = try parameters.required(4, \.bytes)
    let new = try parameters.required(5, \.bytes)
    let old = changes ? try parameters.required(6, \.bytes) : []
    guard code == Array(hmac(key: secret, new + old).prefix(16)) else { throw .pinAuthInvalid }
    if changes { _ = try token(old, secret) }
    guard new.count == 64, let padded = aesCBC(key: secret, new, encrypt: false) else { throw .invalidParameter }
    let pin = Array(padded.prefix { $0 != 0 })
    guard let text = String(validating: pin, as: UTF8.self), text.unicodeScalars.count >= model.minimumPINLength,
      pin.count <= 63
    else { throw .pinPolicyViolation }
    state.withLock { $0.pin.set(pin) }
  }
}
