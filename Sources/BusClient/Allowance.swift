// What the service tells of a user's factor. This file also compiles as Embedded Swift.
#if canImport(OfflineAccess)
  import BusInterface
  import OfflineAccess
#endif

/// A user's allowance, and after Authenticate the outcome. Words stay as they travelled, because a
/// newer service may know more of them; compare with the raw values of `AllowanceState` and kin.
public struct Allowance: Sendable, Equatable {
  public var activated = false
  /// `activate` where set-up may be offered now, else empty.
  public var offer = ""
  /// A `FactorMethod`; empty without a factor.
  public var method = ""
  /// An `AllowanceState`.
  public var state = ""
  /// A `LimitKind`.
  public var limit = ""
  public var remaining: UInt32?
  /// ISO date in local time, inclusive.
  public var lastDay: String?
  /// Unix seconds.
  public var expires: UInt64?
  /// Unix seconds.
  public var lockedUntil: UInt64?
  /// The sentence to show.
  public var message = ""
  /// A `Via`; in an outcome only.
  public var via: String?
  /// All that travelled, with keys that this client does not know.
  public var dictionary = BusDictionary()

  public init() {}

  /// Reads the contract's keys. A key may be absent, but not of another type than the contract's.
  public init(_ dictionary: BusDictionary) throws(BusFailure) {
    self.dictionary = dictionary
    let keys = TypedKeys(dictionary)
    activated = try keys.boolean(AllowanceKey.activated.rawValue) ?? false
    offer = try keys.string(AllowanceKey.offer.rawValue) ?? ""
    method = try keys.string(AllowanceKey.method.rawValue) ?? ""
    state = try keys.string(AllowanceKey.state.rawValue) ?? ""
    limit = try keys.string(AllowanceKey.limit.rawValue) ?? ""
    remaining = try keys.uint32(AllowanceKey.remaining.rawValue)
    lastDay = try keys.string(AllowanceKey.lastDay.rawValue)
    expires = try keys.uint64(AllowanceKey.expires.rawValue)
    lockedUntil = try keys.uint64(AllowanceKey.lockedUntil.rawValue)
    message = try keys.string(AllowanceKey.message.rawValue) ?? ""
    via = try keys.string(AllowanceKey.via.rawValue)
  }

  /// Whether the service would let this client offer a set-up now.
  public var offersActivation: Bool { offer == "activate" }
}

/// A set-up that has begun: what an authenticator app needs.
public struct Challenge: Sendable, Equatable {
  /// The object path of the activation.
  public var activation: String
  public var method = ""
  /// For a QR code: `otpauth://…`
  public var uri = ""
  /// For typing: base32 in groups of four.
  public var secret = ""
  public var issuer = ""
  public var account = ""
  public var digits: UInt32?
  /// Seconds; absent for HOTP.
  public var period: UInt32?
  /// Unix seconds.
  public var expires: UInt64?
  /// Touches to come; for a security key.
  public var steps: UInt32?
  /// All that travelled, with keys that this client does not know.
  public var dictionary = BusDictionary()

  public init(activation: String) {
    self.activation = activation
  }

  public init(activation: String, _ dictionary: BusDictionary) throws(BusFailure) {
    self.activation = activation
    self.dictionary = dictionary
    let keys = TypedKeys(dictionary)
    method = try keys.string(ChallengeKey.method.rawValue) ?? ""
    uri = try keys.string(ChallengeKey.uri.rawValue) ?? ""
    secret = try keys.string(ChallengeKey.secret.rawValue) ?? ""
    issuer = try keys.string(ChallengeKey.issuer.rawValue) ?? ""
    account = try keys.string(ChallengeKey.account.rawValue) ?? ""
    digits = try keys.uint32(ChallengeKey.digits.rawValue)
    period = try keys.uint32(ChallengeKey.period.rawValue)
    expires = try keys.uint64(ChallengeKey.expires.rawValue)
    steps = try keys.uint32(ChallengeKey.steps.rawValue)
  }
}

/// Reads keys whose types the contract fixes.
private struct TypedKeys {
  private let dictionary: BusDictionary

  init(_ dictionary: BusDictionary) {
    self.dictionary = dictionary
  }

  func boolean(_ key: String) throws(BusFailure) -> Bool? { try check(key, dictionary.boolean(key)) }
  func string(_ key: String) throws(BusFailure) -> String? { try check(key, dictionary.string(key)) }
  func uint32(_ key: String) throws(BusFailure) -> UInt32? { try check(key, dictionary.uint32(key)) }
  func uint64(_ key: String) throws(BusFailure) -> UInt64? { try check(key, dictionary.uint64(key)) }

  /// Present, yet not read as its type: then the answer is not the contract's.
  private func check<Value>(_ key: String, _ value: Value?) throws(BusFailure) -> Value? {
    guard value != nil || (dictionary[key] == nil && !dictionary.unreadableKeys.contains(key)) else {
      throw .malformed
    }
    return value
  }
}
