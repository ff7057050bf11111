import CFIDO2
import CLinux
import Glibc
import Synchronization

/// The way of the reports to and from one open key, under libfido2's own framing.
///
/// libfido2's own way waits for ever on a key that does not answer, and up to 21 seconds on one that another program
/// uses. Here every wait has an end, and another thread can cut it short at once.
final class KeyChannel: Sendable {
  /// Bytes of a report (CTAP 2.1, section 11.2, "USB Human Interface Device").
  private static let reportLength = 64

  private let descriptor: Int32
  /// Becomes readable when the channel is cut.
  private let waker: Int32
  /// No wait goes beyond this moment, in milliseconds of the monotonic clock.
  private let deadline = Atomic<Int64>(.max)
  private let cutFlag = Atomic<Bool>(false)
  private let hungUpFlag = Atomic<Bool>(false)

  /// Takes over `descriptor`.
  init?(owning descriptor: Int32) {
    let waker = linux_event()
    guard waker >= 0 else {
      close(descriptor)
      return nil
    }
    self.descriptor = descriptor
    self.waker = waker
  }

  deinit {
    close(descriptor)
    close(waker)
  }

  /// Whether `cut` was called.
  var isCut: Bool { cutFlag.load(ordering: .acquiring) }
  /// Whether the key has gone.
  var isHungUp: Bool { hungUpFlag.load(ordering: .acquiring) }

  /// Bounds all waits from now on.
  func allow(milliseconds: Int64) { deadline.store(Self.now() &+ milliseconds, ordering: .releasing) }

  /// Ends all waits, present and later ones; from any thread.
  func cut() {
    cutFlag.store(true, ordering: .releasing)
    var one: UInt64 = 1
    _ = Glibc.write(waker, &one, MemoryLayout<UInt64>.size)
  }

  /// Reads one report.
  ///
  /// - Parameter milliseconds: how long to wait, negative for ever; the channel's own end goes before it.
  /// - Returns: the bytes read, or -1.
  fileprivate func read(_ buffer: UnsafeMutablePointer<UInt8>, _ length: Int, _ milliseconds: Int32) -> Int32 {
    guard length == Self.reportLength else { return -1 }
    var left = max(0, deadline.load(ordering: .acquiring) &- Self.now())
    if milliseconds >= 0 { left = min(left, Int64(milliseconds)) }
    var waits = [
      pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0), pollfd(fd: waker, events: Int16(POLLIN), revents: 0),
    ]
    let end = Self.now() &+ left
    var ready: Int32
    repeat {
      ready = poll(&waits, 2, Int32(clamping: max(0, end &- Self.now())))
    } while ready < 0 && errno == EINTR
    guard ready > 0, !isCut else { return -1 }
    guard waits[0].revents & Int16(POLLIN) != 0 else {
      hungUpFlag.store(true, ordering: .releasing)
      return -1
    }
    let count = Glibc.read(descriptor, buffer, length)
    // What ends (0), or fails as a device that is gone does, will not come back under this descriptor.
    if count <= 0 { hungUpFlag.store(true, ordering: .releasing) }
    return count == length ? Int32(length) : -1
  }

  /// Writes one report, with the report's number in front.
  fileprivate func write(_ buffer: UnsafePointer<UInt8>, _ length: Int) -> Int32 {
    guard length == Self.reportLength + 1, !isCut else { return -1 }
    let count = Glibc.write(descriptor, buffer, length)
    if count < 0 { hungUpFlag.store(true, ordering: .releasing) }
    return count == length ? Int32(length) : -1
  }

  static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }
}

// libfido2 opens a device by a path. Ours are opened already; the path is a ticket by which the channel is found.
extension KeyChannel {
  private static let checkedIn = Mutex<(last: UInt64, channels: [String: KeyChannel])>((0, [:]))

  /// Leaves the channel where the functions of `functions` find it under the returned path.
  func checkIn() -> String {
    Self.checkedIn.withLock { state in
      state.last += 1
      state.channels[String(state.last)] = self
      return String(state.last)
    }
  }

  /// Takes the channel of `ticket`, if it is still there.
  static func checkOut(_ ticket: String) -> KeyChannel? {
    checkedIn.withLock { $0.channels.removeValue(forKey: ticket) }
  }

  /// libfido2's input and output over channels.
  static var functions: fido_dev_io_t {
    fido_dev_io_t(
      open: { path in
        guard let path else { return nil }
        let ticket = String(cString: path)
        return KeyChannel.checkOut(ticket).map { Unmanaged.passRetained($0).toOpaque() }
      },
      close: { handle in if let handle { Unmanaged<KeyChannel>.fromOpaque(handle).release() } },
      read: { handle, buffer, length, milliseconds in
        guard let handle, let buffer else { return -1 }
        return Unmanaged<KeyChannel>.fromOpaque(handle).takeUnretainedValue().read(buffer, length, milliseconds)
      },
      write: { handle, buffer, length in
        guard let handle, let buffer else { return -1 }
        return Unmanaged<KeyChannel>.fromOpaque(handle).takeUnretainedValue().write(buffer, length)
      })
  }
}
