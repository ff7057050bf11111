// Which security keys are admitted: the families that data/security-keys.conf lists, and what the administrator
// chose beside them.

/// Models that are treated alike.
public struct KeyFamily: Equatable, Sendable {
  public enum Standing: String, CaseIterable, Sendable {
    case allowed
    case refused
    /// Tokens that type or show one-time passwords and speak no FIDO: named, so that a person is told why such a
    /// token is of no use here.
    case passwordsOnly = "passwords-only"
  }

  public let name: String
  public let standing: Standing
  public let patterns: [KeyPattern]

  public init(name: String, standing: Standing, patterns: [KeyPattern]) {
    self.name = name
    self.standing = standing
    self.patterns = patterns
  }

  func includes(_ identity: KeyIdentity) -> Bool { patterns.contains { $0.matches(identity) } }
}

/// Why a key is admitted or not.
public enum KeyVerdict: Equatable, Sendable {
  /// By a family, the administrator's own list or `keys=any`.
  case admitted
  /// A family that is refused, by name.
  case refusedFamily(String)
  /// The administrator's `refuse`.
  case refusedHere
  /// Nobody lists it.
  case unlisted

  public var isAdmitted: Bool { self == .admitted }
}

/// The families that come with the program.
public struct KeyCatalogue: Equatable, Sendable {
  public let families: [KeyFamily]

  public init(_ families: [KeyFamily]) { self.families = families }

  /// Whether `identity` is admitted.
  ///
  /// What the administrator names goes before what is listed, and a refusal before an admission: makers lend their
  /// vendor ids (HyperFIDO shows Feitian's), so a refused product must not pass for its vendor's sake.
  public func verdict(on identity: KeyIdentity, by policy: SecurityKeyPolicy) -> KeyVerdict {
    if policy.refused.contains(where: { $0.matches(identity) }) { return .refusedHere }
    if policy.allowed.contains(where: { $0.matches(identity) }) { return .admitted }
    switch policy.admission {
    case .any: return .admitted
    case .chosen: return .unlisted
    case .listed:
      if let family = family(.refused, of: identity) { return .refusedFamily(family.name) }
      return family(.allowed, of: identity) == nil ? .unlisted : .admitted
    }
  }

  /// The listed family of a token that speaks no FIDO.
  public func passwordToken(_ identity: KeyIdentity) -> KeyFamily? { family(.passwordsOnly, of: identity) }

  private func family(_ standing: KeyFamily.Standing, of identity: KeyIdentity) -> KeyFamily? {
    families.first { $0.standing == standing && $0.includes(identity) }
  }
}

/// What the administrator chose about security keys.
public struct SecurityKeyPolicy: Equatable, Sendable {
  /// Whether the key has to know its user, by PIN or fingerprint, beside being touched.
  public enum Verification: String, CaseIterable, Sendable {
    case none
    /// Where the key can.
    case preferred
    case required
  }
  public enum Admission: String, CaseIterable, Sendable {
    /// Families that come with the program, and `allow`.
    case listed
    /// Every key that speaks FIDO2 or U2F.
    case any
    /// `allow` alone.
    case chosen
  }

  public var verification = Verification.none
  public var admission = Admission.listed
  public var allowed: [KeyPattern] = []
  public var refused: [KeyPattern] = []
  /// A file of certificates (PEM) to one of which a new key's attestation has to lead; "" where none is asked for.
  public var attestationRoots = ""

  public init() {}
}

/// All that decides about a key, taken together once a call.
public struct KeyRules: Sendable {
  public let policy: SecurityKeyPolicy
  public let catalogue: KeyCatalogue
  /// Certificates (PEM) to which a new key's attestation has to lead; nil where none is asked for.
  public let attestationRoots: [UInt8]?

  public init(policy: SecurityKeyPolicy, catalogue: KeyCatalogue, attestationRoots: [UInt8]?) {
    self.policy = policy
    self.catalogue = catalogue
    self.attestationRoots = attestationRoots
  }

  /// Why a key is not admitted; nil where it is.
  public func refusal(of identity: KeyIdentity) -> Refusal? {
    let verdict = catalogue.verdict(on: identity, by: policy)
    return verdict.isAdmitted ? nil : Refusal.notAdmitted(verdict)
  }
}
