import BusInterface
import GLibBus
import OfflineAccess
import SecurityKey

extension FactorService {
  func authenticate(
    _ call: MethodCall, _ caller: UInt32, _ policy: Policy, _ record: CallRecord
  ) async throws(Refusal) -> Reply {
    let arguments = CallArguments(call)
    let response = try arguments.response(1)
    let options = try arguments.options(2, allowed: [.service, .purpose, .remote, .pin])
    let purpose = try options.purpose()
    record.attempt(purpose, options)
    let account = try await account(try arguments.user(0), caller: caller, record)
    let subject = account?.identity
    try await authorize(AccessRules.authenticate(caller: caller, subject: subject?.uid), call, subject: subject?.name)
    guard let account else { throw Refusal.noSuchUser }
    let user = account.identity
    let circumstances = circumstances(policy)

    // Where there is no code to spend, a user might say this as often as a program can.
    var showsGrant: Bool { caller == 0 || refusals.shows(caller, at: circumstances.moment.uptime) }
    if try await isExempt(account, policy, caller: caller) {
      if showsGrant { record.granted(.exempt) }
      return [UserState.empty(user).report(exempt: true, in: circumstances, via: .exempt).value]
    }
    try checkPresence(call)
    var attempt = Attempt(call: call, caller: caller, response: response, purpose: purpose, options: options)
    if policy.authority.kind != .none {
      switch try await authenticateOnline(user, attempt, purpose, policy, record) {
      case .passed(let report): return [report.value]
      case .offline(let outage, let isForFactor):
        attempt.outage = outage
        if !isForFactor { attempt.response = "" }
        record.goesOffline(outage)
        await announce(outage, to: user, attempt, policy)
      }
    }
    do throws(Refusal) {
      let report = try await proveOffline(user, attempt, policy, record)
      // A yes given to a PAM service is that service's and proves nothing elsewhere; one that cost nothing
      // may come from a factor whose allowance is used up.
      if policy.authority.kind == .none, caller == user.uid, options[.service] == nil, policy.counts.contains(purpose) {
        proofs.add(caller, at: circumstances.moment.uptime)
      }
      record.granted(.offline)
      return [report.value]
    } catch {
      // Nobody is to come in by setting up, now that the authority cannot be asked, on what it said of somebody before.
      if error.reason == .notActivated, attempt.outage != nil { approvals.remove(user.uid) }
      guard error.reason == .notActivated, policy.failureMode == .open else { throw error }
      if showsGrant { record.granted(.failOpen) }
      return [UserState.empty(user).report(exempt: false, in: circumstances, via: .failOpen).value]
    }
  }

  /// Lets the user's factor decide; whoever is asked for its response or PIN in an authority's place brings it next.
  private func proveOffline(
    _ user: UserIdentity, _ attempt: Attempt, _ policy: Policy, _ record: CallRecord
  ) async throws(Refusal) -> AllowanceReport {
    do throws(Refusal) { return try await prove(user, attempt, policy, record) } catch {
      if let outage = attempt.outage, [.responseRequired, .pinRequired].contains(error.reason) {
        online.standIn(for: outage, user, attempt.call, by: attempt.caller)
      }
      throw error
    }
  }

  /// What is asked of a user's factor.
  struct Attempt {
    let call: MethodCall
    let caller: UInt32
    var response: String
    /// Nil for a proof of the factor that is no login.
    let purpose: Purpose?
    let options: [OptionKey: String]
    /// When the call began, by `KeyRing.uptime`.
    let begun = KeyRing.uptime()
    /// Why an authority did not decide.
    var outage: Outage?
  }

  /// Lets the user's factor decide, and takes down how the user stands then.
  func prove(
    _ user: UserIdentity, _ attempt: Attempt, _ policy: Policy, _ record: CallRecord,
    first check: @escaping @Sendable (UserState) throws(Refusal) -> Void = { _ in }
  ) async throws(Refusal) -> AllowanceReport {
    let circumstances = circumstances(policy, outage: attempt.outage)
    let (response, purpose) = (attempt.response, attempt.purpose)
    // What was typed for an authority is nothing to a key.
    let mayTouch = response.isEmpty || attempt.outage != nil
    // In one transaction, since most users have no key.
    let look = try await transact(user) { [algorithm] (state) throws(Refusal) -> FirstLook in
      try check(state)
      if mayTouch, let key = try? state.keyToTouch(for: purpose, in: circumstances) { return .touch(key) }
      return .decided(
        Decision(of: &state, in: circumstances) { (state) throws(Refusal) in
          try state.authenticate(response: response, purpose: purpose, in: circumstances, by: algorithm)
        })
    }
    switch look {
    case .touch(let key): return try await prove(user, by: key, attempt, policy, record)
    case .decided(let decision): return try told(decision, record)
    }
  }

  private enum FirstLook: Sendable {
    case touch(SecurityKeyFactor)
    case decided(Decision)
  }

  /// Waits for a touch of `key` and lets it decide.
  private func prove(
    _ user: UserIdentity, by key: SecurityKeyFactor, _ attempt: Attempt, _ policy: Policy, _ record: CallRecord
  ) async throws(Refusal) -> AllowanceReport {
    guard attempt.options[.remote, default: ""].isEmpty else { throw Refusal.remoteTouch }
    let rules = try policy.keyRules()
    let purpose = attempt.purpose
    return try await touches.take(
      .init(user: user), attempt.call, by: attempt.caller, rules, pin: attempt.options[.pin], begun: attempt.begun
    ) { [keys] (request) async throws(Refusal) in
      try await keys.prove(key, request)
    } decide: { (touch) async throws(Refusal) in
      // The touch took its time: one more look at the clocks.
      let circumstances = circumstances(policy, outage: attempt.outage)
      let decision = try await transact(user) { (state) throws(Refusal) in
        Decision(of: &state, in: circumstances) { (state) throws(Refusal) in
          try state.authenticate(touch: touch, purpose: purpose, in: circumstances)
        }
      }
      return try told(decision, record)
    }
  }

  /// A decision of the domain, with how the user stands after it.
  private struct Decision: Sendable {
    let result: Result<AllowanceReport, Refusal>
    let report: AllowanceReport

    init(
      of state: inout UserState, in circumstances: Circumstances,
      _ decide: (inout UserState) throws(Refusal) -> AllowanceReport
    ) {
      do throws(Refusal) {
        report = try decide(&state)
        result = .success(report)
      } catch {
        result = .failure(error)
        report = state.report(exempt: false, in: circumstances)
      }
    }
  }

  private func told(_ decision: Decision, _ record: CallRecord) throws(Refusal) -> AllowanceReport {
    record.stands(decision.report)
    if case .failure(let refusal) = decision.result, refusal.isGuess {
      record.locks(until: decision.report.lockedUntil)
    }
    return try decision.result.get()
  }

  func remainingAllowance(
    _ call: MethodCall, _ caller: UInt32, _ policy: Policy, _ record: CallRecord
  ) async throws(Refusal) -> Reply {
    let account = try await account(try CallArguments(call).user(0), caller: caller, record)
    let subject = account?.identity
    var isGreeter = false
    if caller != 0, caller != subject?.uid, let greeter = try await UserDirectory.account(withID: caller, for: caller) {
      isGreeter = policy.greeterUsers.contains(greeter.identity.name)
    }
    let rule = AccessRules.readAllowance(caller: caller, callerIsGreeter: isGreeter, subject: subject?.uid)
    try await authorize(rule, call, subject: subject?.name)
    guard let account else { throw Refusal.noSuchUser }
    let user = account.identity
    let isApproved = approvals.holds(user.uid, at: Moment.now().uptime)
    let circumstances = circumstances(policy, isApproved: isApproved)
    let exempt = try await isExempt(account, policy, caller: caller)
    let report = try await transact(user) { (state) throws(Refusal) in
      state.observe(in: circumstances)
      return state.report(exempt: exempt, in: circumstances)
    }
    return [report.value]
  }
}

extension UserState {
  /// A user without a factor, where the store need not be asked.
  fileprivate static func empty(_ user: UserIdentity) -> UserState {
    UserState(user: user, enrollment: nil, clockMark: 0)
  }
}
