import BusInterface
import GLibBus
import OfflineAccess

// Confirm and Cancel: the steps of a set-up under way.
extension FactorService {
  func confirm(
    _ call: MethodCall, _ caller: UInt32, _ policy: Policy, _ record: CallRecord
  ) async throws(Refusal) -> Reply {
    record.activation = try number(call)
    let arguments = CallArguments(call)
    let response = try arguments.response(0)
    let options = try arguments.options(1, allowed: [.pin, .trial])
    let isTrial = try options.isTrial()
    // Taken out while it is confirmed, so that a second Confirm finds nothing.
    let activation = try take(call, caller, at: Moment.now().uptime, record)
    do throws(Refusal) {
      try checkPresence(call)
      let outcome: Outcome
      switch activation.device {
      case _ where activation.proven != nil && response.isEmpty:
        outcome = try await decide(activation, policy, isTrial) { (_, _) throws(Refusal) in activation.proven }
      case .passcode(let factor):
        outcome = try await decide(activation, policy, isTrial) {
          [algorithm] (state, circumstances) throws(Refusal) in
          try state.proven(activation, of: factor, response: response, in: circumstances, by: algorithm)
        }
      case .securityKey(let key, let holder):
        guard response.isEmpty else { throw Refusal.keyInsteadOfCode }
        guard let key else {
          try await register(activation, for: holder, call, caller, policy, pin: options[.pin])
          return [.boolean(false), firstTouchTaken]
        }
        outcome = try await proveNew(key, activation, call, caller, policy, pin: options[.pin], isTrial)
      }
      if isTrial {
        var proven = activation
        proven.proven = outcome.factor
        guard pending.putBack(proven) else { throw Refusal.noSuchActivation }
        if caller == 0 || refusals.shows(caller, at: Moment.now().uptime) {
          Journal.note(.proven, activation, by: caller)
        }
        return [.boolean(true), outcome.report.value]
      }
      for other in pending.removeAll(of: activation.user) { Journal.note(.dropped, other, by: caller) }
      // What the old device said must not replace the new one.
      proofs.remove(activation.user.uid)
      approvals.remove(activation.user.uid)
      Journal.note(.confirmed, activation, by: caller)
      return [.boolean(true), outcome.report.value]
    } catch {
      // The journal has it by whoever ended the set-up.
      if givenUp.remove(activation.number) != nil { throw error }
      // A wrong code, a touch that did not come, a full disk: the person may try again. A state that moved on is final.
      let isFinal = error.reason == .alreadyActivated || error.reason == .notActivated
      if isFinal || !pending.putBack(activation) {
        Journal.note(isFinal ? .dropped : .replaced, activation, by: caller)
      }
      throw error
    }
  }

  /// What came of a confirmation.
  private struct Outcome: Sendable {
    let factor: Factor
    let report: AllowanceReport
  }

  /// Sets up what `prove` finds right; a trial does so on a copy of the state and stores nothing.
  private func decide(
    _ activation: PendingActivation, _ policy: Policy, _ isTrial: Bool,
    by prove: @escaping @Sendable (UserState, Circumstances) throws(Refusal) -> Factor?
  ) async throws(Refusal) -> Outcome {
    let circumstances = circumstances(policy)
    return try await transact(activation.user) { (state) throws(Refusal) in
      guard let factor = try prove(state, circumstances) else { throw Refusal.noSuchActivation }
      var confirmed = state
      let report = try confirmed.confirm(activation, as: factor, in: circumstances)
      if !isTrial { state = confirmed }
      return Outcome(factor: factor, report: report)
    }
  }

  /// The first touch of a security key's set-up: it makes the credential, which waits for its proof.
  private func register(
    _ activation: PendingActivation, for holder: KeyHolder, _ call: MethodCall, _ caller: UInt32, _ policy: Policy,
    pin: String?
  ) async throws(Refusal) {
    try await checkConfirmation(activation, policy)
    let step = Touches.Step(user: activation.user, step: 1, steps: NewDevice.touches, activation: activation)
    let key = try await touches.take(step, call, by: caller, try policy.keyRules(), pin: pin) {
      [keys] (request) async throws(Refusal) in
      try await keys.register(holder, request)
    } decide: { (touch) throws(Refusal) in
      try touch.get()
    }
    var touched = activation
    touched.device = .securityKey(key, holder)
    guard pending.putBack(touched) else { throw Refusal.noSuchActivation }
  }

  /// The second touch: the new credential proves itself as it will at each login, and becomes the user's factor.
  private func proveNew(
    _ key: SecurityKeyFactor, _ activation: PendingActivation, _ call: MethodCall, _ caller: UInt32, _ policy: Policy,
    pin: String?, _ isTrial: Bool
  ) async throws(Refusal) -> Outcome {
    try await checkConfirmation(activation, policy)
    let step = Touches.Step(
      user: activation.user, step: NewDevice.touches, steps: NewDevice.touches, activation: activation)
    return try await touches.take(step, call, by: caller, try policy.keyRules(), pin: pin) {
      [keys] (request) async throws(Refusal) in
      try await keys.prove(key, request)
    } decide: { (touch) async throws(Refusal) in
      let proof = try touch.get()
      return try await decide(activation, policy, isTrial) { (state, circumstances) throws(Refusal) in
        try state.proven(activation, of: key, proof: proof, in: circumstances)
      }
    }
  }

  /// Nobody is asked to touch for what would be refused afterwards.
  private func checkConfirmation(_ activation: PendingActivation, _ policy: Policy) async throws(Refusal) {
    let circumstances = circumstances(policy)
    try await transact(activation.user) { (state) throws(Refusal) in
      try state.checkConfirmation(activation, needsClock: false, in: circumstances)
    }
  }

  /// The details of a first touch: how many are to come.
  private var firstTouchTaken: Value {
    .dictionary([(ChallengeKey.steps.rawValue, .uint32(NewDevice.touches - 1))])
  }

  func cancel(
    _ call: MethodCall, _ caller: UInt32, _ policy: Policy, _ record: CallRecord
  ) async throws(Refusal) -> Reply {
    record.activation = try number(call)
    let uptime = Moment.now().uptime
    // One that waits for a touch is not among those that can be taken.
    let number = try number(call)
    if let waiting = touches.giveUpSetUps(where: { $0.number == number && $0.owner == caller }).first {
      record.user = waiting.user
      givenUp.insert(number)
      if caller == 0 || refusals.shows(caller, at: uptime) { Journal.note(.cancelled, waiting, by: caller) }
      try await notePostponement(waiting, policy)
      return []
    }
    let activation = try take(call, caller, at: uptime, record)
    if caller == 0 || refusals.shows(caller, at: uptime) { Journal.note(.cancelled, activation, by: caller) }
    try await notePostponement(activation, policy)
    return []
  }

  /// Whoever gives up a set-up that an authority's approval offered has put it off.
  private func notePostponement(_ activation: PendingActivation, _ policy: Policy) async throws(Refusal) {
    guard policy.authority.kind != .none, activation.kind == .first else { return }
    try await transact(activation.user) { (state) throws(Refusal) in state.postpone() }
  }

  /// Takes out the set-up that `call` names, if it is the caller's.
  private func take(
    _ call: MethodCall, _ caller: UInt32, at uptime: Int64, _ record: CallRecord
  ) throws(Refusal) -> PendingActivation {
    expireSetUps(at: uptime)
    let number = try number(call)
    if touches.holdsSetUp(where: { $0.number == number && $0.owner == caller }) { throw Refusal.keyInUse }
    let activation = try pending.take(number, owner: caller, at: uptime)
    record.user = activation.user
    return activation
  }

  /// The number in an activation's path.
  private func number(_ call: MethodCall) throws(Refusal) -> UInt64 {
    let name = call.path.dropFirst(BusName.activationParent.count + 1)
    guard let number = UInt64(name), String(number) == name else {
      throw Refusal.noSuchActivation
    }
    return number
  }
}
