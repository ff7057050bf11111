import Glibc
import OnlineWire

/// One authentication, or one probe, over one socket.
public struct Session {
  /// Milliseconds that the service may think, with a person before it.
  private static let patience: Int64 = 300_000

  private let socket: Int32
  private var reader = FrameReader(longest: Frame.longestRequest)
  private var authority: (any Authority)?
  private var id: RequestID?
  private var deadline = OnlineRequest.usualDeadline
  private var challenge: OnlineChallenge?

  public init(socket: Int32) { self.socket = socket }

  /// Talks until a verdict is told or the service is done; false when it spoke out of turn.
  public mutating func run() -> Bool {
    while true {
      guard let frame = receive() else { return !reader.isInside }
      guard let request = try? OnlineRequest(frame) else { return false }
      switch answer(request) {
      case .reply(let reply):
        guard let id, send(reply, to: id) else { return false }
        guard case .challenge = reply else { return true }
      case .interrupted: continue
      case .outOfTurn: return false
      case .over: return true
      }
    }
  }

  private enum Outcome {
    case reply(OnlineReply)
    /// The service has said something, which is read next.
    case interrupted
    case outOfTurn
    case over
  }

  private mutating func answer(_ request: OnlineRequest) -> Outcome {
    switch request {
    case .begin(let id, let settings, let subject, let deadline):
      guard self.id == nil else { return .outOfTurn }
      (self.id, self.deadline) = (id, deadline)
      return carry { session throws(OnlineFault) in
        let authority = try makeAuthority(settings, subject, interruption: session.socket)
        session.authority = authority
        return try authority.begin(by: Deadline(milliseconds: deadline))
      }
    case .probe(let id, let settings, let deadline):
      guard self.id == nil else { return .outOfTurn }
      self.id = id
      return probe(settings, deadline)
    case .answer(let id, let code):
      guard id == self.id, let authority, challenge != nil else { return .outOfTurn }
      return carry { session throws(OnlineFault) in
        try authority.answer(code, by: Deadline(milliseconds: session.deadline))
      }
    case .wait(let id, let milliseconds):
      guard id == self.id, let authority, let challenge, challenge.push else { return .outOfTurn }
      return carry { session throws(OnlineFault) in
        try session.wait(authority, Deadline(milliseconds: milliseconds)) ?? .challenge(challenge)
      }
    case .abandon: return .over
    }
  }

  private mutating func carry(
    _ body: (inout Session) throws(OnlineFault) -> OnlineReply
  ) -> Outcome {
    do throws(OnlineFault) {
      let reply = try body(&self)
      if case .challenge(let challenge) = reply { self.challenge = challenge }
      return .reply(reply)
    } catch {
      switch error {
      case .verdict(var verdict):
        verdict.isConnected = verdict.value == .unreachable && (verdict.reason.hasAnswer || hasDefaultRoute())
        return .reply(.verdict(verdict))
      case .interrupted: return .interrupted
      }
    }
  }

  private mutating func probe(_ settings: AuthoritySettings, _ deadline: Int64) -> Outcome {
    carry { session throws(OnlineFault) in
      do throws(OnlineFault) {
        let subject = OnlineSubject(user: "probe")
        let authority = try makeAuthority(settings, subject, interruption: session.socket)
        return .probed(try authority.probe(by: Deadline(milliseconds: deadline)))
      } catch {
        guard case .verdict(let verdict) = error else { throw error }
        // Whoever refuses a call that proves nothing refuses our credentials.
        let value: ProbeValue = verdict.value == .unreachable ? .unreachable : .misconfigured
        return .probed(OnlineProbe(value, verdict.reason, verdict.detail, alarm: verdict.alarm))
      }
    }
  }

  /// Looks at the push until it is decided, time is over, or the service speaks; then nil.
  private mutating func wait(
    _ authority: any Authority, _ deadline: Deadline
  ) throws(OnlineFault) -> OnlineReply? {
    while true {
      guard !reader.isInside else { return nil }
      do throws(OnlineFault) {
        if let reply = try authority.look(by: deadline, patience: self.deadline) { return reply }
      } catch {
        // The service has something to say, or the end of our wait is that of the look. Any other end counts, be it as late.
        guard error != .interrupted, !(deadline.isOver && error.isTimeout) else { return nil }
        throw error
      }
      guard !deadline.isOver, !waitForInput(socket, min(authority.pace, deadline.left)) else { return nil }
    }
  }

  /// The next message; nil at the end of the stream and after what cannot be read.
  private mutating func receive() -> Frame? {
    let end = Deadline(milliseconds: Self.patience)
    var buffer = [UInt8](repeating: 0, count: 16 * 1024)
    while true {
      do throws(FrameFault) { if let frame = try reader.next() { return frame } } catch { return nil }
      guard waitForInput(socket, end.left) else { return nil }
      let count = read(socket, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return nil }
      reader.feed(buffer.prefix(count))
    }
  }

  private func send(_ reply: OnlineReply, to id: RequestID) -> Bool {
    guard let bytes = try? reply.frame(to: id).encoded(longest: Frame.longestReply) else { return false }
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes { bytes in
        Glibc.send(socket, bytes.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      sent += count
    }
    return true
  }
}

/// The authority that `settings` name, for `subject`.
func makeAuthority(
  _ settings: AuthoritySettings, _ subject: OnlineSubject, interruption: Int32
) throws(OnlineFault) -> any Authority {
  guard let user = settings.name(of: subject), !user.isEmpty else {
    throw .misconfigured(.badSetting, "The template of the user's name knows %u, %h and %% only.")
  }
  switch settings.kind {
  case .privacyidea: return try PrivacyIDEA(settings, user: user, interruption: interruption)
  case .duo: return try Duo(settings, subject, user: user, interruption: interruption)
  case .radius: return try RADIUS(settings, subject, user: user, interruption: interruption)
  }
}
