import BusInterface
import GLibBus
import OfflineAccess

// What an authority's answer does to a call and to the user's state.
extension FactorService {
  enum OnlineOutcome: Sendable {
    case passed(AllowanceReport)
    /// The offline factor stands in.
    ///
    /// - Parameter isForFactor: whether the caller's response may be meant for that factor. One that was asked for in
    ///   the authority's name is no guess at another factor's code, so it is neither taken nor counted.
    case offline(Outage, isForFactor: Bool = true)
  }

  /// Asks the authority first. Only its approval fills the allowance, and only where it is away does the offline
  /// factor decide.
  func authenticateOnline(
    _ user: UserIdentity, _ attempt: Attempt, _ purpose: Purpose, _ policy: Policy, _ record: CallRecord
  ) async throws(Refusal) -> OnlineOutcome {
    let asked = try await online.ask(
      user, attempt.call, by: attempt.caller, response: attempt.response, purpose: purpose,
      remote: attempt.options[.remote, default: ""], policy.authority)
    let answer: AuthorityAnswer
    let isForFactor: Bool
    switch asked {
    case .answer(let given, let wasPrompted): (answer, isForFactor) = (given, !wasPrompted)
    case .awayBefore(let outage): return .offline(outage)
    }
    // Approvals are few by themselves; the rest a user causes at will.
    let isApproval = if case .approved = answer.verdict { true } else { false }
    if isApproval || attempt.caller == 0 || refusals.shows(attempt.caller, at: Moment.now().uptime) {
      record.online(answer)
    }
    switch answer.verdict {
    case .approved:
      try checkPresence(attempt.call)
      return .passed(try await approve(user, policy, record))
    case .bypassed:
      guard policy.authority.bypass == .allow else { throw Refusal.bypassRefused }
      let circumstances = circumstances(policy)
      let report = try await transact(user) { (state) throws(Refusal) in
        state.report(exempt: false, in: circumstances, via: .online)
      }
      record.stands(report)
      record.granted(.online)
      return .passed(report)
    case .denied(let denial):
      try await deny(user, denial, policy, by: attempt.caller)
      throw Refusal.onlineDenied(denial)
    case .unreachable(let outage): return .offline(outage, isForFactor: isForFactor)
    case .misconfigured:
      guard policy.authority.whenMisconfigured == .offline else { throw Refusal.onlineMisconfigured }
      return .offline(Outage(reason: answer.reason, isConnected: true), isForFactor: isForFactor)
    }
  }

  private func approve(
    _ user: UserIdentity, _ policy: Policy, _ record: CallRecord
  ) async throws(Refusal) -> AllowanceReport {
    let circumstances = circumstances(policy, isApproved: true)
    let (report, mustActivate) = try await transact(user) { (state) throws(Refusal) in
      state.approve(in: circumstances)
      return (state.report(exempt: false, in: circumstances, via: .online), state.mustActivate(under: policy))
    }
    approvals.add(user.uid, at: circumstances.moment.uptime)
    record.stands(report)
    if mustActivate { throw Refusal.setUpNeeded }
    record.granted(.online)
    return report
  }

  /// Makes a no durable, and takes back what an earlier yes allowed.
  private func deny(
    _ user: UserIdentity, _ denial: AuthorityVerdict.Denial, _ policy: Policy, by caller: UInt32
  ) async throws(Refusal) {
    guard denial == .user else { return }
    approvals.remove(user.uid)
    let touched = touches.giveUpSetUps { $0.user.uid == user.uid }
    givenUp.formUnion(touched.map(\.number))
    for activation in pending.removeAll(of: user) + touched { Journal.note(.dropped, activation, by: caller) }
    let circumstances = circumstances(policy)
    try await transact(user) { (state) throws(Refusal) in state.deny(denial, in: circumstances) }
  }

  /// Tells the person why they are asked for the offline factor.
  func announce(_ outage: Outage, to user: UserIdentity, _ attempt: Attempt, _ policy: Policy) async {
    var left: UInt32?
    if outage.isConnected, policy.whileConnected != nil {
      let circumstances = circumstances(policy, outage: outage)
      left = try? await transact(user) { (state) throws(Refusal) in
        state.report(exempt: false, in: circumstances).remaining
      }
    }
    Report(call: attempt.call).send(message: OnlineSentences.unreachable(left))
  }
}
