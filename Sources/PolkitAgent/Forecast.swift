import BusClient
import GLibBus
import Glibc
import OfflineAccess

/// What an elevation does to a user's offline access, told before anything is typed.
public struct Forecast: Sendable, Equatable {
  public let text: String
  /// Whether the elevation will be refused, or there is little left.
  public let isWarning: Bool

  /// - Parameter allowance: of the user who asks.
  /// - Returns: nil where there is nothing to say.
  public init?(_ allowance: Allowance) {
    guard allowance.activated, !allowance.method.isEmpty else { return nil }
    guard allowance.state == AllowanceState.ready.rawValue, let remaining = allowance.remaining else {
      if allowance.message.isEmpty { return nil }
      text = allowance.message
      isWarning = allowance.state != AllowanceState.ready.rawValue
      return
    }
    // A service that does not say what counts says nothing to foretell from.
    guard let counts = allowance.counts else { return nil }
    if counts.contains(Purpose.elevation.rawValue), remaining > 0 {
      // Where an online service is asked first, its yes costs nothing.
      text =
        allowance.authority.isEmpty
        ? AgentTexts.willLeave(remaining - 1, of: remaining) : AgentTexts.willLeaveOffline(remaining - 1, of: remaining)
      isWarning = remaining == 1
    } else {
      text = AgentTexts.costsNothing(remaining)
      isWarning = false
    }
  }
}

/// Asks the service for forecasts.
@BusActor
final class Forecasts {
  /// Milliseconds that a person waits for one at most; without it they are asked all the same.
  private static let patience: UInt32 = 2000

  /// - Returns: nil where the service tells this user nothing of `identity`, or is not there.
  func forecast(for identity: Identity) async -> Forecast? {
    // RemainingAllowance is for oneself.
    guard identity.uid == getuid(), PolkitStack.asksForFactor else { return nil }
    return await withCheckedContinuation { continuation in
      let answer = FirstAnswer(continuation)
      let timer = startTimer(after: Self.patience) { answer.give(nil) }
      onBus {
        let forecast = await onBlockingThread { Self.ask() }
        cancelTimer(timer)
        answer.give(forecast)
      }
    }
  }

  private nonisolated static func ask() -> Forecast? {
    do throws(BusFailure) {
      return Forecast(try FactorClient(BusConnection()).remainingAllowance(""))
    } catch { return nil }
  }

  /// What comes first counts.
  private final class FirstAnswer {
    private var continuation: CheckedContinuation<Forecast?, Never>?
    init(_ continuation: CheckedContinuation<Forecast?, Never>) { self.continuation = continuation }
    func give(_ forecast: Forecast?) {
      continuation?.resume(returning: forecast)
      continuation = nil
    }
  }
}
