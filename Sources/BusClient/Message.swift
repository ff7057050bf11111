// One message: a call on its way out, and what comes in. This file also compiles as Embedded Swift.
#if canImport(OfflineAccess)
  import BusInterface
#endif

/// The bus itself, as sender and as receiver.
enum BusDriver {
  static let name = "org.freedesktop.DBus"
  static let path = "/org/freedesktop/DBus"
}

/// Types of messages and codes of their header's fields (D-Bus Specification, "Message Format").
private enum Header {
  static let methodCall: UInt8 = 1
  static let methodReturn: UInt8 = 2
  static let error: UInt8 = 3
  static let signal: UInt8 = 4

  static let path: UInt8 = 1
  static let interface: UInt8 = 2
  static let member: UInt8 = 3
  static let errorName: UInt8 = 4
  static let replySerial: UInt8 = 5
  static let destination: UInt8 = 6
  static let sender: UInt8 = 7
  static let signature: UInt8 = 8

  static let allowsInteraction: UInt8 = 4
  static let version: UInt8 = 1
  /// Before the fields: kind, lengths and serial.
  static let start = 16
  static let longest = 1 << 27
  static let longestFields = 1 << 26
}

/// A method call.
struct Call {
  let destination: String
  let path: String
  let interface: String
  let member: String
  var arguments: [BusValue] = []
  /// Whether the service may ask a person by polkit.
  var isInteractive = false

  /// The call as it is sent. The bus ends the connection over text that D-Bus does not take, so that is checked first.
  func encoded(serial: UInt32) throws(BusFailure) -> [UInt8] {
    guard path == BusName.objectPath || isObjectPath(path) else { throw .unsendable }
    for argument in arguments where !argument.isSendable { throw .unsendable }
    var writer = WireWriter()
    writer.append(UInt8(ascii: "l"))
    writer.append(Header.methodCall)
    writer.append(isInteractive ? Header.allowsInteraction : 0)
    writer.append(Header.version)
    writer.append(UInt32(0))  // the body's length, once it is known
    writer.append(serial)
    writer.appendArray(alignedTo: 8) { fields in
      fields.appendField(Header.path, TypeCode.objectPath, path)
      fields.appendField(Header.interface, TypeCode.string, interface)
      fields.appendField(Header.member, TypeCode.string, member)
      fields.appendField(Header.destination, TypeCode.string, destination)
      guard !arguments.isEmpty else { return }
      fields.align(8)
      fields.append(Header.signature)
      fields.append(signature: TypeCode.signature)
      fields.append(signatureOf: arguments)
    }
    writer.align(8)
    let start = writer.bytes.count
    for argument in arguments { argument.append(to: &writer) }
    writer.set(UInt32(truncatingIfNeeded: writer.bytes.count - start), at: 4)
    return writer.bytes
  }
}

extension WireWriter {
  fileprivate mutating func appendField(_ code: UInt8, _ type: UInt8, _ text: String) {
    align(8)
    append(code)
    append(signature: type)
    append(text)
  }
}

/// A message that has come. Whoever is on the bus may have made it.
struct Message {
  private var kind: UInt8 = 0
  private(set) var path = ""
  private(set) var interface = ""
  private(set) var member = ""
  private(set) var errorName = ""
  private(set) var sender = ""
  private var replySerial: UInt32 = 0
  private var signature = WireType()
  private let body: WireReader

  /// The length in bytes of the message that `bytes` begin with: nil while that cannot be told, 0 where they are none.
  static func length(_ bytes: [UInt8]) -> Int? {
    guard bytes.count >= Header.start else { return nil }
    guard bytes[0] == UInt8(ascii: "l") || bytes[0] == UInt8(ascii: "B"), bytes[3] == Header.version else { return 0 }
    let isLittle = bytes[0] == UInt8(ascii: "l")
    func number(at place: Int) -> Int {
      let number = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: place, as: UInt32.self) }
      return Int(isLittle ? UInt32(littleEndian: number) : UInt32(bigEndian: number))
    }
    let (body, fields) = (number(at: 4), number(at: Header.start - 4))
    guard fields <= Header.longestFields else { return 0 }
    let length = (Header.start + fields + 7) / 8 * 8 + body
    return length <= Header.longest ? length : 0
  }

  /// Reads the header of a whole message; nil where it is none.
  init?(_ bytes: [UInt8]) {
    guard let length = Self.length(bytes), length > 0, length == bytes.count else { return nil }
    let isLittle = bytes[0] == UInt8(ascii: "l")
    kind = bytes[1]
    let bytes = WireBytes(bytes)
    var header = WireReader(bytes, from: Header.start - 4, to: length, isLittle: isLittle)
    guard let fields = header.uint32() else { return nil }
    let start = (Header.start + Int(fields) + 7) / 8 * 8
    body = WireReader(bytes, from: start, to: length, isLittle: isLittle)
    var reader = WireReader(bytes, from: Header.start, to: Header.start + Int(fields), isLittle: isLittle)
    while !reader.isAtEnd { guard readField(&reader) else { return nil } }
  }

  private mutating func readField(_ reader: inout WireReader) -> Bool {
    guard reader.align(8), let code = reader.byte(), let type = reader.signature() else { return false }
    var rest = type
    rest.drop(1)
    switch (code, rest.isOver ? reader.first(of: type) : 0) {
    case (Header.path, TypeCode.objectPath): return Self.set(&path, reader.objectPath())
    case (Header.interface, TypeCode.string): return Self.set(&interface, reader.string())
    case (Header.member, TypeCode.string): return Self.set(&member, reader.string())
    case (Header.errorName, TypeCode.string): return Self.set(&errorName, reader.string())
    case (Header.sender, TypeCode.string): return Self.set(&sender, reader.string())
    case (Header.replySerial, TypeCode.uint32): return Self.set(&replySerial, reader.uint32())
    case (Header.signature, TypeCode.signature): return Self.set(&signature, reader.signature())
    case (Header.path...Header.sender, _) where code != Header.destination: return false
    case (Header.signature, _): return false
    default: return reader.skipValue(of: type)
    }
  }

  private static func set<Value>(_ place: inout Value, _ value: Value?) -> Bool {
    guard let value else { return false }
    place = value
    return true
  }

  func isReply(to serial: UInt32) -> Bool {
    (kind == Header.methodReturn || kind == Header.error) && replySerial == serial
  }

  func isSignal(_ member: String, of interface: String) -> Bool {
    kind == Header.signal && self.member == member && self.interface == interface
  }

  func hasSignature(_ signature: String) -> Bool { body.spells(self.signature).elementsEqual(signature.utf8) }

  /// All arguments; a type that the contract does not use makes the message malformed.
  func readArguments() throws(BusFailure) -> [BusValue] {
    var arguments: [BusValue] = []
    var reader = body
    var rest = signature
    while !rest.isOver {
      guard case .value(let value) = reader.value(of: &rest) else { throw .malformed }
      arguments.append(value)
    }
    guard reader.isAtEnd else { throw .malformed }
    return arguments
  }

  /// What an error reply says; nil for any other message.
  func failure() -> BusFailure? {
    guard kind == Header.error else { return nil }
    var sentence = ""
    if let arguments = try? readArguments(), case .string(let first) = arguments.first { sentence = first }
    return BusFailure(errorName: errorName, sentence: sentence, fromBus: sender == BusDriver.name)
  }

  /// The Progress signal of either interface; nil for any other message.
  func progressReport() -> ProgressReport? {
    guard
      isSignal(progressSignal, of: BusName.interface)
        || isSignal(progressSignal, of: BusName.activationInterface),
      hasSignature("suua{sv}"), let arguments = try? readArguments(), arguments.count == 4,
      case .string(let state) = arguments[0], case .uint32(let step) = arguments[1],
      case .uint32(let steps) = arguments[2], case .dictionary(let details) = arguments[3]
    else { return nil }
    return ProgressReport(state: state, step: step, steps: steps, details: details)
  }
}
