import GLibBus
import Glibc

/// An authentication agent of polkit's: registered for a session or a process, it has a person answer polkit's
/// questions.
@BusActor
public final class Agent {
  /// Why it has ended.
  public enum Ending: Sendable, Equatable {
    /// Somebody else answers for this session or process already.
    case otherAgent
    case refused(String)
    case noSession
    case busLost
  }

  private let bus = SystemBus()
  private let desk: Desk
  private let ended: @BusActor (Ending) -> Void
  private var subject: Subject?
  private var isFallback = false
  /// polkitd's unique name; nil while it does not run.
  private var polkit: String?
  /// Whether the first registration is over: from then on each new polkitd is registered with.
  private var isStarted = false
  private var isRegistering = false

  /// - Parameter ended: called when it cannot go on.
  public init(_ presenter: any Presenter, ended: @escaping @BusActor (Ending) -> Void) {
    desk = Desk(presenter)
    self.ended = ended
  }

  /// Begins to answer for `subject`, or for the session that this process belongs to.
  ///
  /// - Parameter fallback: whether another agent goes before.
  /// - Returns: whether it is registered now.
  public func start(for subject: Subject?, fallback: Bool = false) async -> Bool {
    do throws(BusError) {
      try bus.export(
        PolkitName.agentPath, PolkitName.agentInterface, of: try Interfaces(xml: PolkitName.agentXML),
        foreign: { [unowned self] call in await handle(call) })
      try await bus.connect(lost: { [unowned self] in ended(.busLost) })
      guard let found = await ifNil(subject, { await Subject.ownSession(on: bus) }) else {
        ended(.noSession)
        return false
      }
      self.subject = found
      isFallback = fallback
      // First of all, so that no polkitd comes and goes unseen, and none asks whom we do not know.
      try await bus.watchOwner(of: PolkitName.service) { [unowned self] owner in polkitChanged(owner) }
      guard await register() else { return false }
      isStarted = true
      return true
    } catch {
      ended(.refused(error.description))
      return false
    }
  }

  /// The person leaves the question that is shown; false where there is none.
  public func dismiss() -> Bool { desk.dismiss() }

  /// Takes back what is open, so that polkit need not wait for our end to be noticed.
  public func stop() async {
    desk.withdrawAll()
    if let subject, let polkit {
      _ = try? await callPolkit(
        polkit, "UnregisterAuthenticationAgent", [subject.value, .string(PolkitName.agentPath)], timeout: 1000)
    }
    bus.flush()
  }

  private func ifNil<T>(_ value: T?, _ other: () async -> T?) async -> T? {
    if let value { return value }
    return await other()
  }

  // MARK: Registration

  /// Registers with the polkitd that runs, until the one that does has taken us.
  ///
  /// - Returns: false where it does not, and this is the end.
  private func register() async -> Bool {
    // Whoever is at it looks again itself.
    guard !isRegistering else { return true }
    isRegistering = true
    defer { isRegistering = false }
    while true {
      let owner = polkit
      let error = await registrationError(owner)
      if let error, !isGone(owner, error) {
        // polkit has one name for all of its refusals.
        ended(error.description.contains("already exists") ? .otherAgent : .refused(error.description))
        return false
      }
      if owner == nil || polkit == nil || polkit == owner { return true }
    }
  }

  /// Asks the polkitd of that name and no later one, which would take a second registration for another agent's. Where
  /// none runs, the bus starts one.
  private func registrationError(_ owner: String?) async -> BusError? {
    guard let subject else { return nil }
    let arguments: [Value] = [subject.value, .string(Self.locale), .string(PolkitName.agentPath)]
    do throws(BusError) {
      if isFallback {
        _ = try await callPolkit(
          owner, "RegisterAuthenticationAgentWithOptions", arguments + [.dictionary([("fallback", .boolean(true))])])
      } else {
        _ = try await callPolkit(owner, "RegisterAuthenticationAgent", arguments)
      }
      return nil
    } catch { return error }
  }

  /// Whether it failed because the polkitd that was asked went away. Another one will be told of by its name.
  private func isGone(_ owner: String?, _ error: BusError) -> Bool {
    guard let owner else { return false }
    if polkit != owner { return true }
    // The bus may tell of the lost call first. At the start somebody waits to hear that nobody answers.
    return isStarted && PolkitName.gone.contains(error.name ?? "")
  }

  private func callPolkit(
    _ owner: String?, _ member: String, _ arguments: [Value], timeout: Int32? = 25_000
  ) async throws(BusError) -> [Value] {
    try await bus.call(
      owner ?? PolkitName.service, PolkitName.authority, PolkitName.authorityInterface, member, arguments,
      timeout: timeout)
  }

  /// polkit came, went, or was replaced: it has forgotten its agents and its questions.
  private func polkitChanged(_ owner: String?) {
    guard owner != polkit else { return }
    if polkit != nil { desk.withdrawAll() }
    polkit = owner
    if isStarted, owner != nil { onBus { [unowned self] in _ = await register() } }
  }

  /// What polkit is to speak, by the rules of locale(7).
  private static var locale: String {
    for name in ["LC_ALL", "LC_MESSAGES", "LANG"] {
      if let value = getenv(name).map({ String(cString: $0) }), !value.isEmpty { return value }
    }
    return "C"
  }

  // MARK: Questions

  private func handle(_ call: MethodCall) async -> Result<[Value], ForeignRefusal> {
    // The bus lets polkitd alone call here; this holds even where its rules were changed.
    guard let polkit, call.sender == polkit else {
      return .failure(ForeignRefusal(name: PolkitName.failed, sentence: AgentTexts.notPolkit))
    }
    switch call.member {
    case "BeginAuthentication": return await begin(call)
    case "CancelAuthentication":
      guard case .string(let cookie)? = call.arguments.first, desk.withdraw(cookie) else {
        return .failure(ForeignRefusal(name: PolkitName.failed, sentence: AgentTexts.noSuchQuestion))
      }
      return .success([])
    default: return .failure(ForeignRefusal(name: PolkitName.failed, sentence: AgentTexts.noSuchQuestion))
    }
  }

  private func begin(_ call: MethodCall) async -> Result<[Value], ForeignRefusal> {
    guard let cookie = AuthenticationRequest.cookie(of: call.arguments) else {
      return .failure(ForeignRefusal(name: PolkitName.failed, sentence: AgentTexts.noSuchQuestion))
    }
    switch await desk.answer(cookie, { await AuthenticationRequest.read(call.arguments) }) {
    case nil: return .failure(ForeignRefusal(name: PolkitName.failed, sentence: AgentTexts.nobody))
    // polkit knows the verdict from the helper.
    case .granted, .denied: return .success([])
    case .dismissed, .withdrawn:
      return .failure(ForeignRefusal(name: PolkitName.cancelled, sentence: AgentTexts.dismissed))
    case .noHelper: return .failure(ForeignRefusal(name: PolkitName.failed, sentence: AgentTexts.noHelper))
    }
  }
}
