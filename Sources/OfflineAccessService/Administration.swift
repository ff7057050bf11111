import GLibBus
import OfflineAccess

// What the administrator does for a user: Renew and Deactivate.
extension FactorService {
  func renew(
    _ call: MethodCall, _ caller: UInt32, _ policy: Policy, _ record: CallRecord
  ) async throws(Refusal) -> Reply {
    let user = try await managed(call, caller, record) { user in
      AccessRules.renew(caller: caller, subject: user?.uid, approved: isApproved(user), policy: policy)
    }
    // polkit's dialogue may have taken minutes, in which the authority said no.
    try checkApproval(user, policy)
    let circumstances = circumstances(policy)
    let report = try await transact(user) { (state) throws(Refusal) in try state.renew(in: circumstances) }
    record.stands(report)
    record.done(.renewal, "the allowance of \(user.name) was renewed")
    return [report.value]
  }

  func deactivate(
    _ call: MethodCall, _ caller: UInt32, _ policy: Policy, _ record: CallRecord
  ) async throws(Refusal) -> Reply {
    let user = try await managed(call, caller, record) { _ in AccessRules.manage(caller: caller) }
    let circumstances = circumstances(policy)
    let decision: Result<Void, Refusal>
    do throws(StoreFailure) {
      decision = try await decided(user) { (state) throws(Refusal) in try state.deactivate(in: circumstances) }
    } catch {
      // A record that cannot be read can still be removed: the way out after damage.
      guard case .damaged = error else { throw error.refusal }
      do throws(StoreFailure) { try await store.erase(user) } catch { throw error.refusal }
      decision = .success(())
    }
    try decision.get()
    let touched = touches.giveUpSetUps { $0.user.uid == user.uid }
    givenUp.formUnion(touched.map(\.number))
    for activation in pending.removeAll(of: user) + touched { Journal.note(.dropped, activation, by: caller) }
    proofs.remove(user.uid)
    // What an authority said of the user before this is no word against the administrator's.
    approvals.remove(user.uid)
    record.done(.deactivation, "offline access of \(user.name) was removed")
    return []
  }

  /// The user whom a call manages, once `rule` is met.
  private func managed(
    _ call: MethodCall, _ caller: UInt32, _ record: CallRecord, _ rule: (UserIdentity?) -> Authorization
  ) async throws(Refusal) -> UserIdentity {
    let name = try CallArguments(call).user(0)
    let user = try await find(name, caller: caller, record)
    try await authorize(rule(user), call, subject: user?.name ?? name)
    guard let user else { throw Refusal.noSuchUser }
    return user
  }
}
