// The words of the contract. Each raw value is what travels on the bus, so these are the one
// place where a word is spelled. This file also compiles as Embedded Swift (PAM module, helper).

/// The kind of factor a user can hold. A user holds exactly one.
public enum FactorMethod: String, CaseIterable, Sendable {
  /// A passcode from an authenticator app: TOTP (RFC 6238) or HOTP (RFC 4226).
  case passcode
  /// A FIDO2 or U2F security key.
  case securityKey = "security-key"
}

/// What a person authenticates for; decides whether a yes draws down the allowance.
public enum Purpose: String, CaseIterable, Sendable {
  case login
  case unlock
  case elevation
}

/// Whether the offline factor may be used now, and if not, why.
public enum AllowanceState: String, CaseIterable, Sendable {
  case ready
  /// All offline logins are used up.
  case exhausted
  /// The last day is over.
  case expired
  /// Too many failures; see `locked-until`.
  case locked
  /// The clock stands behind a time this machine has already seen.
  case clockUntrusted = "clock-untrusted"
  case notActivated = "not-activated"
  /// The authority refused the user; its approval ends that.
  case suspended
}

/// By what the allowance is bounded.
public enum LimitKind: String, CaseIterable, Sendable {
  case logins
  case days
  case both
  case unlimited

  /// Whether the number of logins bounds the allowance.
  public var countsLogins: Bool { self == .logins || self == .both }
  /// Whether a last day bounds the allowance.
  public var countsDays: Bool { self == .days || self == .both }
}

/// By which way an authentication came to its yes.
public enum Via: String, CaseIterable, Sendable {
  case offline
  case online
  /// Let in without a factor because the administrator chose `mode=open`.
  case failOpen = "fail-open"
  /// The user is exempt by configuration.
  case exempt
}

/// What the service waits for while a call is under way (advisory).
public enum ProgressState: String, CaseIterable, Sendable {
  case keyNeeded = "key-needed"
  case touchNeeded = "touch-needed"
  case touchAccepted = "touch-accepted"
  case wrongKey = "wrong-key"
  case pinNeeded = "pin-needed"
  case retry
  case onlineWaiting = "online-waiting"
}

/// Who vouches for users before offline access is granted or renewed.
public enum AuthorityKind: String, CaseIterable, Sendable {
  /// No online service: the machine's administrator is the authority.
  case none
  case privacyIDEA = "privacyidea"
  case duo
  case radius
}
