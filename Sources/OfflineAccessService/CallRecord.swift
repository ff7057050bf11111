import BusInterface
import GLibBus
import OfflineAccess

/// One call as the journal tells it: filled in while the call is answered.
@BusActor
final class CallRecord {
  private let call: String
  /// The user id that calls, once the bus has told.
  var caller: UInt32?
  /// Whom the call is about, once the directory has told.
  var user: UserIdentity?
  /// The number of the set-up that the call is about.
  var activation: UInt64?
  private var details: Journal.Fields = [:]
  private var lock: Int64?

  init(_ call: String) { self.call = call }

  private var fields: Journal.Fields {
    var fields = details.merging(user?.journalFields ?? [:]) { $1 }
    fields[.call] = call
    fields[.by] = caller.map(String.init)
    fields[.activation] = activation.map(String.init)
    return fields
  }

  /// Whose refusals this call's counts among: the caller's, as nobody's calls may hide those of others. Root
  /// speaks for the users at its prompts.
  var origin: UInt32? { caller == 0 ? user?.uid ?? 0 : caller }

  /// Takes down what an authentication is for.
  func attempt(_ purpose: Purpose, _ options: [OptionKey: String]) {
    details[.purpose] = purpose.rawValue
    details[.service] = options[.service]
    details[.remote] = options[.remote]
  }

  /// Takes down how a user stands after a decision.
  func stands(_ report: AllowanceReport) {
    details[.method] = report.method?.rawValue
    details[.remaining] = report.remaining.map(String.init)
    details[.lastDay] = report.lastDay?.iso
    details[.lockedUntil] = report.lockedUntil.map(String.init)
  }

  /// Tells of an authority's answer, loudly where it may be an attack.
  func online(_ answer: AuthorityAnswer) {
    var fields = fields
    fields[.verdict] = answer.verdict.word
    fields[.reason] = answer.reason
    fields[.detail] = answer.detail.isEmpty ? nil : answer.detail
    if case .approved(let proof) = answer.verdict { fields[.proof] = proof }
    let message = "the authority about \(user?.name ?? "somebody unknown"): \(answer.verdict.word) (\(answer.reason))"
    if answer.isAlarm {
      Journal.alarm(.online, "possible attack, or a wrong set-up: " + message, fields)
    } else if answer.verdict == .misconfigured {
      Journal.alarm(.online, message, fields)
    } else {
      Journal.note(.online, message, fields)
    }
  }

  /// Takes down why the offline factor stands in.
  func goesOffline(_ outage: Outage) { details[.outage] = outage.reason }

  /// This call's wrong response locked the user.
  func locks(until end: Int64?) { lock = end }

  func granted(_ via: Via) {
    guard let user else { return }
    let how =
      switch via {
      case .offline: "passed offline by \(details[.method] ?? "its factor")"
      case .online: "passed online"
      case .exempt: "passed, exempt"
      case .failOpen: "LET IN WITHOUT A FACTOR, as mode=open allows"
      }
    var fields = fields
    fields[.via] = via.rawValue
    fields[.lockedUntil] = nil
    Journal.note(.granted, "\(user.name) \(how) (\(details[.purpose] ?? call))", fields)
  }

  func refused(_ reason: Refusal.Reason) {
    var fields = fields
    fields[.reason] = reason.rawValue
    if let activation {
      fields[.step] = ActivationStep.refused.rawValue
      let owner = user.map { " for \($0.name)" } ?? ""
      return Journal.note(.activation, "set-up \(activation)\(owner): \(call) refused: \(reason.rawValue)", fields)
    }
    let who = caller.map { "user id \($0)" } ?? "somebody unknown"
    let what =
      if let user, let purpose = details[.purpose] {
        "\(user.name) refused: \(reason.rawValue) (\(purpose))"
      } else {
        "\(call) by \(who) refused: \(reason.rawValue)"
      }
    Journal.note(.refused, what, fields)
  }

  /// Tells of the lock that this call led to, if it did.
  func tellLock() {
    guard let lock, let user else { return }
    var fields = fields.filter { AuditEvent.locked.fields.contains($0.key) }
    fields[.lockedUntil] = String(lock)
    Journal.note(.locked, "\(user.name) is locked after too many failures", fields)
  }

  /// Tells of what the administrator did.
  func done(_ event: AuditEvent, _ message: String) { Journal.note(event, message, fields) }
}
