import BusInterface
import GLibBus
import Glibc
import OfflineAccess
import Passcode

// Activate and Reactivate, and the set-ups that they start.
extension FactorService {
  /// What this version can set up.
  nonisolated static let supportedMethods: Set<FactorMethod> = [.passcode]
  private static let secretLength = 20  // bytes; RFC 4226, section 4, R6: 160 bits recommended
  private static let digits = 6
  private static let period: Int64 = 30  // seconds; RFC 6238, section 5.2

  func activate(
    _ call: MethodCall, _ caller: UInt32, _ policy: Policy, _ record: CallRecord
  ) async throws(Refusal) -> Reply {
    let arguments = CallArguments(call)
    let name = try arguments.user(0)
    let method = try arguments.method(1)
    let options = try arguments.options(2, allowed: [.name])
    let machine = try machineName(options[.name])
    try checkSupport(method, policy)
    let user = try await find(name, caller: caller, record)
    let rule = AccessRules.activate(caller: caller, subject: user?.uid, policy: policy)
    try await authorize(rule, call, subject: user?.name ?? name)
    guard let user else { throw Refusal.noSuchUser }
    // Where every user may do it at a login, neither root (the PAM module) nor the user speaks for
    // an authority.
    let granted = policy.standingAlone == .administrator || rule == .polkit(.manage)
    return try await start(.first, of: user, by: caller, machine: machine, granted: granted, policy)
  }

  func reactivate(
    _ call: MethodCall, _ caller: UInt32, _ policy: Policy, _ record: CallRecord
  ) async throws(Refusal) -> Reply {
    let arguments = CallArguments(call)
    let name = try arguments.user(0)
    let method = try arguments.method(1)
    let options = try arguments.options(2, allowed: [.name, .response])
    let machine = try machineName(options[.name])
    try checkSupport(method, policy)
    let user = try await find(name, caller: caller, record)
    var proven = false
    if let user, user.uid == caller, caller != 0 {
      proven = try await proveFactor(user, response: options[.response], policy, record)
    }
    let rule = AccessRules.reactivate(caller: caller, subject: user?.uid, proven: proven, policy: policy)
    try await authorize(rule, call, subject: user?.name ?? name)
    guard let user else { throw Refusal.noSuchUser }
    return try await start(.replacement, of: user, by: caller, machine: machine, granted: !proven, policy)
  }

  /// Whether the user's present factor says yes now: by `response`, or by a fresh yes to Authenticate.
  private func proveFactor(
    _ user: UserIdentity, response: String?, _ policy: Policy, _ record: CallRecord
  ) async throws(Refusal) -> Bool {
    let circumstances = circumstances(policy)
    guard let response else { return proofs.take(user.uid, at: circumstances.moment.uptime) }
    _ = try await prove(user, response, nil, in: circumstances, record) { (state) throws(Refusal) in
      try state.checkActivation(.replacement)
    }
    record.granted(.offline)
    return true
  }

  private func start(
    _ kind: PendingActivation.Kind, of user: UserIdentity, by owner: UInt32, machine: String, granted: Bool,
    _ policy: Policy
  ) async throws(Refusal) -> Reply {
    try await transact(user) { (state) throws(Refusal) in try state.checkActivation(kind) }
    let movement: PasscodeFactor.Movement =
      switch policy.passcode {
      case .totp: .time(.init(period: Self.period))
      case .hotp: .counter(next: 0)
      }
    let factor = PasscodeFactor(
      secret: try randomSecret(count: Self.secretLength), digits: Self.digits, movement: movement)
    let moment = Moment.now()
    expireSetUps(at: moment.uptime)
    let older = pending.present(of: user)
    let activation = try pending.add(at: moment.uptime) { number in
      PendingActivation(
        number: number, owner: owner, user: user, kind: kind, granted: granted, factor: factor, startedAt: moment.uptime
      )
    }
    if owner == 0 || refusals.shows(owner, at: moment.uptime) {
      if let older { Journal.note(.replaced, older, by: owner) }
      Journal.note(.started, activation, by: owner)
    }
    armExpiry(at: moment.uptime)
    let uri = KeyURI(
      issuer: policy.issuer.isEmpty ? Policy.defaultIssuer : policy.issuer, account: "\(user.name)@\(machine)",
      factor: factor)
    return [
      .objectPath("\(BusName.activationParent)/\(activation.number)"),
      uri.challenge(expires: moment.unixTime + PendingActivation.lifetime),
    ]
  }

  func confirm(
    _ call: MethodCall, _ caller: UInt32, _ policy: Policy, _ record: CallRecord
  ) async throws(Refusal) -> Reply {
    record.activation = try number(call)
    let arguments = CallArguments(call)
    let response = try arguments.response(0)
    _ = try arguments.options(1, allowed: [])
    let circumstances = circumstances(policy)
    // Taken out while it is confirmed, so that a second Confirm finds nothing.
    let activation = try take(call, caller, at: circumstances.moment.uptime, record)
    do throws(Refusal) {
      try checkPresence(call)
      let report = try await transact(activation.user) { [algorithm] (state) throws(Refusal) in
        try state.confirm(activation, response: response, in: circumstances, by: algorithm)
      }
      for other in pending.removeAll(of: activation.user) { Journal.note(.dropped, other, by: caller) }
      // What the old device said must not replace the new one.
      proofs.remove(activation.user.uid)
      Journal.note(.confirmed, activation, by: caller)
      return [.boolean(true), report.value]
    } catch {
      // A wrong code, a full disk: the person may try again. A state that moved on is final.
      let isFinal = error.reason == .alreadyActivated || error.reason == .notActivated
      if isFinal || !pending.putBack(activation) {
        Journal.note(isFinal ? .dropped : .replaced, activation, by: caller)
      }
      throw error
    }
  }

  func cancel(_ call: MethodCall, _ caller: UInt32, _ record: CallRecord) throws(Refusal) -> Reply {
    record.activation = try number(call)
    let uptime = Moment.now().uptime
    let activation = try take(call, caller, at: uptime, record)
    if caller == 0 || refusals.shows(caller, at: uptime) { Journal.note(.cancelled, activation, by: caller) }
    return []
  }

  /// Takes out the set-up that `call` names, if it is the caller's.
  private func take(
    _ call: MethodCall, _ caller: UInt32, at uptime: Int64, _ record: CallRecord
  ) throws(Refusal) -> PendingActivation {
    expireSetUps(at: uptime)
    let activation = try pending.take(try number(call), owner: caller, at: uptime)
    record.user = activation.user
    return activation
  }

  /// Ends the set-ups whose time is over.
  func expireSetUps(at uptime: Int64) {
    for activation in pending.removeExpired(at: uptime) { Journal.note(.expired, activation, by: nil) }
  }

  /// Sees to it that set-ups end in time, and their secrets with them, when nobody calls.
  private func armExpiry(at uptime: Int64) {
    guard expiry == nil, let deadline = pending.nextDeadline else { return }
    expiry = startTimer(after: UInt32(clamping: max(1, deadline - uptime)) * 1000) { [self] in
      expiry = nil
      let uptime = Moment.now().uptime
      expireSetUps(at: uptime)
      armExpiry(at: uptime)
    }
  }

  /// Ends all set-ups, as the service ends.
  func dropSetUps() {
    for activation in pending.removeAll() { Journal.note(.dropped, activation, by: nil) }
  }

  /// The number in an activation's path.
  private func number(_ call: MethodCall) throws(Refusal) -> UInt64 {
    let name = call.path.dropFirst(BusName.activationParent.count + 1)
    guard let number = UInt64(name), String(number) == name else {
      throw Refusal.noSuchActivation
    }
    return number
  }

  private func checkSupport(_ method: FactorMethod, _ policy: Policy) throws(Refusal) {
    guard policy.methods.contains(method) else {
      throw Refusal.notAllowed(method)
    }
    guard Self.supportedMethods.contains(method) else {
      throw Refusal.securityKeysNotSupported
    }
  }

  /// What the authenticator app shows behind the user's name.
  private func machineName(_ option: String?) throws(Refusal) -> String {
    guard let option else { return Self.hostName }
    guard !option.isEmpty, option.count <= 64,
      !option.unicodeScalars.contains(where: { $0 == ":" || $0.value < 0x20 || $0.value == 0x7f })
    else {
      throw Refusal(.invalidArguments, "name must be 1 to 64 characters, without colon and control characters.")
    }
    return option
  }

  private static var hostName: String {
    var buffer = [CChar](repeating: 0, count: 257)
    guard gethostname(&buffer, buffer.count - 1) == 0 else { return "computer" }
    let name = buffer.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    return name.isEmpty ? "computer" : String(name.prefix(64))
  }
}
