import OfflineAccess

/// The words of the journal, as the manual lists them.
enum AuditText {
  /// For `@EVENTS@`.
  static var events: [String] {
    Mdoc.list(
      AuditEvent.allCases.map { event in
        let fields = event.fields.map(\.rawValue).joined(separator: ", ")
        return ("Cm " + Mdoc.word(event.rawValue), Mdoc.prose(event.meaning + (fields.isEmpty ? "" : " (\(fields))")))
      })
  }

  /// For `@FIELDS@`.
  static var fields: [String] {
    Mdoc.list(
      AuditField.allCases.map { field in
        ("Cm \(Mdoc.word(field.rawValue)) Pq Li \(Mdoc.word(field.journalName))", Mdoc.prose(field.meaning))
      })
  }

  /// For `@STEPS@`.
  static var steps: [String] {
    Mdoc.list(ActivationStep.allCases.map { ("Cm " + Mdoc.word($0.rawValue), Mdoc.prose($0.meaning)) })
  }
}

extension AuditEvent {
  var meaning: String {
    switch self {
    case .granted: "A yes of the factor, or without one where the configuration lets the user in."
    case .refused: "A no to a call; that a passcode is needed is none."
    case .online: "What the online authority answered; a possible attack is an error."
    case .locked: "A wrong passcode or PIN locked the user."
    case .activation: "A step of a set-up, see below."
    case .renewal: "The allowance was filled again."
    case .deactivation: "The factor was removed."
    case .configuration: "A changed configuration is in force; one with an error is a fault."
    case .service: "The service began to answer, or ends."
    case .fault: "Something is broken or wrongly set up; the message says what."
    }
  }
}

extension AuditField {
  var meaning: String {
    switch self {
    case .user: "The user whom it is about."
    case .uid: "That user's id."
    case .by: "The user id that called, as the bus tells it; another one than uid is an administrator or a PAM host."
    case .call: "The method that was called."
    case .purpose: "login, unlock or elevation."
    case .service: "The PAM service, as the caller names it."
    case .remote: "The host that the person comes from, as the caller names it."
    case .method: "The kind of factor."
    case .via: "The way to the yes."
    case .reason: "The last part of the error's name."
    case .remaining: "Logins left after it."
    case .lastDay: "The last day, as an ISO date in local time."
    case .lockedUntil: "The end of the lock, in seconds since 1970 UTC."
    case .activation: "The number of the set-up."
    case .kind: "first, or replacement of a factor that is there."
    case .step: "The step of the set-up."
    case .verdict: "approved, bypassed, denied, unreachable or misconfigured."
    case .proof: "What the authority knows an approval by: a transaction, or a token's serial."
    case .detail: "What the authority, or the program that asked it, says."
    case .outage: "Why the offline factor stood in for the authority."
    }
  }
}

extension ActivationStep {
  var meaning: String {
    switch self {
    case .started: "Activate or Reactivate began it, and gave a secret away where it is a passcode's."
    case .proven: "A trial found the new factor right; nothing is stored yet."
    case .confirmed: "The factor is set up."
    case .refused: "Confirm or Cancel was refused, be it a wrong code, no touch or somebody else's set-up."
    case .cancelled: "Cancel was called."
    case .replaced: "A newer set-up of the user took its place."
    case .expired: "Its ten minutes were over."
    case .dropped: "It ended with the user's factor, which was set up or removed otherwise, or with the service."
    }
  }
}
