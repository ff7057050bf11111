// The sentences about a user's allowance. Those of refusals stand in Refusals.swift. None holds a secret.

enum Sentences {
  /// Who renews, as the policy stands.
  private static func renewal(_ policy: Policy) -> String {
    policy.authority.kind == .none
      ? "The administrator must renew it first." : "Authenticate online first."
  }

  static func message(for report: AllowanceReport, exempt: Bool, in circumstances: Circumstances) -> String {
    let policy = circumstances.policy
    if exempt { return "This user needs no second factor." }
    if report.via == .failOpen {
      return "Let in without a second factor: none is set up, and the configuration allows it."
    }
    switch report.state {
    case .notActivated:
      return report.offersActivation
        ? "Offline access is not set up yet. It can be set up now."
        : notActivated(policy)
    case .exhausted:
      // After a yes this is news, not a refusal.
      if report.via == nil, circumstances.outage?.isConnected == true, policy.whileConnected != nil {
        return "No offline logins remaining while this computer has a network. \(renewal(policy))"
      }
      return report.via == nil
        ? "No offline logins remaining. \(renewal(policy))" : "That was the last offline login. \(renewal(policy))"
    case .expired:
      let ended = report.lastDay.map { " ended on \($0.spelledOut)" } ?? " has ended"
      return "Offline access\(ended). \(renewal(policy))"
    case .locked: return locked(until: report.lockedUntil ?? circumstances.now, at: circumstances.now)
    case .clockUntrusted: return clockUntrusted(policy)
    case .suspended: return "Offline access is suspended: the online service has refused you. \(renewal(policy))"
    case .ready: return remaining(report, in: circumstances)
    }
  }

  private static func remaining(_ report: AllowanceReport, in circumstances: Circumstances) -> String {
    let policy = circumstances.policy
    var parts: [String] = []
    var nearEnd = false
    if let remaining = report.remaining {
      parts.append("\(remaining) offline login\(remaining == 1 ? "" : "s") remaining")
      nearEnd = nearEnd || Int(remaining) <= policy.warnAt
    }
    if let lastDay = report.lastDay {
      parts.append("\(parts.isEmpty ? "Offline" : "offline") access until \(lastDay.spelledOut)")
      nearEnd = nearEnd || lastDay.number - circumstances.today.number < policy.warnAt
    }
    if parts.isEmpty { return "Offline access is ready." }
    let sentence = parts.joined(separator: ", ") + "."
    guard nearEnd else { return sentence }
    return "Warning: \(sentence) "
      + (policy.authority.kind == .none ? "Ask the administrator to renew it soon." : "Authenticate online soon.")
  }

  static func notActivated(_ policy: Policy) -> String {
    "Offline access is not set up for this user. "
      + (policy.authority.kind != .none
        ? "Authenticate online first, then set it up."
        : policy.standingAlone == .firstLogin
          ? "Set it up at the next login, or ask the administrator." : "Ask the administrator to set it up.")
  }

  static func locked(until end: Int64, at now: Int64) -> String {
    "Too many failed attempts. Try again in \(duration(max(1, end - now)))."
  }

  /// Seconds as a person says them, rounded up.
  static func duration(_ seconds: Int64) -> String {
    if seconds < 120 { return seconds == 1 ? "1 second" : "\(seconds) seconds" }
    return "\((seconds + 59) / 60) minutes"
  }

  static func clockUntrusted(_ policy: Policy) -> String {
    "This computer's clock stands behind a time it has already seen. "
      + (policy.authority.kind == .none
        ? "Set it right, or let the administrator renew offline access." : "Set it right, or authenticate online.")
  }

  static func responseRequired(_ report: AllowanceReport) -> String {
    "Type the offline passcode of your authenticator app. \(report.message)"
  }
}

/// What a person reads while an online service is asked. Front ends recognise prompts by these words.
public enum OnlineSentences {
  public static let contacting = "Contacting the online service"
  public static let approve = "Approve the request on your phone"
  /// An empty answer waits on, a passcode leaves the request.
  public static let approvePrompt = "Approve on your phone, then press Enter; or type a passcode: "
  public static let passcodePrompt = "Online passcode: "

  /// Why the offline factor is asked for instead.
  public static func unreachable(_ left: UInt32?) -> String {
    let sentence = "The online service cannot be reached"
    guard let left else { return sentence }
    return "\(sentence). While this computer has a network, \(left) offline login\(left == 1 ? "" : "s") can be used"
  }
}
