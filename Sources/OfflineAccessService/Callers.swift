import GLibBus
import OfflineAccess

/// Who calls, by the bus's own credentials.
@BusActor
final class Callers {
  private let bus: SystemBus
  /// Lookups under way, by connection: one for all calls of it. The bus bounds the connections.
  private var lookups: [String: Task<Result<UInt32, Refusal>, Never>] = [:]

  init(_ bus: SystemBus) { self.bus = bus }

  /// The user id behind a connection. A lookup that fails is a refusal, and so is a call that turns out to be
  /// one too many, now that it is known who calls.
  func uid(of sender: String) async throws(Refusal) -> UInt32 {
    let uid: UInt32
    if let known = bus.gate.user(of: sender) {
      uid = known
    } else {
      let lookup = lookups[sender] ?? startLookup(of: sender)
      uid = try await lookup.value.get()
    }
    guard bus.gate.keepsCall(of: sender) else { throw Refusal.busy }
    return uid
  }

  /// Whether the connection has left the bus.
  func isGone(_ sender: String) -> Bool { bus.gate.isGone(sender) }

  /// Calls `vanished` when the connection behind `sender` ends, until the watch is stopped.
  func watch(_ sender: String, vanished: @escaping @BusActor () -> Void) -> SystemBus.Watch {
    bus.watch(sender, vanished: vanished)
  }

  func stopWatching(_ watch: SystemBus.Watch) { bus.stopWatching(watch) }

  private func startLookup(of sender: String) -> Task<Result<UInt32, Refusal>, Never> {
    let lookup = onBus { await self.lookUp(sender) }
    lookups[sender] = lookup
    return lookup
  }

  private func lookUp(_ sender: String) async -> Result<UInt32, Refusal> {
    defer { lookups[sender] = nil }
    do throws(BusError) {
      let uid = try await bus.userID(of: sender)
      bus.gate.learn(uid, of: sender)
      return .success(uid)
    } catch {
      return .failure(Refusal.unidentifiedCaller)
    }
  }
}
