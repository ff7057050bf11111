// The words of the journal: what an administrator searches for. Code and manual take them from here.

/// What happened.
public enum AuditEvent: String, CaseIterable, Sendable {
  /// A yes to an authentication.
  case granted
  /// A no to any call.
  case refused
  /// A wrong response locked the user.
  case locked
  /// What an online authority answered.
  case online
  /// A set-up took a step.
  case activation
  case renewal
  case deactivation
  /// A changed configuration is in force.
  case configuration
  /// The service began or ended.
  case service
  /// Something is broken or wrongly set up.
  case fault

  /// The fields that may stand beside it; absent where they are unknown or mean nothing.
  public var fields: [AuditField] {
    let attempt: [AuditField] = [.user, .uid, .by, .call, .purpose, .service, .remote, .method]
    let left: [AuditField] = [.remaining, .lastDay]
    return switch self {
    case .granted: attempt + [.via, .outage] + left
    case .refused: attempt + [.reason, .outage] + left + [.lockedUntil]
    case .locked: attempt + [.lockedUntil]
    case .online: [.user, .uid, .by, .call, .purpose, .service, .remote, .verdict, .reason, .proof, .detail]
    case .activation: [.user, .uid, .by, .call, .method, .reason, .activation, .kind, .step]
    case .renewal: [.user, .uid, .by, .call, .method] + left
    case .deactivation: [.user, .uid, .by, .call]
    case .configuration, .service, .fault: []
    }
  }
}

/// A field of an entry.
public enum AuditField: String, CaseIterable, Sendable {
  case user
  case uid
  case by
  case call
  case purpose
  case service
  case remote
  case method
  case via
  case reason
  case remaining
  case lastDay = "last-day"
  case lockedUntil = "locked-until"
  case activation
  case kind
  case step
  case verdict
  case proof
  case detail
  case outage

  /// Its name in the journal.
  public var journalName: String { Self.journalName(rawValue) }
  /// The journal's name for the event itself.
  public static let eventJournalName = journalName("event")

  private static func journalName(_ word: String) -> String {
    "OFFLINE_ACCESS_" + String(word.uppercased().map { $0 == "-" ? "_" : $0 })
  }
}

/// The steps of a set-up.
public enum ActivationStep: String, CaseIterable, Sendable {
  case started
  /// A trial found the new factor right; nothing is stored yet.
  case proven
  case confirmed
  /// Confirm or Cancel was refused.
  case refused
  case cancelled
  /// A newer set-up of the same user took its place.
  case replaced
  /// Its time was over.
  case expired
  /// It ended with the user's factor or with the service.
  case dropped
}
