import Glibc
import SoftKey
import Synchronization

/// A device in a slot: its terminal and, unless it is a keyboard, the key that is served behind it.
final class PluggedDevice: Sendable {
  let identity: DeviceIdentity
  let terminal: PseudoTerminal
  private let key: SoftKey?
  /// This side's end of the key's connection; -1 when it is unplugged, or there is no key.
  private let connection: Mutex<Int32>
  private let threads: [pthread_t]
  private let isGone = Atomic(false)

  init?(_ identity: DeviceIdentity, _ key: SoftKey?) {
    guard let terminal = PseudoTerminal() else { return nil }
    (self.identity, self.terminal, self.key) = (identity, terminal, key)
    guard let key else {
      connection = Mutex(-1)
      threads = []
      return
    }
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else { return nil }
    let (near, far) = (ends[0], ends[1])
    connection = Mutex(near)
    threads = [
      startThread {
        key.serve(far)
        close(far)
      },
      startThread {
        var report = [UInt8](repeating: 0, count: 64)
        while read(near, &report, report.count) == report.count { terminal.send(report) }
      },
    ]
  }

  var isPlugged: Bool { !isGone.load(ordering: .acquiring) }

  /// Gives a report to the key; false if that is impossible.
  func receive(_ report: UnsafeRawBufferPointer) -> Bool {
    guard key != nil else { return isPlugged }
    return connection.withLock { connection in
      connection >= 0
        && send(connection, report.baseAddress, report.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
          == report.count
    }
  }

  func unplug() {
    isGone.store(true, ordering: .releasing)
    let near = connection.withLock { connection in
      defer { connection = -1 }
      return connection
    }
    if near >= 0 { shutdown(near, Int32(SHUT_RDWR)) }
    // The next time it is plugged in, it has forgotten this one.
    for thread in threads { pthread_join(thread, nil) }
    terminal.end()
    if near >= 0 { close(near) }
  }
}

/// What a device says that it is.
struct DeviceIdentity: Sendable {
  let vendor: UInt16
  let product: UInt16
  let manufacturer: String
  let name: String
  let serial: String
  let reportDescriptor: [UInt8]

  /// What a FIDO key's reports look like (CTAP 2.1, section 11.2.8.1): usage page F1D0, 64 bytes in and out.
  static let fidoReports: [UInt8] = [
    0x06, 0xd0, 0xf1, 0x09, 0x01, 0xa1, 0x01, 0x09, 0x20, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, 0x95, 0x40, 0x81,
    0x02, 0x09, 0x21, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, 0x95, 0x40, 0x91, 0x02, 0xc0,
  ]

  /// What a boot keyboard's look like (HID 1.11, appendix B.1), as one-time password tokens are.
  static let keyboardReports: [UInt8] = [
    0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0x05, 0x07, 0x19, 0xe0, 0x29, 0xe7, 0x15, 0x00, 0x25, 0x01, 0x75, 0x01, 0x95,
    0x08, 0x81, 0x02, 0x95, 0x01, 0x75, 0x08, 0x81, 0x01, 0x95, 0x05, 0x75, 0x01, 0x05, 0x08, 0x19, 0x01, 0x29, 0x05,
    0x91, 0x02, 0x95, 0x01, 0x75, 0x03, 0x91, 0x01, 0x95, 0x06, 0x75, 0x08, 0x15, 0x00, 0x25, 0x65, 0x05, 0x07, 0x19,
    0x00, 0x29, 0x65, 0x81, 0x00, 0xc0,
  ]
}

private final class ThreadBody {
  let body: () -> Void
  init(_ body: @escaping () -> Void) { self.body = body }
}

/// Starts a thread that has to be joined.
private func startThread(_ body: @escaping @Sendable () -> Void) -> pthread_t {
  var thread = pthread_t()
  let argument = Unmanaged.passRetained(ThreadBody(body)).toOpaque()
  let result = pthread_create(
    &thread, nil,
    { argument in
      guard let argument else { return nil }
      Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().body()
      return nil
    }, argument)
  precondition(result == 0, "no thread")
  return thread
}
