import BusInterface
import GLibBus
import OfflineAccess

extension FactorService {
  func authenticate(_ call: MethodCall, _ caller: UInt32, _ policy: Policy) async throws(Refusal) -> Reply {
    let arguments = CallArguments(call)
    let response = try arguments.response(1)
    let options = try arguments.options(2, allowed: [.service, .purpose, .remote, .pin])
    let purpose = try options.purpose()
    let account = try await account(try arguments.user(0), caller: caller)
    let subject = account?.identity
    try await authorize(AccessRules.authenticate(caller: caller, subject: subject?.uid), call, subject: subject?.name)
    guard let account else { throw Refusal.noSuchUser }
    let user = account.identity
    let circumstances = circumstances(policy)
    let record = AuthenticationRecord(user: user, purpose: purpose, options: options)

    if try await isExempt(account, policy) {
      record.granted(.exempt)
      return [UserState.empty(user).report(exempt: true, in: circumstances, via: .exempt).value]
    }
    do throws(Refusal) {
      try checkPresence(call)
      let report = try await transact(user) { [algorithm] (state) throws(Refusal) in
        try state.authenticate(response: response, purpose: purpose, in: circumstances, by: algorithm)
      }
      // A yes given to a PAM service is that service's and proves nothing elsewhere; one that cost nothing
      // may come from a factor whose allowance is used up.
      if caller == user.uid, options[.service] == nil, policy.counts.contains(purpose) {
        proofs.add(caller, at: circumstances.moment.uptime)
      }
      record.granted(.offline)
      return [report.value]
    } catch {
      guard error.reason == .notActivated, policy.failureMode == .open else {
        // A question for what is needed is no event.
        if error.reason != .responseRequired, refusals.shows(user.uid, at: circumstances.moment.uptime) {
          record.refused(error.reason)
        }
        throw error
      }
      record.granted(.failOpen)
      return [UserState.empty(user).report(exempt: false, in: circumstances, via: .failOpen).value]
    }
  }

  func remainingAllowance(_ call: MethodCall, _ caller: UInt32, _ policy: Policy) async throws(Refusal) -> Reply {
    let account = try await account(try CallArguments(call).user(0), caller: caller)
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

/// One authentication as the journal tells it.
private struct AuthenticationRecord {
  let user: UserIdentity
  let purpose: Purpose
  let options: [OptionKey: String]

  private var fields: [(String, String)] {
    [("PURPOSE", purpose.rawValue)]
      + [("SERVICE", OptionKey.service), ("REMOTE", .remote)].compactMap { name, key in options[key].map { (name, $0) }
      }
  }

  func granted(_ via: Via) {
    let how =
      switch via {
      case .offline: "passed offline by passcode"
      case .online: "passed online"
      case .exempt: "passed, exempt"
      case .failOpen: "LET IN WITHOUT A FACTOR, as mode=open allows"
      }
    Journal.note(
      .granted, "\(user.name) \(how) (\(purpose.rawValue))", user: user, fields: fields + [("VIA", via.rawValue)])
  }

  func refused(_ reason: Refusal.Reason) {
    Journal.note(
      .refused, "\(user.name) refused: \(reason.rawValue) (\(purpose.rawValue))", user: user,
      fields: fields + [("REASON", reason.rawValue)])
  }
}
