import BusClient
import CGTK
import FactorView

/// Asks the service what a user has left, as the greeter's user may, without holding up the screen.
@MainActor
final class AllowanceLookUp {
  private var wanted: String?
  /// One thread at a time: the service is asked for the last user that was wanted.
  private var isAsking = false
  private let told: @MainActor (String, Allowance) -> Void

  /// - Parameter told: called with the user who was asked for last and their allowance; never where there is no answer.
  init(told: @escaping @MainActor (String, Allowance) -> Void) { self.told = told }

  func ask(_ user: String?) {
    wanted = user
    guard let user, !isAsking else { return }
    isAsking = true
    onThread { [weak self] in
      let allowance = Self.allowance(of: user)
      onMainLoop { self?.answer(user, allowance) }
    }
  }

  private func answer(_ user: String, _ allowance: Allowance?) {
    isAsking = false
    if user != wanted { ask(wanted) } else if let allowance { told(user, allowance) }
  }

  /// Nil where the service does not say: then nothing is shown, and PAM will tell.
  private nonisolated static func allowance(of user: String) -> Allowance? {
    do throws(BusFailure) {
      return try FactorClient(BusConnection()).remainingAllowance(user)
    } catch {
      return nil
    }
  }
}

/// Runs something that waits on a thread of its own.
private func onThread(_ run: @escaping @Sendable () -> Void) {
  final class Work: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }
  let thread = g_thread_new(
    "allowance",
    { data in
      data.map { Unmanaged<Work>.fromOpaque($0).takeRetainedValue().run() }
      return nil
    }, Unmanaged.passRetained(Work(run)).toOpaque())
  g_thread_unref(thread)
}
