import GLibBus
import OfflineAccess

/// Asks polkit (org.freedesktop.PolicyKit1.Authority, CheckAuthorization), without blocking: an agent
/// may need this very service before polkit can answer.
@BusActor
final class Polkit {
  private static let name = "org.freedesktop.PolicyKit1"
  private static let path = "/org/freedesktop/PolicyKit1/Authority"
  private static let interface = "org.freedesktop.PolicyKit1.Authority"

  private let bus: SystemBus
  private var lastCancellation = 0

  init(_ bus: SystemBus) { self.bus = bus }

  /// Returns when polkit says yes to `action` for the connection `sender`, and throws otherwise.
  ///
  /// - Parameter subject: the user whose offline access it is about; shown by the agent.
  func check(_ action: PolkitAction, sender: String, interactive: Bool, subject: String) async throws(Refusal) {
    lastCancellation += 1
    let cancellation = "offline-access-\(lastCancellation)"
    let watch = bus.watch(sender) { [bus] in
      // The dialog of a caller who is gone must not stay.
      onBus {
        _ = try? await bus.call(
          Self.name, Self.path, Self.interface, "CancelCheckAuthorization", [.string(cancellation)])
      }
    }
    defer { bus.stopWatching(watch) }
    let answer: [Value]
    do throws(BusError) {
      answer = try await bus.call(
        Self.name, Self.path, Self.interface, "CheckAuthorization",
        [
          .structure([.string("system-bus-name"), .dictionary([("name", .string(sender))])]),
          .string(action.rawValue), .stringMap([("user", subject)]), .uint32(interactive ? 1 : 0),
          .string(cancellation),
        ], timeout: nil)
    } catch {
      if bus.gate.isGone(sender) { throw Refusal.callerGone }
      Journal.fault("polkit could not be asked: \(error)", kind: "polkit")
      throw Refusal.authorizationUnchecked
    }
    // Nor does a yes count for somebody who left, be it before the question: polkit may have looked earlier.
    if bus.gate.isGone(sender) { throw Refusal.callerGone }
    guard case .structure(let result)? = answer.first, case .boolean(let authorized)? = result.first,
      case .boolean(let challenge)? = result.dropFirst().first
    else { throw Refusal.authorizationUnchecked }
    if authorized { return }
    if challenge {
      throw Refusal.interactionRequired
    }
    throw Refusal.notAuthorized
  }
}
