/// Walks every way through a PAM stack, as PAM itself would go, and tells where the second factor is
/// left out.
///
/// Password modules and conditions may succeed or fail, so both ways are followed; all other modules
/// are taken to do what they usually do.
struct PAMWalk {
  /// How one way through the stack ended.
  struct Way: Equatable {
    enum End { case reachedFactor, letIn, denied }
    var end: End
    /// The factor was asked on this way.
    var asked: Bool
    /// The module that gave the yes for the password on this way.
    var password: PAMRule?
    /// The module that ended the stack, or skipped some of it, last.
    var decider: PAMRule?
    /// The condition that ended or skipped something: such a way is not for everybody.
    var condition: PAMRule?
    /// A module had refused already.
    var hadFailed: Bool
  }

  /// What the factor itself answers; nil ends every way where it is asked.
  private let factorAnswer: String?

  private enum Impression { case undefined, positive, negative }
  private struct State {
    var asked = false
    var impression = Impression.undefined
    var password: PAMRule?
    var decider: PAMRule?
    var condition: PAMRule?

    /// Remembers a rule that ended the stack or skipped some of it.
    mutating func note(_ rule: PAMRule) {
      decider = rule
      if conditions.contains(rule.moduleName) { condition = rule }
    }

    func way(_ end: Way.End) -> Way {
      Way(
        end: end, asked: asked, password: password, decider: decider, condition: condition,
        hadFailed: impression == .negative)
    }
  }
  /// One end of a list of entries.
  private enum Exit {
    case through(State)
    case ended(State)
    case reached(State)
  }

  static let factorModule = "pam_offline_access"
  /// Modules that ask for a password, or take the place of one that does.
  static let passwordModules: Set<String> = [
    "pam_unix", "pam_unix2", "pam_unix_auth", "pam_sss", "pam_ldap", "pam_krb5", "pam_winbind", "pam_himmelblau",
    "pam_authd", "pam_authd_exec", "pam_systemd_home", "pam_userdb", "pam_pwdfile", "pam_tcb", "pam_radius_auth",
    "pam_mysql", "pam_pgsql", "pam_kanidm", "pam_oslogin_login", "pam_aad", "pam_cifs",
  ]
  /// Modules whose answer depends on who asks and where.
  private static let conditions: Set<String> = [
    "pam_succeed_if", "pam_localuser", "pam_usertype", "pam_rootok", "pam_wheel", "pam_listfile", "pam_access",
    "pam_fprintd", "pam_u2f", "pam_exec", "pam_rhosts", "pam_ssh_agent_auth", "pam_google_authenticator", "pam_oath",
    "pam_duo", "pam_autologin", "pam_time", "pam_securetty", "pam_pkcs11", "pam_p11", "pam_howdy", "pam_poldi",
  ]
  private static let mostWays = 4096

  /// All ways through `stack` that differ: up to the factor, or to the end if `answer` is what it answers.
  static func ways(through stack: PAMStack, answering answer: String? = nil) -> [Way] {
    let walk = PAMWalk(factorAnswer: answer)
    var ways: [Way] = []
    for exit in walk.follow(stack.entries[...], State()) {
      let way =
        switch exit {
        case .reached(let state): state.way(.reachedFactor)
        case .through(let state), .ended(let state): state.way(state.impression == .positive ? .letIn : .denied)
        }
      if !ways.contains(way) { ways.append(way) }
    }
    return ways
  }

  private func follow(_ entries: ArraySlice<PAMStack.Entry>, _ state: State) -> [Exit] {
    guard let entry = entries.first else { return [.through(state)] }
    let rest = entries.dropFirst()
    switch entry {
    case .substack(let inner):
      // Within a substack, `done` and `die` end the substack only.
      var exits: [Exit] = []
      for exit in follow(inner[...], state) {
        switch exit {
        case .reached: exits.append(exit)
        case .through(let state), .ended(let state): exits += follow(rest, state)
        }
        if exits.count > Self.mostWays { break }
      }
      return exits
    case .rule(let rule):
      if rule.moduleName == Self.factorModule {
        var state = state
        state.asked = true
        guard let factorAnswer else { return [.reached(state)] }
        return apply(rule, result: factorAnswer, rest: rest, state)
      }
      var exits: [Exit] = []
      for result in Self.results(of: rule) {
        exits += apply(rule, result: result, rest: rest, state)
        if exits.count > Self.mostWays { break }
      }
      return exits
    }
  }

  private static let success = "success"
  private static let failure = "auth_err"

  /// What the module may answer.
  private static func results(of rule: PAMRule) -> [String] {
    let name = rule.moduleName
    if name == "pam_deny" || name == "pam_faillock" && rule.arguments.contains("authfail") { return [failure] }
    if passwordModules.contains(name) || conditions.contains(name) { return [success, failure] }
    return [success]
  }

  private func apply(
    _ rule: PAMRule, result: String, rest: ArraySlice<PAMStack.Entry>, _ before: State
  ) -> [Exit] {
    var state = before
    let succeeds = result == Self.success
    if succeeds, Self.passwordModules.contains(rule.moduleName) { state.password = rule }
    switch rule.control.action(for: result) {
    case .ignore: break
    case .ok:
      if state.impression == .undefined { state.impression = succeeds ? .positive : .negative }
    case .done:
      if state.impression == .undefined { state.impression = succeeds ? .positive : .negative }
      if state.impression == .positive {
        state.note(rule)
        return [.ended(state)]
      }
    case .bad: state.impression = .negative
    case .die:
      state.impression = .negative
      return [.ended(state)]
    case .reset: state.impression = .undefined
    case .jump(let count):
      guard count <= rest.count else {
        state.impression = .negative
        return [.ended(state)]
      }
      state.note(rule)
      return follow(rest.dropFirst(count), state)
    }
    return follow(rest, state)
  }
}
