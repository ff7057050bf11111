import OfflineAccess

/// The exit statuses of every command; `--help`, the manual and the code share this one list.
enum ExitStatus: Int32, CaseIterable {
  /// Yes, done.
  case success = 0
  /// No: refused, cancelled or failed.
  case refused = 1
  /// The service could not be reached or did not answer.
  case unavailable = 3
  /// The caller may not do this, or nobody could be asked.
  case notAuthorised = 4
  /// The user has no offline factor.
  case notActivated = 5
  /// Only an online login or a renewal helps.
  case renewalNeeded = 6
  /// Too many failures.
  case locked = 7
  /// A wrong option or argument: EX_USAGE of sysexits.h, which ArgumentParser uses too.
  case usage = 64

  /// The status that tells of a refusal.
  init(_ reason: Refusal.Reason) {
    self =
      switch reason {
      case .notActivated: .notActivated
      case .allowanceExhausted, .allowanceExpired, .clockUntrusted, .onlineProofRequired: .renewalNeeded
      case .locked: .locked
      case .accessDenied, .interactiveAuthorizationRequired: .notAuthorised
      case .invalidArguments: .usage
      case .alreadyActivated, .responseRequired, .badResponse, .responseReplayed, .pinRequired, .badPin,
        .pinLocked, .noSecurityKey, .wrongSecurityKey, .securityKeyRefused, .touchTimeout, .onlineDenied,
        .noSuchActivation, .noSuchUser, .busy, .canceled, .notSupported, .failed:
        .refused
      }
  }

  /// The status that tells of a state; only `ready` is a yes.
  init(_ state: AllowanceState) {
    self =
      switch state {
      case .ready: .success
      case .notActivated: .notActivated
      case .exhausted, .expired, .clockUntrusted, .suspended: .renewalNeeded
      case .locked: .locked
      }
  }

  /// The list as `--help` shows it.
  static var table: String {
    let lines = allCases.map { status in
      let number = String(status.rawValue)
      return "  " + String(repeating: " ", count: max(0, 2 - number.count)) + number + "  " + status.meaning
    }
    return ([Texts.exitStatusHeading] + lines).joined(separator: "\n")
  }

  var meaning: String {
    switch self {
    case .success: Texts.ExitMeaning.success
    case .refused: Texts.ExitMeaning.refused
    case .unavailable: Texts.ExitMeaning.unavailable
    case .notAuthorised: Texts.ExitMeaning.notAuthorised
    case .notActivated: Texts.ExitMeaning.notActivated
    case .renewalNeeded: Texts.ExitMeaning.renewalNeeded
    case .locked: Texts.ExitMeaning.locked
    case .usage: Texts.ExitMeaning.usage
    }
  }
}
