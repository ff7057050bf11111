import CGIO
import Glibc

/// Carries messages from one descriptor to another, but those that GDBus cannot parse and those that are too long.
///
/// GDBus makes a value of each element of an array: 30 MB, which the bus passes on, would take gigabytes and many
/// seconds, on the thread that root is answered on, too. So what is far longer than any call of the contract is
/// not even collected. GDBus gets a call in its place that the gate refuses as too large, so its sender is told.
final class Relay: Sendable {
  private let source: Int32
  private let target: Int32

  /// The longest message that GDBus gets to see, in bytes. Above the gate's bound of a call's arguments, so that
  /// the header has room.
  static let longestMessage = 131_072

  init(from source: Int32, to target: Int32) {
    self.source = source
    self.target = target
  }

  /// Returns at the end of either side, whose end the other one then sees.
  func run() {
    defer { close(target) }
    var waiting: [UInt8] = []
    // Bytes to come of a message that is too long.
    var unwanted = 0
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = recv(source, &buffer, buffer.count, 0)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }
      let useless = min(unwanted, count)
      unwanted -= useless
      waiting += buffer[useless..<count]
      var start = 0
      while let length = Self.length(waiting[start...]) {
        guard length > 0 else { return }
        guard waiting.count - start >= min(length, Self.longestMessage) else { break }
        if length > Self.longestMessage {
          if let call = Self.tooLargeCall(insteadOf: waiting[start...]), !pass(call[...]) { return }
          unwanted = max(0, length - (waiting.count - start))
          start = min(start + length, waiting.count)
          continue
        }
        if Self.canBeParsed(waiting[start..<start + length]) {
          guard pass(waiting[start..<start + length]) else { return }
        }
        start += length
      }
      waiting.removeFirst(start)
    }
  }

  /// The length of the message that `bytes` begin with: nil while that cannot be told, 0 where they are none.
  private static func length(_ bytes: ArraySlice<UInt8>) -> Int? {
    // What GDBus reads before it asks the same.
    guard bytes.count >= 16 else { return nil }
    var header = Array(bytes.prefix(16))
    let length = g_dbus_message_bytes_needed(&header, gsize(header.count), nil)
    return max(0, Int(length))
  }

  static func canBeParsed(_ bytes: ArraySlice<UInt8>) -> Bool {
    var blob = Array(bytes)
    let message = g_dbus_message_new_from_blob(&blob, gsize(blob.count), G_DBUS_CAPABILITY_FLAGS_NONE, nil)
    guard let message else { return false }
    g_object_unref(UnsafeMutableRawPointer(message))
    return true
  }

  private func pass(_ bytes: ArraySlice<UInt8>) -> Bool {
    var rest = bytes
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { send(target, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }
}

extension Relay {
  /// A call of the same sender with arguments that the gate finds too large; nil where `start`, with which a message
  /// begins, is of no call that could be answered.
  static func tooLargeCall(insteadOf start: ArraySlice<UInt8>) -> [UInt8]? {
    guard let header = MessageHeader(start), header.kind == 1, let sender = header.sender,
      let message = g_dbus_message_new_method_call(nil, "/", nil, "TooLarge")
    else { return nil }
    defer { g_object_unref(UnsafeMutableRawPointer(message)) }
    g_dbus_message_set_sender(message, sender)
    g_dbus_message_set_serial(message, header.serial)
    g_dbus_message_set_flags(message, GDBusMessageFlags(rawValue: UInt32(header.flags)))
    let arguments = [UInt8](repeating: 0, count: CallGate.largestCall + 1)
    let byte = g_variant_type_new("y")
    defer { g_variant_type_free(byte) }
    var children = [g_variant_new_fixed_array(byte, arguments, gsize(arguments.count), 1)]
    g_dbus_message_set_body(message, g_variant_new_tuple(&children, 1))
    var size: gsize = 0
    guard let blob = g_dbus_message_to_blob(message, &size, G_DBUS_CAPABILITY_FLAGS_NONE, nil) else { return nil }
    defer { g_free(blob) }
    return Array(UnsafeBufferPointer(start: blob, count: Int(size)))
  }
}

/// What the beginning of a message tells of it (D-Bus Specification, Message Format).
private struct MessageHeader {
  let kind: UInt8
  let flags: UInt8
  let serial: UInt32
  private(set) var sender: String?

  private static let senderField: UInt8 = 7

  init?(_ slice: ArraySlice<UInt8>) {
    let bytes = Array(slice.prefix(Relay.longestMessage))
    guard bytes.count >= 16 else { return nil }
    let isLittle = bytes[0] == UInt8(ascii: "l")
    func number(_ place: Int) -> Int? {
      guard place + 4 <= bytes.count else { return nil }
      let four = bytes[place..<place + 4]
      return (isLittle ? Array(four.reversed()) : Array(four)).reduce(0) { $0 << 8 | Int($1) }
    }
    guard let serial = number(8), let length = number(12), 16 + length <= bytes.count else { return nil }
    (kind, flags, self.serial) = (bytes[1], bytes[2], UInt32(serial))
    var place = 16
    let end = 16 + length
    while place < end {
      // Each field is a code and a variant: a signature of one letter, then the value.
      place = (place + 7) & ~7
      guard place + 4 < end, bytes[place + 1] == 1 else { return nil }
      let (code, type) = (bytes[place], bytes[place + 2])
      place += 4
      switch type {
      case UInt8(ascii: "s"), UInt8(ascii: "o"):
        guard let count = number(place), place + 4 + count < end else { return nil }
        if code == Self.senderField { sender = String(decoding: bytes[place + 4..<place + 4 + count], as: UTF8.self) }
        place += 4 + count + 1
      case UInt8(ascii: "g"): place += 1 + Int(bytes[place]) + 1
      case UInt8(ascii: "u"): place += 4
      default: return nil
      }
    }
  }
}
