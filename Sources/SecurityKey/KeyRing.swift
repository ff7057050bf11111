import CFIDO2
import Glibc
import OfflineAccess
import Synchronization
import Threads

/// The security keys of this machine, shared by all who wait for a touch.
///
/// One thread decides; a thread each for the keys asks them, so that no key holds another one up. While nobody waits
/// no key is open and only the deciding thread exists, asleep.
public final class KeyRing: SecurityKeyReader {
  enum Event: Sendable {
    case begin(UInt64, KeyErrand, TouchRequest, KeyTicket, @Sendable (Result<KeySession.Outcome, Refusal>) -> Void)
    /// A caller may have given up.
    case look
    case report(worker: UInt64, KeyTask, KeyReport)
  }

  /// Milliseconds between two looks at what is plugged in, while somebody waits.
  private static let pace: Int64 = 100

  private let thread: BatchThread<Event>
  private let mailbox: Mailbox
  private let party: @Sendable () -> RelyingParty?
  private let lastSession = Atomic<UInt64>(0)

  /// - Parameters:
  ///   - party: in whose name credentials are made; nil while that cannot be told.
  ///   - clock: milliseconds of a clock that runs during suspend and cannot be set.
  public init(
    ports: some KeyPorts = HIDPorts(), party: @escaping @Sendable () -> RelyingParty?,
    clock: @escaping @Sendable () -> Int64 = KeyRing.uptime
  ) {
    self.party = party
    let mailbox = Mailbox()
    let state = Mutex(KeyRingState(ports: ports, clock: clock) { event in mailbox.post(event) })
    let thread = BatchThread<Event>(
      patience: { state.withLock { $0.isWaitedFor } ? Self.pace : nil },
      body: { events in
        fido_init(0)
        state.withLock { state in
          for event in events { state.take(event) }
          state.step()
        }
      }, atEnd: { state.withLock { $0.end() } })
    mailbox.thread.withLock { $0 = thread }
    self.thread = thread
    self.mailbox = mailbox
  }

  /// Ends all waits and closes all keys. No call may follow.
  public func close() {
    thread.stop()
    mailbox.thread.withLock { $0 = nil }
  }

  /// The way back to the ring's thread, for what it starts.
  private final class Mailbox: Sendable {
    let thread = Mutex<BatchThread<Event>?>(nil)
    func post(_ event: Event) { thread.withLock { $0 }?.submit(event) }
  }

  public static func uptime() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_BOOTTIME, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }

  public func register(_ holder: KeyHolder, _ request: TouchRequest) async throws(Refusal) -> SecurityKeyFactor {
    guard let party = party() else { throw Refusal.noMachineID }
    guard case .registered(let factor) = try await wait(.register(holder, party), request) else {
      throw Refusal.keyUnreliable
    }
    return factor
  }

  public func prove(_ factor: SecurityKeyFactor, _ request: TouchRequest) async throws(Refusal) -> KeyProof {
    // A rule that was changed since the set-up holds at once.
    if let refusal = request.rules.refusal(of: factor.identity) { throw refusal }
    guard case .proven(let proof) = try await wait(.prove(factor), request) else { throw Refusal.keyUnreliable }
    return proof
  }

  private func wait(_ errand: KeyErrand, _ request: TouchRequest) async throws(Refusal) -> KeySession.Outcome {
    let number = lastSession.wrappingAdd(1, ordering: .relaxed).newValue
    let ticket = KeyTicket()
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        thread.submit(.begin(number, errand, request, ticket) { continuation.resume(returning: $0) })
      }
    } onCancel: {
      ticket.giveUp()
      thread.submit(.look)
    }
    return try result.get()
  }
}
