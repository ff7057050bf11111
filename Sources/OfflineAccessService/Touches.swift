import BusInterface
import GLibBus
import OfflineAccess
import SecurityKey

/// The calls that wait for a security key to be touched.
///
/// A user's touches come one after another, each with its decision: the key's counter rises with every signature, and
/// one that were decided on later than the next would look like that of a copy.
@BusActor
final class Touches {
  /// Whose touch it is, and what of the call it is.
  struct Step {
    let user: UserIdentity
    var step: UInt32 = 1
    var steps: UInt32 = 1
    /// The set-up that it is part of.
    var activation: PendingActivation?
  }

  private struct Waiting {
    let step: Step
    var giveUp: (@Sendable () -> Void)?
    var isGivenUp = false
  }

  private let callers: Callers
  private var waiting: [UInt64: Waiting] = [:]
  private var lastNumber: UInt64 = 0
  /// By user id: who has the turn, and who waits for it in order. True hands it over.
  private var queues: [UInt32: [(number: UInt64, resume: CheckedContinuation<Bool, Never>)]] = [:]
  private var turns: Set<UInt32> = []

  init(_ callers: Callers) { self.callers = callers }

  /// Waits for the user's turn, runs `touch`, which waits for the key, and `decide` on what came of it.
  ///
  /// - Parameters:
  ///   - pin: of the key, where the caller gave it.
  ///   - begun: when the call began, by `KeyRing.uptime`, where it has waited for something else before.
  ///   - touch: is cancelled when the caller goes away or the wait is given up.
  func take<Signed: Sendable, Decision>(
    _ step: Step, _ call: MethodCall, by caller: UInt32, _ rules: KeyRules, pin: String?, begun: Int64? = nil,
    touch: @escaping @Sendable (TouchRequest) async throws(Refusal) -> Signed,
    decide: (Result<Signed, Refusal>) async throws(Refusal) -> Decision
  ) async throws(Refusal) -> Decision {
    lastNumber += 1
    let number = lastNumber
    waiting[number] = Waiting(step: step)
    let watch = callers.watch(call.sender) { [self] in giveUp { $0 == number } }
    defer {
      callers.stopWatching(watch)
      waiting[number] = nil
    }
    // Whoever left before the watch began is not heard of by it.
    if call.hasLostCaller || callers.isGone(call.sender) { throw Refusal.callerGone }
    let start = KeyRing.uptime()
    try await waitForTurn(of: step.user.uid, number)
    defer { passTurn(of: step.user.uid) }
    if waiting[number]?.isGivenUp == true { throw Refusal.touchGivenUp }
    var left = TouchRequest.longestWait - (KeyRing.uptime() - start)
    if let begun { left = min(left, Patience.call - (KeyRing.uptime() - begun)) }
    guard left > 0 else { throw Refusal.keyInUse }
    let interface = step.activation == nil ? BusName.interface : BusName.activationInterface
    let request = TouchRequest(
      rules: rules, pin: pin.map { Secret($0.utf8) }, wait: left, yields: caller != 0
    ) { state in
      call.signal(
        progressSignal, of: interface,
        [.string(state.rawValue), .uint32(step.step), .uint32(step.steps), .dictionary([])])
    }
    let task = onBus { () -> Result<Signed, Refusal> in
      do throws(Refusal) { return .success(try await touch(request)) } catch { return .failure(error) }
    }
    waiting[number]?.giveUp = { task.cancel() }
    let result = await task.value
    // A yes that nobody waits for any more must cost nothing.
    if waiting[number]?.isGivenUp == true { throw Refusal.touchGivenUp }
    // From here on it is decided and cannot be given up.
    waiting[number] = nil
    return try await decide(result)
  }

  // MARK: Giving up

  /// Gives up what the set-ups wait for that are meant.
  ///
  /// - Returns: these set-ups.
  @discardableResult
  func giveUpSetUps(where isMeant: (PendingActivation) -> Bool) -> [PendingActivation] {
    let meant = waiting.filter { $0.value.step.activation.map(isMeant) ?? false }
    giveUp { meant[$0] != nil }
    return meant.values.compactMap(\.step.activation)
  }

  /// Whether a set-up that is meant waits for a touch.
  func holdsSetUp(where isMeant: (PendingActivation) -> Bool) -> Bool {
    waiting.values.contains { $0.step.activation.map(isMeant) ?? false }
  }

  func giveUpAll() { giveUp { _ in true } }

  private func giveUp(where isMeant: (UInt64) -> Bool) {
    for number in waiting.keys.filter(isMeant) {
      waiting[number]?.isGivenUp = true
      waiting[number]?.giveUp?()
      leaveQueue(number)
    }
  }

  // MARK: Turns

  private func waitForTurn(of uid: UInt32, _ number: UInt64) async throws(Refusal) {
    if turns.insert(uid).inserted { return }
    let timer = startTimer(after: UInt32(TouchRequest.longestWait)) { [self] in leaveQueue(number) }
    let hasTurn = await withCheckedContinuation { queues[uid, default: []].append((number, $0)) }
    cancelTimer(timer)
    guard hasTurn else { throw waiting[number]?.isGivenUp == true ? Refusal.touchGivenUp : Refusal.keyInUse }
  }

  private func passTurn(of uid: UInt32) {
    guard var queue = queues[uid], !queue.isEmpty else {
      turns.remove(uid)
      return
    }
    let next = queue.removeFirst()
    queues[uid] = queue.isEmpty ? nil : queue
    next.resume.resume(returning: true)
  }

  private func leaveQueue(_ number: UInt64) {
    for (uid, queue) in queues {
      guard let index = queue.firstIndex(where: { $0.number == number }) else { continue }
      let left = queue[index]
      queues[uid]?.remove(at: index)
      if queues[uid]?.isEmpty == true { queues[uid] = nil }
      left.resume.resume(returning: false)
    }
  }
}
