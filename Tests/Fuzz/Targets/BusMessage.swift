import BusInterface
import CDBus
import CGIO

@testable import BusClient
@testable import GLibBus

extension FuzzTarget {
  /// A message as the clients and the service (GDBus) read it, with libdbus as the referee. The input is the
  /// signature, a zero byte and the body; the first bit says whether it is an error, the next three what it answers to.
  static let busMessage = FuzzTarget(name: "bus-message", longest: 4096) { bytes in
    guard let kind = bytes.first, let end = bytes.firstIndex(of: 0) else { return }
    guard end > 0, end <= 256 else { return }
    let signature = Array(bytes[1..<max(1, end)])
    var wire = WireMessage(kind: kind, signature: signature, body: Array(bytes[(end + 1)...])).bytes
    readAsClient(wire)
    readAsService(&wire)
  }

  private static func readAsClient(_ wire: [UInt8]) {
    let message = Message(wire)
    guard isMessageForLibdbus(wire) else {
      // Ours looks into a body only where it is read, and must bear it.
      _ = try? message?.readArguments()
      return
    }
    guard let message else { fatalError("libdbus reads it, and we do not") }
    _ = message.isReply(to: 7)
    _ = message.progressReport()
    if let failure = message.failure() { require(!failure.cause.isEmpty, "a failure without a cause") }
    guard let values = try? message.readArguments() else { return }
    for case .dictionary(let dictionary) in values {
      _ = try? Allowance(dictionary)
      _ = try? Challenge(activation: "/a", dictionary)
    }
    // What was read can be sent, and is read as the same, by us and by libdbus.
    guard !values.isEmpty else { return }
    let call = Call(destination: "a.b", path: "/a", interface: "a.b", member: "M", arguments: values)
    guard let copy = try? call.encoded(serial: 1) else { return }
    require(isMessageForLibdbus(copy), "libdbus does not read what we write")
    guard let again = try? Message(copy)?.readArguments() else { fatalError("cannot be read again") }
    require(again == values.map(withoutUnreadable), "\(values) and \(again)")
  }

  private static func isMessageForLibdbus(_ wire: [UInt8]) -> Bool {
    let handle = wire.withUnsafeBytes { bytes in
      dbus_message_demarshal(bytes.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(bytes.count), nil)
    }
    guard let handle else { return false }
    dbus_message_unref(handle)
    return true
  }

  /// Keys whose values were skipped are not sent on.
  private static func withoutUnreadable(_ value: BusValue) -> BusValue {
    guard case .dictionary(let dictionary) = value else { return value }
    var copy = BusDictionary()
    for entry in dictionary.entries { copy.append(entry.key, withoutUnreadable(entry.value)) }
    return .dictionary(copy)
  }

  private static func readAsService(_ wire: inout [UInt8]) {
    var error: UnsafeMutablePointer<GError>?
    let message = g_dbus_message_new_from_blob(
      &wire, gsize(wire.count), G_DBUS_CAPABILITY_FLAGS_UNIX_FD_PASSING, &error)
    if let error { g_error_free(error) }
    guard let message else { return }
    defer { g_object_unref(UnsafeMutableRawPointer(message)) }
    guard let body = g_dbus_message_get_body(message) else { return }
    let values = Value.children(body)
    require(values.count == Int(g_variant_n_children(body)), "an argument was lost")
  }
}

/// A reply or an error with any signature and body; only these two are the input's.
private struct WireMessage {
  var bytes: [UInt8] = []

  init(kind: UInt8, signature: [UInt8], body: [UInt8]) {
    let isError = kind & 1 == 1
    bytes = [UInt8(ascii: "l"), isError ? 3 : kind & 2 == 2 ? 4 : 2, 0, 1]
    number(UInt32(body.count))
    number(1)
    number(0)
    let start = bytes.count
    switch bytes[1] {
    case 3:
      field(4, "s", kind & 4 == 4 ? "org.offlineaccess.Factor1.Error.Locked" : "org.freedesktop.DBus.Error.NoReply")
    case 4:
      field(1, "o", "/org/offlineaccess/Factor1")
      field(2, "s", "org.offlineaccess.Factor1")
      field(3, "s", "Progress")
    default: break
    }
    if bytes[1] != 4 {
      align()
      bytes += [5, 1, UInt8(ascii: "u"), 0]
      number(7)
    }
    field(7, "s", kind & 8 == 8 ? "org.freedesktop.DBus" : ":1.5")
    align()
    bytes += [8, 1, UInt8(ascii: "g"), 0, UInt8(truncatingIfNeeded: signature.count)] + signature + [0]
    let length = UInt32(bytes.count - start)
    withUnsafeBytes(of: length.littleEndian) { bytes.replaceSubrange(12..<16, with: $0) }
    align()
    bytes += body
  }

  private mutating func align() { while !bytes.count.isMultiple(of: 8) { bytes.append(0) } }
  private mutating func number(_ value: UInt32) { withUnsafeBytes(of: value.littleEndian) { bytes += $0 } }
  private mutating func field(_ code: UInt8, _ type: String, _ text: String) {
    align()
    bytes += [code, 1] + type.utf8 + [0]
    number(UInt32(text.utf8.count))
    bytes += text.utf8 + [0]
  }
}
