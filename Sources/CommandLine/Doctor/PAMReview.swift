import OfflineAccess

/// What a PAM service makes of the second factor.
struct PAMReview {
  enum Fault: Equatable {
    /// A wrong answer, or a service that is away, does not keep anybody out.
    case answerDoesNotCount(PAMRule)
    /// Some results of the factor are ignored or skipped; the others count.
    case someAnswersIgnored(PAMRule, results: [String])
    /// A way leads in without the factor.
    case skipped(by: PAMRule)
    /// The stack never gets as far as the factor.
    case neverReached
    /// The factor is asked before the password.
    case beforePassword(PAMRule)
    /// No module asks for a password.
    case noPassword(PAMRule)
    /// Asked although the password was wrong.
    case askedAfterFailure(PAMRule)
    case unknownArgument(PAMRule, String)
    case unreadable(String)

    /// Whether the second factor does not protect.
    var isSevere: Bool {
      switch self {
      case .answerDoesNotCount, .someAnswersIgnored, .skipped, .neverReached, .unreadable: true
      case .beforePassword, .noPassword, .askedAfterFailure, .unknownArgument: false
      }
    }
  }

  let service: String
  /// The line that asks for the factor.
  let rule: PAMRule
  let faults: [Fault]
  /// Rules that let some people past without the factor, by the administrator's choice.
  let exceptions: [PAMRule]

  /// Results by which the module says no. It never answers `ignore`.
  private static let refusals = [
    "auth_err", "authinfo_unavail", "cred_insufficient", "maxtries", "user_unknown", "perm_denied", "system_err",
    "service_err", "buf_err", "conv_err", "abort",
  ]
  /// Arguments that the module knows, without their values.
  private static let knownArguments: Set<String> = ["purpose", "quiet"]

  /// Reviews a stack; nil where it does not ask for the factor.
  init?(_ stack: PAMStack) {
    guard let rule = stack.rule(of: PAMWalk.factorModule) else { return nil }
    service = stack.service
    self.rule = rule

    let ways = PAMWalk.ways(through: stack)
    let reaching = ways.filter { $0.end == .reachedFactor }
    let leadingPast = ways.filter { $0.end == .letIn }
    var faults = stack.faults.map(Fault.unreadable)
    if reaching.isEmpty { faults.append(.neverReached) }
    for way in leadingPast where way.condition == nil {
      let fault = Fault.skipped(by: way.decider ?? way.password ?? rule)
      if !faults.contains(fault) { faults.append(fault) }
    }
    faults += Self.answerFaults(of: rule, in: stack)
    // The ways end at the factor: a password that none of them met comes later, or not at all.
    if !reaching.isEmpty, !ways.contains(where: { $0.password != nil }) {
      let asksLater = PAMWalk.passwordModules.contains { stack.rule(of: $0) != nil }
      faults.append(asksLater ? .beforePassword(rule) : .noPassword(rule))
    } else if reaching.contains(where: \.hadFailed) {
      faults.append(.askedAfterFailure(rule))
    }
    faults += Self.argumentFaults(of: rule)
    self.faults = faults

    var exceptions: [PAMRule] = []
    for way in leadingPast {
      if let condition = way.condition, !exceptions.contains(condition) { exceptions.append(condition) }
    }
    self.exceptions = exceptions
  }

  /// The refusals that a way through the stack survives.
  private static func answerFaults(of rule: PAMRule, in stack: PAMStack) -> [Fault] {
    var verdicts: [PAMControl.Action: Bool] = [:]
    let lenient = refusals.filter { result in
      let action = rule.control.action(for: result)
      if let known = verdicts[action] { return known }
      let letsIn = PAMWalk.ways(through: stack, answering: result).contains { $0.asked && $0.end == .letIn }
      verdicts[action] = letsIn
      return letsIn
    }
    if lenient.contains("auth_err") { return [.answerDoesNotCount(rule)] }
    return lenient.isEmpty ? [] : [.someAnswersIgnored(rule, results: lenient)]
  }

  private static func argumentFaults(of rule: PAMRule) -> [Fault] {
    rule.arguments.filter { argument in
      let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
      guard let name = parts.first, knownArguments.contains(name) else { return true }
      if name == "quiet" { return parts.count > 1 }
      return parts.count < 2 || Purpose(rawValue: parts[1]) == nil
    }.map { .unknownArgument(rule, $0) }
  }
}
