// Values as bytes, by the D-Bus Specification, "Type System" and "Message Format". This file also compiles as
// Embedded Swift.
#if canImport(Glibc)
  import Glibc
#else
  import CSystem  // Embedded Swift has no Glibc module
#endif

/// Type codes of signatures.
enum TypeCode {
  static let array = UInt8(ascii: "a")
  static let boolean = UInt8(ascii: "b")
  static let dictEntry = UInt8(ascii: "{")
  static let objectPath = UInt8(ascii: "o")
  static let signature = UInt8(ascii: "g")
  static let string = UInt8(ascii: "s")
  static let structure = UInt8(ascii: "(")
  static let uint64 = UInt8(ascii: "t")
  static let uint32 = UInt8(ascii: "u")
  static let variant = UInt8(ascii: "v")

  /// Where a value of this type begins: at a multiple of so many bytes.
  static func alignment(_ code: UInt8) -> Int {
    switch code {
    case UInt8(ascii: "y"), signature, variant: 1
    case UInt8(ascii: "n"), UInt8(ascii: "q"): 2
    case UInt8(ascii: "x"), uint64, UInt8(ascii: "d"), structure, dictEntry: 8
    default: 4
    }
  }
}

/// Whether D-Bus takes `text` for an object path: slashes between words of letters, digits and underscores.
func isObjectPath(_ text: String) -> Bool {
  guard text != "/" else { return true }
  let slash = UInt8(ascii: "/")
  guard text.utf8.first == slash, text.utf8.last != slash else { return false }
  var last: UInt8 = 0
  for letter in text.utf8 {
    switch letter {
    case slash: if last == slash { return false }
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
      break
    default: return false
    }
    last = letter
  }
  return true
}

/// Bytes of a message in the making, little end first.
struct WireWriter {
  private(set) var bytes: [UInt8] = []

  init() {
    // Room for any usual call: what grows leaves copies behind.
    bytes.reserveCapacity(1024)
  }

  mutating func align(_ boundary: Int) {
    let short = (boundary - bytes.count % boundary) % boundary
    if short > 0 { bytes.append(contentsOf: repeatElement(0, count: short)) }
  }

  mutating func append(_ byte: UInt8) { bytes.append(byte) }

  mutating func append(_ number: UInt32) {
    align(4)
    withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func append(_ number: UInt64) {
    align(8)
    withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func append(_ text: String) {
    append(UInt32(truncatingIfNeeded: text.utf8.count))
    bytes.append(contentsOf: text.utf8)
    bytes.append(0)
  }

  /// The signature of one simple type.
  mutating func append(signature code: UInt8) {
    bytes.append(1)
    bytes.append(code)
    bytes.append(0)
  }

  /// The signature of values behind each other.
  mutating func append(signatureOf values: [BusValue]) {
    let place = bytes.count
    bytes.append(0)
    for value in values { bytes.append(contentsOf: value.signature.utf8) }
    bytes[place] = UInt8(truncatingIfNeeded: bytes.count - place - 1)
    bytes.append(0)
  }

  mutating func append(signature: String) {
    bytes.append(UInt8(truncatingIfNeeded: signature.utf8.count))
    bytes.append(contentsOf: signature.utf8)
    bytes.append(0)
  }

  /// Writes the length of what `fill` appends in front of it, from the first element on.
  mutating func appendArray(alignedTo boundary: Int, _ fill: (inout Self) -> Void) {
    append(UInt32(0))
    let place = bytes.count - 4
    align(boundary)
    let start = bytes.count
    fill(&self)
    set(UInt32(truncatingIfNeeded: bytes.count - start), at: place)
  }

  mutating func set(_ number: UInt32, at place: Int) {
    for index in 0..<4 { bytes[place + index] = UInt8(truncatingIfNeeded: number >> UInt32(8 * index)) }
  }
}

/// A signature, or the rest of one, as the places of its codes in the message.
struct WireType {
  fileprivate(set) var codes: Range<Int> = 0..<0

  var isOver: Bool { codes.isEmpty }

  mutating func drop(_ count: Int) { codes = min(codes.lowerBound + count, codes.upperBound)..<codes.upperBound }
}

/// The bytes of a message, which may hold a secret: they are wiped when nobody reads them any more.
final class WireBytes {
  fileprivate private(set) var bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  deinit { bytes.wipe(first: bytes.count) }
}

extension [UInt8] {
  /// Overwrites the first `count` bytes.
  mutating func wipe(first count: Int) {
    withUnsafeMutableBytes { bytes in
      if let start = bytes.baseAddress { explicit_bzero(start, Swift.min(count, bytes.count)) }
    }
  }
}

/// Reads bytes that somebody else has written: nothing of them is relied on, and what is not there is nil.
struct WireReader {
  private let message: WireBytes
  private let isLittle: Bool
  private(set) var place: Int
  /// Where what may be read ends.
  private(set) var end: Int

  init(_ message: WireBytes, from start: Int, to end: Int, isLittle: Bool) {
    self.message = message
    self.isLittle = isLittle
    place = start
    self.end = min(end, message.bytes.count)
  }

  private var bytes: [UInt8] { message.bytes }

  var isAtEnd: Bool { place >= end }

  /// Passes over padding; false beyond the end.
  mutating func align(_ boundary: Int) -> Bool {
    skip((boundary - place % boundary) % boundary)
  }

  mutating func skip(_ count: Int) -> Bool {
    guard count >= 0, count <= end - place else { return false }
    place += count
    return true
  }

  mutating func byte() -> UInt8? {
    guard place < end else { return nil }
    defer { place += 1 }
    return bytes[place]
  }

  mutating func uint32() -> UInt32? { number(4).map { UInt32(truncatingIfNeeded: $0) } }

  mutating func uint64() -> UInt64? { number(8) }

  mutating func boolean() -> Bool? {
    switch uint32() {
    case 0: false
    case 1: true
    default: nil
    }
  }

  mutating func string() -> String? {
    guard let count = uint32(), let range = text(Int(count)) else { return nil }
    return String(validating: bytes[range], as: UTF8.self)
  }

  mutating func objectPath() -> String? {
    guard let text = string(), isObjectPath(text) else { return nil }
    return text
  }

  mutating func signature() -> WireType? {
    guard let count = byte(), let range = text(Int(count)) else { return nil }
    return WireType(codes: range)
  }

  /// The code that `type` begins with; 0 where it is over.
  func first(of type: WireType) -> UInt8 { type.codes.isEmpty ? 0 : bytes[type.codes.lowerBound] }

  func begins(_ type: WireType, with codes: StaticString) -> Bool {
    guard codes.utf8CodeUnitCount <= type.codes.count else { return false }
    for index in 0..<codes.utf8CodeUnitCount where codes.utf8Start[index] != bytes[type.codes.lowerBound + index] {
      return false
    }
    return true
  }

  func spells(_ type: WireType) -> [UInt8] { Array(bytes[type.codes]) }

  /// A number of four or eight bytes.
  private mutating func number(_ size: Int) -> UInt64? {
    guard align(size), end - place >= size else { return nil }
    defer { place += size }
    return bytes.withUnsafeBytes { bytes in
      guard size == 8 else {
        let value = bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self)
        return UInt64(isLittle ? UInt32(littleEndian: value) : UInt32(bigEndian: value))
      }
      let value = bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)
      return isLittle ? UInt64(littleEndian: value) : UInt64(bigEndian: value)
    }
  }

  /// So many bytes without a zero, and the zero behind them.
  private mutating func text(_ count: Int) -> Range<Int>? {
    let start = place
    guard skip(count), byte() == 0 else { return nil }
    let isText = bytes.withUnsafeBytes { bytes in
      for index in start..<start + count where bytes[index] == 0 { return false }
      return true
    }
    return isText ? start..<start + count : nil
  }

  /// Reads an array whose elements of this type `element` reads; false where one of them does not fit.
  mutating func array(of type: UInt8, _ element: (inout Self) -> Bool) -> Bool {
    guard let length = uint32(), align(TypeCode.alignment(type)), Int(length) <= end - place else { return false }
    let outer = end
    end = place + Int(length)
    defer { end = outer }
    while !isAtEnd { if !element(&self) { return false } }
    return true
  }
}
