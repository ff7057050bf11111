import Foundation

/// Bytes of a D-Bus message in the making: little-endian, each value at its natural boundary.
///
/// Written here because no library sends what these tests send.
struct BusBytes {
  private(set) var bytes: [UInt8] = []

  mutating func align(_ size: Int) { while !bytes.count.isMultiple(of: size) { bytes.append(0) } }

  mutating func byte(_ value: UInt8) { bytes.append(value) }

  mutating func number(_ value: UInt32) {
    align(4)
    withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
  }

  /// An integer of any size.
  mutating func integer(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.littleEndian) {
      align($0.count)
      bytes += $0
    }
  }

  mutating func text(_ value: some Sequence<UInt8>) {
    let value = Array(value)
    number(UInt32(value.count))
    bytes += value + [0]
  }

  mutating func text(_ value: String) { text(value.utf8) }

  mutating func signature(_ value: String) { bytes += [UInt8(value.utf8.count)] + value.utf8 + [0] }

  /// A variant that holds a string.
  mutating func variant(_ value: String) {
    signature("s")
    text(value)
  }

  /// An array whose elements are aligned to `size`.
  mutating func array(of size: Int, _ elements: (inout BusBytes) -> Void) {
    number(0)
    let place = bytes.count - 4
    align(size)
    let start = bytes.count
    elements(&self)
    withUnsafeBytes(of: UInt32(bytes.count - start).littleEndian) { bytes.replaceSubrange(place..<place + 4, with: $0) }
  }

  /// An a{sv} of strings.
  mutating func options(_ options: [(String, String)]) {
    array(of: 8) { bytes in
      for (key, value) in options {
        bytes.align(8)
        bytes.text(key)
        bytes.variant(value)
      }
    }
  }
}

/// A method call as it travels.
struct BusCall {
  var destination = "org.offlineaccess.Factor1"
  /// A field of the header that is empty is left out.
  var path = "/org/offlineaccess/Factor1"
  var interface = "org.offlineaccess.Factor1"
  var member: String
  /// 1: no reply is wanted; 4: polkit may ask somebody.
  var flags: UInt8 = 0
  var signature = ""
  var body: [UInt8] = []

  init(_ member: String, flags: UInt8 = 0, signature: String = "", _ body: (inout BusBytes) -> Void = { _ in }) {
    self.member = member
    self.flags = flags
    self.signature = signature
    var bytes = BusBytes()
    body(&bytes)
    self.body = bytes.bytes
  }

  static func authenticate(_ user: String, _ response: String, _ options: [(String, String)] = [], flags: UInt8 = 0)
    -> Self
  {
    BusCall("Authenticate", flags: flags, signature: "ssa{sv}") { bytes in
      bytes.text(user)
      bytes.text(response)
      bytes.options(options)
    }
  }

  static func about(_ user: String, _ member: String, flags: UInt8 = 0) -> Self {
    BusCall(member, flags: flags, signature: "s") { $0.text(user) }
  }

  /// The whole message under a serial number.
  func message(_ serial: UInt32) -> [UInt8] {
    var header = BusBytes()
    for byte in [UInt8(ascii: "l"), 1, flags, 1] { header.byte(byte) }
    header.number(UInt32(body.count))
    header.number(serial)
    header.array(of: 8) { bytes in
      let fields = [(1, "o", path), (2, "s", interface), (3, "s", member), (6, "s", destination)]
      for (code, type, value) in fields where !value.isEmpty {
        bytes.align(8)
        bytes.byte(UInt8(code))
        bytes.signature(type)
        bytes.text(value)
      }
      if !signature.isEmpty {
        bytes.align(8)
        bytes.byte(8)
        bytes.signature("g")
        bytes.signature(signature)
      }
    }
    header.align(8)
    return header.bytes + body
  }
}

/// What a message from the bus says, as far as these tests look.
struct BusIncoming {
  enum Kind: UInt8 { case call = 1, answer, error, signal }
  let kind: Kind
  /// The call that it answers.
  let serial: UInt32?
  let errorName: String?
  /// Of a signal.
  let member: String?
  let path: String?
  /// The first argument, where it is a string.
  let text: String?
  /// The arguments as they came.
  let body: [UInt8]
  /// The last part of the error's name.
  var error: String? { errorName?.split(separator: ".").last.map(String.init) }

  /// The length of the message that `bytes` begin with; nil while its header is not there yet.
  static func length(_ bytes: ArraySlice<UInt8>) -> Int? {
    guard bytes.count >= 16 else { return nil }
    let fields = number(bytes, 12)
    return 16 + (Int(fields) + 7) / 8 * 8 + Int(number(bytes, 4))
  }

  init?(_ message: ArraySlice<UInt8>) {
    let bytes = Array(message)
    guard let kind = Kind(rawValue: bytes[1]) else { return nil }
    self.kind = kind
    var (serial, error, member, path, signature) = (UInt32?.none, String?.none, String?.none, String?.none, "")
    var place = 16
    let end = 16 + Int(Self.number(bytes[...], 12))
    while place < end {
      place = (place + 7) / 8 * 8
      let code = bytes[place]
      let type = bytes[place + 2]
      place += 4
      switch type {
      case UInt8(ascii: "u"):
        if code == 5 { serial = Self.number(bytes[...], place) }
        place += 4
      case UInt8(ascii: "g"):
        signature = String(decoding: bytes[place + 1..<place + 1 + Int(bytes[place])], as: UTF8.self)
        place += Int(bytes[place]) + 2
      default:
        let length = Int(Self.number(bytes[...], place))
        let text = String(decoding: bytes[place + 4..<place + 4 + length], as: UTF8.self)
        switch code {
        case 1: path = text
        case 3: member = text
        case 4: error = text
        default: break
        }
        place += length + 5
      }
    }
    (self.serial, errorName, self.member, self.path) = (serial, error, member, path)
    place = (end + 7) / 8 * 8
    body = Array(bytes[min(place, bytes.count)...])
    text =
      signature.hasPrefix("s")
      ? String(decoding: bytes[place + 4..<place + 4 + Int(Self.number(bytes[...], place))], as: UTF8.self) : nil
  }

  /// Whether `text` stands in an argument, how deep ever.
  func holds(_ text: String) -> Bool { text.isEmpty || body.firstRange(of: Array(text.utf8)) != nil }

  private static func number(_ bytes: ArraySlice<UInt8>, _ offset: Int) -> UInt32 {
    bytes.dropFirst(offset).prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }
}
