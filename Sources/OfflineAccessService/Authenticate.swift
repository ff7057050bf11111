import BusInterface
import GLibBus
import OfflineAccess

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
    if try await isExempt(account, policy) {
      if showsGrant { record.granted(.exempt) }
      return [UserState.empty(user).report(exempt: true, in: circumstances, via: .exempt).value]
    }
    do throws(Refusal) {
      try checkPresence(call)
      let report = try await prove(user, response, purpose, in: circumstances, record)
      // A yes given to a PAM service is that service's and proves nothing elsewhere; one that cost nothing
      // may come from a factor whose allowance is used up.
      if caller == user.uid, options[.service] == nil, policy.counts.contains(purpose) {
        proofs.add(caller, at: circumstances.moment.uptime)
      }
      record.granted(.offline)
      return [report.value]
    } catch {
      guard error.reason == .notActivated, policy.failureMode == .open else { throw error }
      if showsGrant { record.granted(.failOpen) }
      return [UserState.empty(user).report(exempt: false, in: circumstances, via: .failOpen).value]
    }
  }

  /// Lets the user's factor decide on `response`, and takes down how the user stands then.
  ///
  /// - Parameter purpose: nil for a proof of the factor that is no login.
  func prove(
    _ user: UserIdentity, _ response: String, _ purpose: Purpose?, in circumstances: Circumstances,
    _ record: CallRecord, first check: @escaping @Sendable (UserState) throws(Refusal) -> Void = { _ in }
  ) async throws(Refusal) -> AllowanceReport {
    let (decision, report) = try await transact(user) {
      [algorithm] (state) throws(Refusal) -> (Result<AllowanceReport, Refusal>, AllowanceReport) in
      try check(state)
      do throws(Refusal) {
        let report = try state.authenticate(response: response, purpose: purpose, in: circumstances, by: algorithm)
        return (.success(report), report)
      } catch {
        return (.failure(error), state.report(exempt: false, in: circumstances))
      }
    }
    record.stands(report)
    if case .failure(let refusal) = decision, refusal.reason == .badResponse { record.locks(until: report.lockedUntil) }
    return try decision.get()
  }

  func remainingAllowance(
    _ call: MethodCall, _ caller: UInt32, _ policy: Policy, _ record: CallRecord
  ) async throws(Refusal) -> Reply {
    let account = try await account(try CallArguments(call).user(0), caller: caller, record)
    let subject = account?.identity
    var isGreeter = false
    if caller != 0, caller != subject?.uid, let greeter = try await UserDirectory.account(withID: caller) {
      isGreeter = policy.greeterUsers.contains(greeter.identity.name)
    }
    let rule = AccessRules.readAllowance(caller: caller, callerIsGreeter: isGreeter, subject: subject?.uid)
    try await authorize(rule, call, subject: subject?.name)
    guard let account else { throw Refusal.noSuchUser }
    let user = account.identity
    let circumstances = circumstances(policy)
    let exempt = try await isExempt(account, policy)
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
