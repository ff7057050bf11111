import CLinux
import Configuration
import Glibc
import OfflineAccess
import OnlineWire
import Synchronization
import Threads

/// The online factor of `[Authority]`, by a process of its own for each authentication.
public struct OnlineAuthority: Authority {
  public init() {}

  public func begin(
    _ question: AuthorityQuestion, under policy: AuthorityPolicy
  ) async -> (any AuthorityTalk, AuthorityStep) {
    let talk = OnlineTalk(deadline: question.deadline)
    return (talk, await talk.begin(question, policy))
  }
}

/// One talk with one process. All reading is done by a thread of its own, which lives as long as the process does.
final class OnlineTalk: AuthorityTalk {
  /// Milliseconds that the process gets to say in time that it ran out of time.
  private static let grace: Int64 = 1000

  private struct Waiting {
    let deadline: Int64
    let isWait: Bool
    let resume: CheckedContinuation<AuthorityStep?, Never>
  }

  private struct State {
    /// In the order of the questions, which is that of the replies.
    var waiting: [Waiting] = []
    var socket: Int32?
    var isOver = false
    /// How it ended while nobody asked anything.
    var unclaimed: AuthorityStep?
  }

  private let id: RequestID
  private let deadline: Int64
  private let state = Mutex(State())
  /// Wakes the thread; -1 where there is none.
  private let event = linux_event()

  /// - Parameter deadline: milliseconds for each answer of the authority.
  init(deadline: Int64) {
    (id, self.deadline) = (.random(), deadline)
  }

  deinit { close(event) }

  func begin(_ question: AuthorityQuestion, _ policy: AuthorityPolicy) async -> AuthorityStep {
    let step = await withCheckedContinuation { continuation in
      state.withLock { $0.waiting.append(waiting(deadline, continuation)) }
      let isStarted = startThread { [self] in
        run(question, policy)
        linux_wipe_leftovers()
      }
      if !isStarted { finish(.unreachable("ended", "There is no thread for it.")) }
    }
    return step ?? .unreachable("ended", "")
  }

  func answer(_ response: Secret) async -> AuthorityStep? {
    await ask(.answer(id, code: response.withBytes { Array($0) }), deadline, isWait: false)
  }

  func wait(milliseconds: Int64) async -> AuthorityStep? {
    await ask(.wait(id, milliseconds: milliseconds), milliseconds + deadline, isWait: true)
  }

  func end() {
    state.withLock { $0.isOver = true }
    wake()
  }

  // MARK: Questions

  private func ask(_ request: OnlineRequest, _ time: Int64, isWait: Bool) async -> AuthorityStep? {
    await withCheckedContinuation { continuation in
      let (isAsked, end) = state.withLock { state -> (Bool, AuthorityStep?) in
        guard !state.isOver, let socket = state.socket else {
          // It is told once: the end that somebody else was told is not that of the authority.
          defer { state.unclaimed = nil }
          return (false, state.unclaimed)
        }
        // Where that fails, the thread is about to read why: there may be a verdict before the end.
        _ = request.send(to: socket, patience: 0)
        state.waiting.append(waiting(time, continuation, isWait: isWait))
        return (true, nil)
      }
      if !isAsked { continuation.resume(returning: end) }
      wake()
    }
  }

  private func waiting(
    _ time: Int64, _ continuation: CheckedContinuation<AuthorityStep?, Never>, isWait: Bool = false
  ) -> Waiting {
    Waiting(deadline: monotonicMilliseconds() + time + Self.grace, isWait: isWait, resume: continuation)
  }

  private func wake() {
    var one: UInt64 = 1
    _ = write(event, &one, MemoryLayout<UInt64>.size)
  }

  // MARK: The thread

  private func run(_ question: AuthorityQuestion, _ policy: AuthorityPolicy) {
    let settings: AuthoritySettings
    do throws(ConfigurationError) { settings = try AuthoritySettings(policy) } catch {
      return finish(.misconfigured("bad-setting", "\(error)"))
    }
    let process: OnlineProcess
    do throws(OnlineProcessFailure) { process = try .start() } catch {
      return finish(
        error.isPassing ? .unreachable("ended", error.detail) : .misconfigured("bad-setting", error.detail))
    }
    defer { process.end() }
    state.withLock { $0.socket = process.socket }
    var subject = OnlineSubject(user: question.user.name)
    (subject.machine, subject.remote) = (question.machine, question.remote)
    subject.purpose = question.purpose.rawValue
    let begin = OnlineRequest.begin(id, settings, subject, deadline: question.deadline)
    guard begin.send(to: process.socket, patience: Self.grace) else {
      return finish(.unreachable("ended", "The process for the online service took no question."))
    }
    finish(read(process.socket))
  }

  /// Reads replies until there is an answer, or no more to come.
  private func read(_ socket: Int32) -> AuthorityStep {
    var reader = FrameReader(longest: Frame.longestReply)
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let (isOver, end) = state.withLock { ($0.isOver, $0.waiting.map(\.deadline).min()) }
      if isOver { return .unreachable("ended", "Nobody waits for it any more.") }
      let left = end.map { $0 - monotonicMilliseconds() }
      if let left, left <= 0 {
        return .unreachable("timeout", "The process for the online service did not answer in time.")
      }
      var ready = [
        pollfd(fd: socket, events: Int16(POLLIN), revents: 0), pollfd(fd: event, events: Int16(POLLIN), revents: 0),
      ]
      poll(&ready, 2, left.map { Int32(clamping: $0) } ?? -1)
      if ready[1].revents != 0 {
        var count: UInt64 = 0
        _ = Glibc.read(event, &count, MemoryLayout<UInt64>.size)
      }
      guard ready[0].revents != 0 else { continue }
      let count = Glibc.read(socket, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return .unreachable("ended", "The process for the online service ended.") }
      reader.feed(buffer.prefix(count))
      do throws(FrameFault) {
        while let frame = try reader.next() {
          switch try OnlineReply(frame, to: id) {
          case .challenge(let challenge): tell(challenge)
          case .verdict(let verdict): return .answer(AuthorityAnswer(verdict))
          case .probed: return .unreachable("malformed", "The process for the online service spoke out of turn.")
          }
        }
      } catch {
        return .unreachable("malformed", "The process for the online service spoke out of turn.")
      }
    }
  }

  /// Tells whoever asked first of a challenge.
  private func tell(_ challenge: OnlineChallenge) {
    let first = state.withLock { $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() }
    guard let first else { return }
    let step = AuthorityStep.challenge(AuthorityChallenge(isPush: challenge.push, text: challenge.text))
    first.resume.resume(returning: first.isWait ? nil : step)
  }

  /// The end: who asked first gets it, and whoever else asked nothing.
  private func finish(_ step: AuthorityStep) {
    let waiting = state.withLock { state in
      (state.isOver, state.socket) = (true, nil)
      if state.waiting.isEmpty { state.unclaimed = step }
      defer { state.waiting = [] }
      return state.waiting
    }
    for (index, asked) in waiting.enumerated() { asked.resume.resume(returning: index == 0 ? step : nil) }
  }
}

extension AuthorityStep {
  fileprivate static func unreachable(_ reason: String, _ detail: String) -> Self {
    .answer(
      AuthorityAnswer(.unreachable(Outage(reason: reason, isConnected: false)), reason: reason, detail: detail))
  }

  fileprivate static func misconfigured(_ reason: String, _ detail: String) -> Self {
    .answer(AuthorityAnswer(.misconfigured, reason: reason, detail: detail))
  }
}

extension AuthorityAnswer {
  fileprivate init(_ told: OnlineVerdict) {
    let verdict: AuthorityVerdict =
      switch told.value {
      case .approved: .approved(proof: told.proof)
      case .bypassed: .bypassed
      case .denied: .denied(AuthorityVerdict.Denial(told.reason))
      case .unreachable: .unreachable(Outage(reason: told.reason.rawValue, isConnected: told.isConnected))
      case .misconfigured: .misconfigured
      }
    self.init(verdict, reason: told.reason.rawValue, detail: told.detail, isAlarm: told.alarm)
  }
}

extension AuthorityVerdict.Denial {
  fileprivate init(_ reason: OnlineReason) {
    switch reason {
    case .wrongCode: self = .wrongResponse
    case .noResponse: self = .noResponse
    default: self = .user
    }
  }
}
