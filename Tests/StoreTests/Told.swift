import OfflineAccess
import Synchronization

/// The failures that a store reported.
final class Told: Sendable {
  private let failures = Mutex<[StoreFailure]>([])
  var all: [StoreFailure] { failures.withLock { $0 } }
  func add(_ failure: StoreFailure) { failures.withLock { $0.append(failure) } }
}
