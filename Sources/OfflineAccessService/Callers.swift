import GLibBus
import OfflineAccess

/// Who calls, by the bus's own credentials.
@BusActor
final class Callers {
  private let bus: SystemBus
  private var lookups = 0
  private var waiting: [CheckedContinuation<Void, Never>] = []

  /// Lookups under way at once. The bus bounds our open calls too, and at its bound it would refuse the
  /// lookup of somebody who has done nothing.
  private static let lookupsAtOnce = 32

  init(_ bus: SystemBus) { self.bus = bus }

  /// The user id behind a connection. A lookup that fails is a refusal, and so is a user who, now that
  /// it is known who calls, turns out to have too many calls open.
  func uid(of sender: String) async throws(Refusal) -> UInt32 {
    if let uid = bus.gate.user(of: sender) { return uid }
    await takeTurn()
    defer { giveTurn() }
    let answer: [Value]
    do throws(BusError) {
      answer = try await bus.call(
        "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetConnectionUnixUser",
        [.string(sender)])
    } catch {
      throw Refusal.unidentifiedCaller
    }
    guard case .uint32(let uid)? = answer.first else { throw Refusal.unidentifiedCaller }
    guard bus.gate.learn(uid, of: sender) else { throw Refusal.busy }
    return uid
  }

  /// Whether the connection has left the bus.
  func isGone(_ sender: String) -> Bool { bus.gate.isGone(sender) }

  private func takeTurn() async {
    if lookups < Self.lookupsAtOnce {
      lookups += 1
      return
    }
    await withCheckedContinuation { waiting.append($0) }
  }

  private func giveTurn() {
    // The next one takes over this turn, so the count stays.
    if waiting.isEmpty { lookups -= 1 } else { waiting.removeFirst().resume() }
  }
}
