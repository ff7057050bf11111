/// The credential that a security key made for a user, and how far its counter has got.
public struct SecurityKeyFactor: Equatable, Sendable {
  /// Bytes of a public key: the two coordinates of a point of P-256.
  public static let publicKeyLength = 64
  /// The longest credential id that a key may make (WebAuthn Level 2, section 4, "Credential ID").
  public static let longestCredential = 1023
  public static let longestRelyingParty = 253

  /// The name that the credential was made for (CTAP2: rp.id), which is this machine's alone.
  public let relyingParty: String
  public let credential: [UInt8]
  /// ES256 (COSE -7), which every key speaks.
  public let publicKey: [UInt8]
  /// The model that made it.
  public let identity: KeyIdentity
  /// The highest signature counter seen; 0 where the key does not count.
  public var counter: UInt32

  /// Nil where a part has a length that no key makes.
  public init?(
    relyingParty: String, credential: [UInt8], publicKey: [UInt8], identity: KeyIdentity, counter: UInt32
  ) {
    guard (1...Self.longestRelyingParty).contains(relyingParty.utf8.count),
      (1...Self.longestCredential).contains(credential.count), publicKey.count == Self.publicKeyLength
    else { return nil }
    self.relyingParty = relyingParty
    self.credential = credential
    self.publicKey = publicKey
    self.identity = identity
    self.counter = counter
  }

  /// The factor after a signature with the counter `next`.
  ///
  /// - Throws: where the counter has not risen although the key counts: the signature may come from a copy of the
  ///   key (WebAuthn Level 2, section 6.1.1). A counter that is always 0 is allowed there.
  func advanced(to next: UInt32) throws(Refusal) -> Self {
    guard next > counter || (next == 0 && counter == 0) else { throw Refusal.possibleClone }
    var factor = self
    factor.counter = next
    return factor
  }
}

/// A signature of a key that was found right: over this call's own challenge, by the credential's public key, for
/// the relying party, with the user present.
public struct KeyProof: Equatable, Sendable {
  /// The credential that signed.
  public let credential: [UInt8]
  public let counter: UInt32

  public init(credential: [UInt8], counter: UInt32) {
    self.credential = credential
    self.counter = counter
  }
}

/// How a touch is asked for.
public struct TouchRequest: Sendable {
  /// Milliseconds that a touch may be waited for: below the 25 seconds after which clients of D-Bus usually give up.
  public static let longestWait: Int64 = 20_000

  public let rules: KeyRules
  /// The key's PIN where the person was asked for it.
  public let pin: Secret?
  /// Milliseconds that are left for the wait.
  public let wait: Int64
  /// Whether an ordinary user asks, not root for a prompt: such a wait gives way to a login.
  public let yields: Bool
  /// Called, from any thread, before the state it tells of begins.
  public let progress: @Sendable (ProgressState) -> Void

  public init(
    rules: KeyRules, pin: Secret?, wait: Int64 = longestWait, yields: Bool,
    progress: @escaping @Sendable (ProgressState) -> Void
  ) {
    self.rules = rules
    self.pin = pin
    self.wait = wait
    self.yields = yields
    self.progress = progress
  }
}

/// Whom a new credential is for, as a key may show it.
public struct KeyHolder: Sendable {
  public let user: UserIdentity
  /// This machine's name.
  public let machine: String

  public init(user: UserIdentity, machine: String) {
    self.user = user
    self.machine = machine
  }
}
