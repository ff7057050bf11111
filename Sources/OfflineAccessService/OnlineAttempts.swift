import BusInterface
import GLibBus
import Glibc
import OfflineAccess
import SecurityKey

/// The authentications with an authority that are under way: one for each connection and user, across its calls.
@BusActor
final class OnlineAttempts {
  /// Milliseconds that a talk with an authority lives.
  private static let lifetime: UInt32 = 120_000
  /// Milliseconds that one call waits for the request on the phone.
  private static let longestWait: Int64 = 15_000
  /// Milliseconds after which a person is told what is waited for.
  private static let silence: UInt32 = 1000
  /// Talks at once: each is a process.
  private static let capacity = 64
  private static let capacityOfCaller = 2
  /// Talks about one user, by whom ever: behind sudo any user calls as root, and must not take all places.
  private static let capacityOfSubject = 8

  private struct Place: Hashable {
    let sender: String
    let user: UInt32
  }

  /// What came of asking.
  enum Asked: Sendable {
    /// - Parameter wasPrompted: whether the caller's response had been asked for in the authority's name.
    case answer(AuthorityAnswer, wasPrompted: Bool)
    /// The authority was away when this person was asked for the offline factor, which they give now. It is not asked
    /// again in between: one that is back comes next time.
    case awayBefore(Outage)
  }

  private final class Attempt {
    let caller: UInt32
    /// Later ones have higher numbers.
    let number: UInt64
    var talk: (any AuthorityTalk)?
    var challenge = AuthorityChallenge(isPush: false, text: "")
    /// The authority was away, and the person was asked for the offline factor instead.
    var outage: Outage?
    /// The authority was asked and has not answered at all yet.
    var isBeginning = false
    var isWaiting = false
    var isAnswering = false
    /// A code came while the phone was waited for.
    var isLeft = false
    var isGone = false
    /// It ended before the authority had decided: its time was over, or the service ends.
    var isGivenUp = false
    var watch: SystemBus.Watch?
    var timer: UInt32?

    init(caller: UInt32, number: UInt64) { (self.caller, self.number) = (caller, number) }

    /// Whether it is a person's turn, and no call is under way.
    var isIdle: Bool { !isBeginning && !isWaiting && !isAnswering }
  }

  private let authority: any Authority
  private let callers: Callers
  private var attempts: [Place: Attempt] = [:]
  private var lastNumber: UInt64 = 0

  init(_ authority: any Authority, _ callers: Callers) {
    (self.authority, self.callers) = (authority, callers)
  }

  /// Whether a talk is under way that a person may come back to.
  var isEmpty: Bool { attempts.isEmpty }

  /// Lets the authority decide.
  ///
  /// - Throws: `responseRequired` when the person has to type or approve something first; the caller comes back
  ///   with what they did.
  func ask(
    _ user: UserIdentity, _ call: MethodCall, by caller: UInt32, response: String, purpose: Purpose, remote: String,
    _ policy: AuthorityPolicy
  ) async throws(Refusal) -> Asked {
    let place = Place(sender: call.sender, user: user.uid)
    let report = Report(call: call)
    let start = KeyRing.uptime()
    let attempt: Attempt
    var step: AuthorityStep?
    var wasPrompted = false
    if let present = attempts[place] {
      guard let talk = present.talk else {
        guard let outage = present.outage else { throw Refusal.busy }
        end(place)
        return .awayBefore(outage)
      }
      attempt = present
      if !response.isEmpty {
        present.isLeft = present.isWaiting
        wasPrompted = true
        step = await answer(attempt, talk, response)
        guard step != nil else { throw Refusal.overtaken }
      } else if !present.challenge.isPush {
        throw invite(present, report)
      } else {
        guard !present.isWaiting else { throw Refusal.busy }
        step = try await wait(present, talk, since: start, report)
      }
    } else {
      attempt = try open(place, caller, call)
      step = await begin(attempt, user, purpose, remote, policy, report)
      if case .challenge(let challenge)? = step, let talk = attempt.talk {
        attempt.challenge = challenge
        if !response.isEmpty {
          step = await answer(attempt, talk, response)
        } else if challenge.isPush {
          step = try await wait(attempt, talk, since: start, report)
        }
      }
    }
    if attempt.isGone {
      if attempts[place] === attempt { end(place) }
      throw Refusal.callerGone
    }
    // No outage: or whoever waits long enough would be asked for less.
    if attempt.isGivenUp { throw Refusal.onlineDenied(.noResponse) }
    switch step {
    case .answer(let answer)?:
      end(place)
      return .answer(answer, wasPrompted: wasPrompted)
    case .challenge(let challenge)?:
      attempt.challenge = challenge
      throw invite(attempt, report)
    case nil:
      throw invite(attempt, report)
    }
  }

  /// The person is asked for the offline factor now, or its PIN; their next call brings it.
  func standIn(for outage: Outage, _ user: UserIdentity, _ call: MethodCall, by caller: UInt32) {
    guard let attempt = try? open(Place(sender: call.sender, user: user.uid), caller, call) else { return }
    attempt.outage = outage
  }

  func endAll() { for (place, attempt) in attempts { giveUp(attempt, at: place) } }

  // MARK: Steps

  private func begin(
    _ attempt: Attempt, _ user: UserIdentity, _ purpose: Purpose, _ remote: String, _ policy: AuthorityPolicy,
    _ report: Report
  ) async -> AuthorityStep {
    let timer = startTimer(after: Self.silence) {
      // It may have been on its way here when the answer came, and the call's own answer with that.
      if attempt.isBeginning { report.send(message: OnlineSentences.contacting) }
    }
    defer { cancelTimer(timer) }
    let question = AuthorityQuestion(
      user: user, purpose: purpose, remote: remote, machine: hostName(), deadline: Int64(policy.timeout) * 1000)
    attempt.isBeginning = true
    let (talk, step) = await authority.begin(question, under: policy)
    attempt.isBeginning = false
    if attempt.isGone || attempt.isGivenUp { talk.end() } else { attempt.talk = talk }
    return step
  }

  private func answer(_ attempt: Attempt, _ talk: any AuthorityTalk, _ response: String) async -> AuthorityStep? {
    attempt.isAnswering = true
    defer { attempt.isAnswering = false }
    return await talk.answer(Secret(response.utf8))
  }

  /// Waits for the phone; nil when that goes on.
  private func wait(
    _ attempt: Attempt, _ talk: any AuthorityTalk, since start: Int64, _ report: Report
  ) async throws(Refusal) -> AuthorityStep? {
    report.send(message: OnlineSentences.approve)
    attempt.isWaiting = true
    let left = Patience.call - (KeyRing.uptime() - start)
    let step = await talk.wait(milliseconds: max(0, min(Self.longestWait, left)))
    attempt.isWaiting = false
    if step == nil, attempt.isLeft {
      attempt.isLeft = false
      throw Refusal.leftForCode
    }
    return step
  }

  /// Tells what may be typed.
  private func invite(_ attempt: Attempt, _ report: Report) -> Refusal {
    let isPush = attempt.challenge.isPush
    report.send(
      message: attempt.challenge.text,
      prompt: isPush ? OnlineSentences.approvePrompt : OnlineSentences.passcodePrompt)
    return isPush ? Refusal.approvalRequired : Refusal.onlineCodeRequired
  }

  // MARK: Beginning and end

  private func open(_ place: Place, _ caller: UInt32, _ call: MethodCall) throws(Refusal) -> Attempt {
    if caller != 0, attempts.values.count(where: { $0.caller == caller }) >= Self.capacityOfCaller {
      throw Refusal.busy
    }
    try makeRoom(Self.capacityOfSubject) { $0.user == place.user }
    try makeRoom(Self.capacity) { _ in true }
    lastNumber += 1
    let attempt = Attempt(caller: caller, number: lastNumber)
    attempts[place] = attempt
    attempt.watch = callers.watch(call.sender) { [self] in
      attempt.isGone = true
      // Its process lives on until the authority has answered. Until then it counts, or whoever comes and goes
      // would have as many of them as they like.
      if !attempt.isBeginning { end(place) }
    }
    attempt.timer = startTimer(after: Self.lifetime) { [self] in
      attempt.timer = nil
      // Another one may stand in its place.
      if attempts[place] === attempt { giveUp(attempt, at: place) }
    }
    return attempt
  }

  /// Of talks that would be too many, the oldest one whose person takes their time gives way, or prompts that nobody
  /// answers would keep a user out. A new one is begun for that person when they have answered.
  private func makeRoom(_ capacity: Int, for isMeant: (Place) -> Bool) throws(Refusal) {
    let present = attempts.filter { isMeant($0.key) }
    guard present.count >= capacity else { return }
    guard let oldest = present.filter({ $0.value.isIdle }).min(by: { $0.value.number < $1.value.number }) else {
      throw Refusal.busy
    }
    end(oldest.key)
  }

  private func giveUp(_ attempt: Attempt, at place: Place) {
    attempt.isGivenUp = true
    end(place)
  }

  private func end(_ place: Place) {
    guard let attempt = attempts.removeValue(forKey: place) else { return }
    attempt.talk?.end()
    if let watch = attempt.watch { callers.stopWatching(watch) }
    if let timer = attempt.timer { cancelTimer(timer) }
  }
}

/// How long one call may take in all, in milliseconds, with all whom it waits for: clients of D-Bus give up after 25
/// seconds.
enum Patience {
  static let call: Int64 = 24_000
}

/// What the caller of an authentication is told while an authority is asked.
struct Report: Sendable {
  let call: MethodCall

  func send(message: String, prompt: String = "") {
    var details: [(ProgressKey, Value)] = []
    if !message.isEmpty { details.append((.message, .string(message))) }
    if !prompt.isEmpty { details.append((.prompt, .string(prompt))) }
    call.signal(
      progressSignal, of: BusName.interface,
      [
        .string(ProgressState.onlineWaiting.rawValue), .uint32(1), .uint32(1),
        .dictionary(details.map { ($0.rawValue, $1) }),
      ])
  }
}

/// This machine's name.
func hostName() -> String {
  var buffer = [CChar](repeating: 0, count: 257)
  guard gethostname(&buffer, buffer.count - 1) == 0 else { return "computer" }
  let name = buffer.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
  return name.isEmpty ? "computer" : String(name.prefix(64))
}
