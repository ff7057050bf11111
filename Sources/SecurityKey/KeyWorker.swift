import CFIDO2
import Glibc
import OfflineAccess
import Synchronization
import Threads

/// What a key is to do for a session.
struct KeyTask: Sendable {
  enum Step: Sendable {
    /// Tells what the key is and, where there is a credential, whether it has that.
    case look
    /// Waits for a touch.
    case touch(milliseconds: Int64)
  }

  let session: UInt64
  let step: Step
  let errand: KeyErrand
  let request: TouchRequest
}

/// What a session wants of a key.
enum KeyErrand: Sendable {
  case prove(SecurityKeyFactor)
  case register(KeyHolder, RelyingParty)
}

/// What came of a task.
enum KeyReport: Sendable {
  case ready(KeyAbilities)
  case proven(KeyProof)
  case registered(SecurityKeyFactor)
  case failed(KeyFault)
}

/// A thread of its own for one key: libfido2 blocks, and holds its settings by thread.
final class KeyWorker: Sendable {
  let key: PluggedKey
  private let thread: BatchThread<KeyTask>
  private let cancellation: KeyCancellation

  /// - Parameter report: is told, on the worker's thread, what came of each task.
  init(_ key: PluggedKey, at ports: some KeyPorts, report: @escaping @Sendable (KeyTask, KeyReport) -> Void) {
    let cancellation = KeyCancellation()
    // Opened for the first task, and again after a fault; used by the thread alone.
    let opened = Mutex<KeyDevice?>(nil)
    self.key = key
    self.cancellation = cancellation
    thread = BatchThread(
      body: { tasks in
        fido_init(0)
        for task in tasks {
          let result = opened.withLock { device in
            Self.run(task, on: key, at: ports, &device, cancellation)
          }
          report(task, result)
        }
      }, atEnd: { opened.withLock { $0 = nil } })
  }

  /// Starts a task; one at a time.
  func start(_ task: KeyTask) { thread.submit(task) }
  /// Asks the key to end its wait for a touch.
  func cancel() { cancellation.cancel() }
  /// Ends the task whatever the key does.
  func cut() { cancellation.cut() }

  /// Closes the key and ends the thread, which waits for nothing any more.
  func stop() {
    cancellation.stop()
    thread.stop()
  }

  private static func run(
    _ task: KeyTask, on key: PluggedKey, at ports: some KeyPorts, _ device: inout KeyDevice?,
    _ cancellation: KeyCancellation
  ) -> KeyReport {
    do throws(KeyFault) {
      let open: KeyDevice
      if let present = device, !present.channel.isCut {
        open = present
      } else {
        device = nil
        open = try Self.open(key, at: ports, cancellation)
        device = open
      }
      return try carryOut(task, on: open)
    } catch {
      // After these the key is where it was before; after all else it is opened anew.
      switch error {
      case .refused, .absent, .untouched: break
      case .gone, .inUse, .interrupted, .unreliable: device = nil
      }
      return .failed(error)
    }
  }

  private static func open(
    _ key: PluggedKey, at ports: some KeyPorts, _ cancellation: KeyCancellation
  ) throws(KeyFault) -> KeyDevice {
    let descriptor = ports.open(key.path)
    guard descriptor >= 0 else {
      switch errno {
      case EWOULDBLOCK: throw .inUse
      case ENOENT, ENODEV, ENXIO, EIO: throw .gone
      default: throw .unreliable
      }
    }
    return try KeyDevice(key, over: descriptor, cancellation: cancellation)
  }

  private static func carryOut(_ task: KeyTask, on device: KeyDevice) throws(KeyFault) -> KeyReport {
    let request = task.request
    let announce = { request.progress(.touchNeeded) }
    switch (task.step, task.errand) {
    case (.look, .register): return .ready(device.abilities)
    case (.look, .prove(let factor)):
      guard try device.holds(factor) else { throw .absent }
      return .ready(device.abilities)
    case (.touch(let milliseconds), .prove(let factor)):
      return .proven(
        try device.prove(factor, request.rules, pin: request.pin, within: milliseconds, beforeTouch: announce))
    case (.touch(let milliseconds), .register(let holder, let party)):
      return .registered(
        try device.register(
          holder, for: party, request.rules, pin: request.pin, within: milliseconds, beforeTouch: announce))
    }
  }
}
