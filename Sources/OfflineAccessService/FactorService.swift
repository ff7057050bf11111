import BusInterface
import GLibBus
import OfflineAccess
import Passcode

/// What a method answers with, before it is sent.
typealias Reply = [Value]

/// The service: binds the bus's methods to the domain, and asks whom it must before it does.
///
/// The methods themselves stand in the extensions of this type, one file a subject.
@BusActor
final class FactorService {
  let callers: Callers
  let polkit: Polkit
  let configuration: ConfigurationWatch
  let store: any EnrollmentStore
  let keys: any SecurityKeyReader
  let touches: Touches
  let online: OnlineAttempts
  let algorithm = HMACPasscode()
  private let calendar = SystemCalendar()
  var pending = PendingActivations()
  /// Set-ups that were ended while they waited for a touch, until their Confirm has heard of it.
  var givenUp: Set<UInt64> = []
  var proofs = FreshProofs(lifetime: 120)
  /// Users whom an authority has approved, until their set-up is confirmed.
  var approvals = FreshProofs(lifetime: 600)
  var refusals = RefusalLog()
  var expiry: UInt32?

  init(
    callers: Callers, polkit: Polkit, configuration: ConfigurationWatch, store: any EnrollmentStore,
    keys: any SecurityKeyReader, authority: any Authority
  ) {
    self.callers = callers
    self.polkit = polkit
    self.configuration = configuration
    self.store = store
    self.keys = keys
    touches = Touches(callers)
    online = OnlineAttempts(authority, callers)
  }

  /// Whether ending now would lose something that a caller relies on.
  var holdsState: Bool {
    let uptime = Moment.now().uptime
    expireSetUps(at: uptime)
    return !pending.isEmpty || !proofs.isEmpty(at: uptime) || !approvals.isEmpty(at: uptime) || !online.isEmpty
  }

  /// Answers a call on the factor's object.
  func answerFactor(_ call: MethodCall) async -> Result<Reply, Refusal> {
    await answer(call) { (caller, policy, record) async throws(Refusal) in
      switch FactorMember(rawValue: call.member) {
      case .authenticate: try await self.authenticate(call, caller, policy, record)
      case .remainingAllowance: try await self.remainingAllowance(call, caller, policy, record)
      case .activate: try await self.activate(call, caller, policy, record)
      case .reactivate: try await self.reactivate(call, caller, policy, record)
      case .renew: try await self.renew(call, caller, policy, record)
      case .deactivate: try await self.deactivate(call, caller, policy, record)
      case nil: throw Refusal(.notSupported, "There is no method \(call.member).")
      }
    }
  }

  /// Answers a call on a set-up's object.
  func answerActivation(_ call: MethodCall) async -> Result<Reply, Refusal> {
    await answer(call) { (caller, policy, record) async throws(Refusal) in
      switch ActivationMember(rawValue: call.member) {
      case .confirm: try await self.confirm(call, caller, policy, record)
      case .cancel: try await self.cancel(call, caller, policy, record)
      case nil: throw Refusal(.notSupported, "There is no method \(call.member).")
      }
    }
  }

  private func answer(
    _ call: MethodCall, _ body: @BusActor (UInt32, Policy, CallRecord) async throws(Refusal) -> Reply
  ) async -> Result<Reply, Refusal> {
    let record = CallRecord(call.member)
    do throws(Refusal) {
      let caller = try await callers.uid(of: call.sender)
      record.caller = caller
      return .success(try await body(caller, try configuration.policy(), record))
    } catch {
      // A question for what is needed is no event.
      if error.reason != .responseRequired, refusals.shows(record.origin, at: Moment.now().uptime) {
        record.refused(error.reason)
      }
      // Locks are few by themselves.
      record.tellLock()
      return .failure(error)
    }
  }

  // MARK: What the methods share

  func circumstances(_ policy: Policy, outage: Outage? = nil, isApproved: Bool = false) -> Circumstances {
    Circumstances(policy: policy, moment: .now(), calendar: calendar, outage: outage, isApproved: isApproved)
  }

  /// The account behind `name`, or the caller's for "".
  func account(
    _ name: String, caller: UInt32, _ record: CallRecord
  ) async throws(Refusal) -> UserDirectory.Account? {
    let account =
      name.isEmpty
      ? try await UserDirectory.account(withID: caller, for: caller)
      : try await UserDirectory.account(named: name, for: caller)
    record.user = account?.identity
    return account
  }

  /// The user behind `name`, or the caller for "".
  func find(_ name: String, caller: UInt32, _ record: CallRecord) async throws(Refusal) -> UserIdentity? {
    try await account(name, caller: caller, record)?.identity
  }

  /// Whether the configuration lists the account. Other names of its user id are not looked at: an entry for
  /// one of them must not let the user in under all of them.
  func isExempt(_ account: UserDirectory.Account, _ policy: Policy, caller: UInt32) async throws(Refusal) -> Bool {
    if policy.exempt.contains(.user(account.identity.name)) { return true }
    let groups = policy.exempt.compactMap { exemption -> String? in
      if case .group(let name) = exemption { name } else { nil }
    }
    if groups.isEmpty { return false }
    return try await UserDirectory.isMember(account, ofAny: groups, for: caller)
  }

  /// Carries out what the access rules say.
  func authorize(_ authorization: Authorization, _ call: MethodCall, subject: String?) async throws(Refusal) {
    switch authorization {
    case .granted: return
    case .polkit(let action):
      try await polkit.check(action, sender: call.sender, interactive: call.interactive, subject: subject ?? "")
    case .refused(.onlineProofRequired):
      throw Refusal.onlineProofRequired
    case .refused(let reason):
      throw Refusal(reason, Refusal.othersDenied.sentence)
    }
  }

  /// Refuses a caller who has left meanwhile: a yes that nobody hears must cost nothing.
  func checkPresence(_ call: MethodCall) throws(Refusal) {
    if call.hasLostCaller || callers.isGone(call.sender) { throw Refusal.callerGone }
  }

  /// Runs a decision of the domain in a transaction; what it changed is durable when this returns or
  /// throws the decision's own refusal.
  func transact<R: Sendable>(
    _ user: UserIdentity, _ decide: @escaping @Sendable (inout UserState) throws(Refusal) -> R
  ) async throws(Refusal) -> R {
    let decision: Result<R, Refusal>
    do throws(StoreFailure) { decision = try await decided(user, decide) } catch { throw error.refusal }
    return try decision.get()
  }

  func decided<R: Sendable>(
    _ user: UserIdentity, _ decide: @escaping @Sendable (inout UserState) throws(Refusal) -> R
  ) async throws(StoreFailure) -> Result<R, Refusal> {
    try await store.transact(user) { state in
      do throws(Refusal) { return .success(try decide(&state)) } catch { return .failure(error) }
    }
  }
}
