import BusInterface
import GLibBus
import Glibc
import OfflineAccess
import Passcode

// Activate and Reactivate, and the set-ups that they start.
extension FactorService {
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
    let rule = AccessRules.activate(
      caller: caller, subject: user?.uid, approved: isApproved(user), policy: policy)
    try await authorize(rule, call, subject: user?.name ?? name)
    guard let user else { throw Refusal.noSuchUser }
    // Where every user may do it at a login, neither root (the PAM module) nor the user speaks for
    // an authority.
    let granted = policy.authority.kind != .none || policy.standingAlone == .administrator || rule == .polkit(.manage)
    return try await start(.first, of: user, by: caller, method, machine: machine, granted: granted, policy)
  }

  func reactivate(
    _ call: MethodCall, _ caller: UInt32, _ policy: Policy, _ record: CallRecord
  ) async throws(Refusal) -> Reply {
    let arguments = CallArguments(call)
    let name = try arguments.user(0)
    let method = try arguments.method(1)
    let options = try arguments.options(2, allowed: [.name, .response, .pin, .remote])
    let machine = try machineName(options[.name])
    try checkSupport(method, policy)
    let user = try await find(name, caller: caller, record)
    var proven = false
    if let user, user.uid == caller, caller != 0, policy.authority.kind == .none {
      proven = try await proveFactor(user, call, caller, options, policy, record)
    }
    let rule = AccessRules.reactivate(
      caller: caller, subject: user?.uid, proven: proven, approved: isApproved(user), policy: policy)
    try await authorize(rule, call, subject: user?.name ?? name)
    guard let user else { throw Refusal.noSuchUser }
    return try await start(.replacement, of: user, by: caller, method, machine: machine, granted: !proven, policy)
  }

  /// Whether an authority has approved the user just now.
  func isApproved(_ user: UserIdentity?) -> Bool {
    user.map { approvals.holds($0.uid, at: Moment.now().uptime) } ?? false
  }

  /// Where there is an authority, only its fresh approval allows what follows.
  func checkApproval(_ user: UserIdentity, _ policy: Policy) throws(Refusal) {
    guard policy.authority.kind == .none || isApproved(user) else { throw Refusal.onlineProofRequired }
  }

  /// Whether the user's present factor says yes now: by a response or a touch, or by a fresh yes to Authenticate.
  private func proveFactor(
    _ user: UserIdentity, _ call: MethodCall, _ caller: UInt32, _ options: [OptionKey: String], _ policy: Policy,
    _ record: CallRecord
  ) async throws(Refusal) -> Bool {
    guard let response = options[.response] else { return proofs.take(user.uid, at: Moment.now().uptime) }
    let attempt = Attempt(call: call, caller: caller, response: response, purpose: nil, options: options)
    _ = try await prove(user, attempt, policy, record) { (state) throws(Refusal) in
      try state.checkActivation(.replacement)
    }
    record.granted(.offline)
    return true
  }

  private func start(
    _ kind: PendingActivation.Kind, of user: UserIdentity, by owner: UInt32, _ method: FactorMethod, machine: String,
    granted: Bool, _ policy: Policy
  ) async throws(Refusal) -> Reply {
    try await transact(user) { (state) throws(Refusal) in try state.checkActivation(kind) }
    let device: NewDevice =
      switch method {
      case .passcode: .passcode(try newPasscode(policy))
      case .securityKey: .securityKey(nil, KeyHolder(user: user, machine: machine))
      }
    // polkit's dialogue may have taken minutes, and another set-up may have used the approval up.
    try checkApproval(user, policy)
    // An approval is good for ten minutes, whenever in them a set-up began.
    let end = policy.authority.kind == .none ? nil : approvals.deadline(of: user.uid)
    let moment = Moment.now()
    expireSetUps(at: moment.uptime)
    let older = pending.present(of: user)
    // A newer set-up ends an older one, be it waiting for a touch.
    touches.giveUpSetUps { $0.user.uid == user.uid }
    let activation = try pending.add(at: moment.uptime) { number in
      PendingActivation(
        number: number, owner: owner, user: user, kind: kind, granted: granted, device: device,
        startedAt: moment.uptime, until: end ?? .max)
    }
    if owner == 0 || refusals.shows(owner, at: moment.uptime) {
      if let older { Journal.note(.replaced, older, by: owner) }
      Journal.note(.started, activation, by: owner)
    }
    armExpiry(at: moment.uptime)
    let expires = moment.unixTime + activation.deadline - moment.uptime
    let challenge: Value =
      switch device {
      case .passcode(let factor):
        KeyURI(
          issuer: policy.issuer.isEmpty ? Policy.defaultIssuer : policy.issuer, account: "\(user.name)@\(machine)",
          factor: factor
        ).challenge(expires: expires)
      case .securityKey: keyChallenge(expires: expires)
      }
    return [.objectPath("\(BusName.activationParent)/\(activation.number)"), challenge]
  }

  private func newPasscode(_ policy: Policy) throws(Refusal) -> PasscodeFactor {
    let movement: PasscodeFactor.Movement =
      switch policy.passcode {
      case .totp: .time(.init(period: Self.period))
      case .hotp: .counter(next: 0)
      }
    return PasscodeFactor(
      secret: try randomSecret(count: Self.secretLength), digits: Self.digits, movement: movement)
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

  private func checkSupport(_ method: FactorMethod, _ policy: Policy) throws(Refusal) {
    guard policy.methods.contains(method) else {
      throw Refusal.notAllowed(method)
    }
  }

  /// What the authenticator app shows behind the user's name.
  private func machineName(_ option: String?) throws(Refusal) -> String {
    guard let option else { return hostName() }
    guard !option.isEmpty, option.count <= 64,
      !option.unicodeScalars.contains(where: { $0 == ":" || $0.value < 0x20 || $0.value == 0x7f })
    else {
      throw Refusal(.invalidArguments, "name must be 1 to 64 characters, without colon and control characters.")
    }
    return option
  }
}
