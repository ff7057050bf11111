import CUMockdev
import Glibc
import Synchronization

/// A device node /dev/hidrawN, in which one device after the other may be: the system calls that preloaded processes
/// make on it arrive here.
///
/// It is never taken away again: a process whose call nobody answers is ended by the preloaded library.
final class Slot: Sendable {
  let number: Int
  var node: String { "/dev/hidraw\(number)" }
  private let state = Mutex(State())

  private struct State: Sendable {
    var device: PluggedDevice?
    /// Who has opened the node: the address of umockdev's object, and what it opened.
    var clients: [UInt: Client] = [:]
  }

  private struct Client: Sendable {
    let device: PluggedDevice?
    var hasWritten = false
  }

  init(number: Int, in testbed: OpaqueTestbed) throws(CommandFailure) {
    self.number = number
    let handler = umockdev_ioctl_base_new()
    // Neither the slot nor the handler ever ends.
    let slot = Unmanaged.passRetained(self).toOpaque()
    func connect(_ signal: String, _ callback: @escaping Callback) {
      g_signal_connect_data(
        handler, signal, unsafeBitCast(callback, to: GCallback.self), slot, nil, GConnectFlags(rawValue: 0))
    }
    connect("client-connected") { _, client, slot in Slot.from(slot).connected(client) }
    connect("handle-ioctl") { _, client, slot in Slot.from(slot).ioctl(client) }
    connect("handle-read") { _, client, slot in Slot.from(slot).read(client) }
    connect("handle-write") { _, client, slot in Slot.from(slot).write(client) }
    var error: UnsafeMutablePointer<GError>?
    guard umockdev_testbed_attach_ioctl(testbed.pointer, node, handler, &error) != 0 else {
      throw CommandFailure("the node cannot be served")
    }
  }

  private typealias ClientPointer = UnsafeMutablePointer<UMockdevIoctlClient>
  private typealias Callback =
    @convention(c) (UnsafeMutableRawPointer?, ClientPointer, UnsafeMutableRawPointer?) -> gboolean

  private static func from(_ pointer: UnsafeMutableRawPointer?) -> Slot {
    guard let pointer else { preconditionFailure("no slot") }
    return Unmanaged<Slot>.fromOpaque(pointer).takeUnretainedValue()
  }

  var device: PluggedDevice? {
    get { state.withLock { $0.device } }
    set { state.withLock { $0.device = newValue } }
  }

  // MARK: System calls, on umockdev's own thread

  private func connected(_ client: ClientPointer) -> gboolean {
    g_object_ref(client)
    state.withLock { $0.clients[UInt(bitPattern: client)] = Client(device: $0.device) }
    return 0
  }

  /// The device that the client opened. What an earlier reader has left unread is gone, as it would be with the
  /// kernel's queues, of which each reader has its own.
  private func device(of client: ClientPointer, writes: Bool = false) -> PluggedDevice? {
    state.withLock { state in
      let address = UInt(bitPattern: client)
      for other in state.clients.keys where other != address {
        guard let pointer = ClientPointer(bitPattern: other) else { continue }
        if umockdev_ioctl_client_get_connected(pointer) == 0 {
          state.clients[other] = nil
          g_object_unref(pointer)
        }
      }
      guard let device = state.clients[address]?.device, device.isPlugged else { return nil }
      if state.clients[address]?.hasWritten == false, state.clients.count == 1 { device.terminal.flush() }
      if writes { state.clients[address]?.hasWritten = true }
      return device
    }
  }

  private func ioctl(_ client: ClientPointer) -> gboolean {
    guard let device = device(of: client) else {
      umockdev_ioctl_client_complete(client, -1, ENODEV)
      return 1
    }
    let request = UInt32(truncatingIfNeeded: umockdev_ioctl_client_get_request(client))
    let room = Int(request >> 16 & 0x3fff)
    // No more than the answer, like the kernel: the room of a report descriptor is 4100 bytes, and callers whose buffer
    // has only what is used of it need not have as many mapped.
    guard let answer = device.identity.answer(to: request).map({ Array($0.prefix(room)) }),
      let argument = umockdev_ioctl_client_get_arg(client),
      let memory = umockdev_ioctl_data_resolve(argument, 0, gsize(answer.count), nil)
    else {
      umockdev_ioctl_client_complete(client, -1, EINVAL)
      return 1
    }
    memcpy(memory.pointee.data, answer, answer.count)
    g_object_unref(memory)
    // Where the kernel's answer has no fixed length, it tells how long it is.
    umockdev_ioctl_client_complete(client, request & 0xff < 4 ? 0 : answer.count, 0)
    return 1
  }

  /// Reads come from the terminal, which can be polled.
  private func read(_ client: ClientPointer) -> gboolean {
    if device(of: client) != nil { return 0 }
    umockdev_ioctl_client_complete(client, -1, EIO)
    return 1
  }

  private func write(_ client: ClientPointer) -> gboolean {
    guard let device = device(of: client, writes: true), let argument = umockdev_ioctl_client_get_arg(client) else {
      umockdev_ioctl_client_complete(client, -1, ENODEV)
      return 1
    }
    let report = UnsafeRawBufferPointer(start: argument.pointee.data, count: Int(argument.pointee.data_len))
    if device.receive(report) {
      umockdev_ioctl_client_complete(client, report.count, 0)
    } else {
      umockdev_ioctl_client_complete(client, -1, EIO)
    }
    return 1
  }
}

extension DeviceIdentity {
  /// What the kernel's hidraw driver answers (linux/hidraw.h); nil for what it does not know.
  func answer(to request: UInt32) -> [UInt8]? {
    // Direction: the kernel writes; type: 'H'.
    guard request >> 30 == 2, request >> 8 & 0xff == UInt8(ascii: "H") else { return nil }
    func little(_ number: Int, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(number >> (8 * $0) & 0xff) } }
    return switch request & 0xff {
    case 1: little(reportDescriptor.count, 4)
    case 2: little(reportDescriptor.count, 4) + reportDescriptor
    case 3: little(3, 4) + little(Int(vendor), 2) + little(Int(product), 2)  // BUS_USB
    case 4: Array("\(manufacturer) \(name)".utf8) + [0]
    case 5: Array(physicalPath.utf8) + [0]
    case 8: Array(serial.utf8) + [0]
    default: nil
    }
  }

  var physicalPath: String { "usb-0000:00:14.0-\(serial)/input0" }
}
