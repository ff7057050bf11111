import GLibBus
import OfflineAccess

// What the administrator does for a user: Renew and Deactivate.
extension FactorService {
  func renew(_ call: MethodCall, _ caller: UInt32, _ policy: Policy) async throws(Refusal) -> Reply {
    let user = try await managed(call, caller)
    let circumstances = circumstances(policy)
    let report = try await transact(user) { (state) throws(Refusal) in try state.renew(in: circumstances) }
    Journal.note(.renewal, "the allowance of \(user.name) was renewed", user: user, fields: [("BY", String(caller))])
    return [report.value]
  }

  func deactivate(_ call: MethodCall, _ caller: UInt32, _ policy: Policy) async throws(Refusal) -> Reply {
    let user = try await managed(call, caller)
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
    pending.removeAll(of: user)
    proofs.remove(user.uid)
    Journal.note(
      .deactivation, "offline access of \(user.name) was removed", user: user, fields: [("BY", String(caller))])
    return []
  }

  /// The user whom a call manages, once polkit agreed.
  private func managed(_ call: MethodCall, _ caller: UInt32) async throws(Refusal) -> UserIdentity {
    let name = try CallArguments(call).user(0)
    let user = try await find(name, caller: caller)
    try await authorize(AccessRules.manage(caller: caller), call, subject: user?.name ?? name)
    guard let user else { throw Refusal.noSuchUser }
    return user
  }
}
