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
  /// The `Purpose`s that use up a login; nil where their number is not limited, or the service does not say.
  public var counts: [String]?
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
  /// The online service that is asked first; empty where there is none.
  public var authority = ""
  /// How often an offered set-up may still be put off, where that has a limit.
  public var later: UInt32?
  /// Unix seconds of the online service's latest approval.
  public var lastOnline: UInt64?
  /// Unix seconds when the offline factor stood in the last time, and why.
  public var lastOffline: UInt64?
  public var offlineReason = ""
  /// All that travelled, with keys that this client does not know.
  public var dictionary = BusDictionary()

  public init() {}

  /// Reads the contract's keys. A key may be absent, but not of another type than the contract's.
  public init(_ dictionary: BusDictionary) throws(BusFailure) {
    self.dictionary = dictionary
    var keys = TypedKeys(dictionary)
    activated = try keys.boolean(AllowanceKey.activated.rawValue) ?? false
    offer = try keys.string(AllowanceKey.offer.rawValue) ?? ""
    method = try keys.string(AllowanceKey.method.rawValue) ?? ""
    state = try keys.string(AllowanceKey.state.rawValue) ?? ""
    limit = try keys.string(AllowanceKey.limit.rawValue) ?? ""
    remaining = try keys.uint32(AllowanceKey.remaining.rawValue)
    counts = try keys.strings(AllowanceKey.counts.rawValue)
    lastDay = try keys.string(AllowanceKey.lastDay.rawValue)
    expires = try keys.uint64(AllowanceKey.expires.rawValue)
    lockedUntil = try keys.uint64(AllowanceKey.lockedUntil.rawValue)
    message = try keys.string(AllowanceKey.message.rawValue) ?? ""
    via = try keys.string(AllowanceKey.via.rawValue)
    authority = try keys.string(AllowanceKey.authority.rawValue) ?? ""
    later = try keys.uint32(AllowanceKey.later.rawValue)
    lastOnline = try keys.uint64(AllowanceKey.lastOnline.rawValue)
    lastOffline = try keys.uint64(AllowanceKey.lastOffline.rawValue)
    offlineReason = try keys.string(AllowanceKey.offlineReason.rawValue) ?? ""
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
    var keys = TypedKeys(dictionary)
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
  /// Where the next key is likely to stand: the service sends them in the order in which they are read.
  private var next = 0

  init(_ dictionary: BusDictionary) {
    self.dictionary = dictionary
  }

  mutating func boolean(_ key: String) throws(BusFailure) -> Bool? {
    try read(key) { if case .boolean(let value) = $0 { value } else { nil } }
  }

  mutating func string(_ key: String) throws(BusFailure) -> String? {
    try read(key) { if case .string(let value) = $0 { value } else { nil } }
  }

  mutating func strings(_ key: String) throws(BusFailure) -> [String]? {
    try read(key) { if case .strings(let value) = $0 { value } else { nil } }
  }

  mutating func uint32(_ key: String) throws(BusFailure) -> UInt32? {
    try read(key) { if case .uint32(let value) = $0 { value } else { nil } }
  }

  mutating func uint64(_ key: String) throws(BusFailure) -> UInt64? {
    try read(key) { if case .uint64(let value) = $0 { value } else { nil } }
  }

  /// Present, yet not read as its type: then the answer is not the contract's.
  private mutating func read<Value>(_ key: String, _ take: (BusValue) -> Value?) throws(BusFailure) -> Value? {
    guard let place = dictionary.index(of: key, from: next) else {
      if dictionary.unreadableKeys.contains(key) { throw .malformed }
      return nil
    }
    next = place + 1
    guard let value = take(dictionary.entries[place].value) else { throw .malformed }
    return value
  }
}
