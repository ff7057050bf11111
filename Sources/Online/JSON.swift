/// A value of JSON (RFC 8259). Numbers stay as they were written.
enum JSON: Equatable {
  case null
  case bool(Bool)
  case number(String)
  case string(String)
  case array([JSON])
  case object([String: JSON])

  subscript(name: String) -> JSON? {
    guard case .object(let members) = self else { return nil }
    return members[name]
  }

  var text: String? {
    guard case .string(let text) = self else { return nil }
    return text
  }

  var flag: Bool? {
    guard case .bool(let flag) = self else { return nil }
    return flag
  }

  /// A number that is whole and no larger than 64 bits.
  var integer: Int64? {
    guard case .number(let text) = self else { return nil }
    return Int64(text)
  }

  var elements: [JSON] {
    guard case .array(let elements) = self else { return [] }
    return elements
  }

  /// Reads `bytes`, which hold one value and nothing else; nil when they are not exactly JSON, when a name is there
  /// twice in one object, or when values lie deeper than 32 in one another.
  init?(_ bytes: [UInt8]) {
    // Also what is inside of strings has to be UTF-8, without surrogates or overlong forms.
    guard String(validating: bytes, as: UTF8.self) != nil else { return nil }
    var parser = JSONParser(rest: bytes[...])
    guard let value = try? parser.value(depth: 0), parser.isAtEnd() else { return nil }
    self = value
  }
}

private struct NoJSON: Error {}

private struct JSONParser {
  static let deepest = 32
  var rest: ArraySlice<UInt8>

  mutating func isAtEnd() -> Bool {
    skipSpace()
    return rest.isEmpty
  }

  mutating func value(depth: Int) throws(NoJSON) -> JSON {
    guard depth <= Self.deepest else { throw NoJSON() }
    skipSpace()
    switch rest.first {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return .number(try number())
    }
  }

  private mutating func object(depth: Int) throws(NoJSON) -> JSON {
    rest.removeFirst()
    var members: [String: JSON] = [:]
    if take("}") { return .object(members) }
    repeat {
      skipSpace()
      guard rest.first == UInt8(ascii: "\"") else { throw NoJSON() }
      let name = try string()
      guard take(":") else { throw NoJSON() }
      // Two parsers may choose differently between two members of one name.
      guard members.updateValue(try value(depth: depth + 1), forKey: name) == nil else { throw NoJSON() }
    } while take(",")
    guard take("}") else { throw NoJSON() }
    return .object(members)
  }

  private mutating func array(depth: Int) throws(NoJSON) -> JSON {
    rest.removeFirst()
    var elements: [JSON] = []
    if take("]") { return .array(elements) }
    repeat { elements.append(try value(depth: depth + 1)) } while take(",")
    guard take("]") else { throw NoJSON() }
    return .array(elements)
  }

  private mutating func word(_ word: String, _ value: JSON) throws(NoJSON) -> JSON {
    guard rest.starts(with: word.utf8) else { throw NoJSON() }
    rest = rest.dropFirst(word.utf8.count)
    return value
  }

  /// RFC 8259, section 6.
  private mutating func number() throws(NoJSON) -> String {
    let start = rest
    _ = takeByte("-")
    if !takeByte("0") { try digits() }
    if takeByte(".") { try digits() }
    if takeByte("e") || takeByte("E") {
      if !takeByte("+") { _ = takeByte("-") }
      try digits()
    }
    return String(decoding: start.prefix(start.count - rest.count), as: UTF8.self)
  }

  private mutating func digits() throws(NoJSON) {
    let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    guard !digits.isEmpty else { throw NoJSON() }
    rest = rest.dropFirst(digits.count)
  }

  /// RFC 8259, section 7.
  private mutating func string() throws(NoJSON) -> String {
    rest.removeFirst()
    var text: [UInt8] = []
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"): text += try escaped()
      case 0..<0x20: throw NoJSON()
      default: text.append(byte)
      }
    }
    throw NoJSON()
  }

  private mutating func escaped() throws(NoJSON) -> [UInt8] {
    switch rest.popFirst() {
    case UInt8(ascii: "\""): return [UInt8(ascii: "\"")]
    case UInt8(ascii: "\\"): return [UInt8(ascii: "\\")]
    case UInt8(ascii: "/"): return [UInt8(ascii: "/")]
    case UInt8(ascii: "b"): return [8]
    case UInt8(ascii: "f"): return [12]
    case UInt8(ascii: "n"): return [10]
    case UInt8(ascii: "r"): return [13]
    case UInt8(ascii: "t"): return [9]
    case UInt8(ascii: "u"): return Array(String(Character(try scalar())).utf8)
    default: throw NoJSON()
    }
  }

  private mutating func scalar() throws(NoJSON) -> Unicode.Scalar {
    let first = try codeUnit()
    guard (0xd800..<0xdc00).contains(first) else {
      guard let scalar = Unicode.Scalar(first) else { throw NoJSON() }
      return scalar
    }
    guard rest.popFirst() == UInt8(ascii: "\\"), rest.popFirst() == UInt8(ascii: "u") else { throw NoJSON() }
    let second = try codeUnit()
    guard (0xdc00..<0xe000).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00))
    else { throw NoJSON() }
    return scalar
  }

  private mutating func codeUnit() throws(NoJSON) -> UInt32 {
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = rest.popFirst(), let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw NoJSON()
      }
      unit = unit << 4 | UInt32(digit)
    }
    return unit
  }

  private mutating func skipSpace() {
    rest = rest.drop { $0 == 0x20 || $0 == 0x0a || $0 == 0x0d || $0 == 0x09 }
  }

  /// Takes one sign with space around it.
  private mutating func take(_ sign: Unicode.Scalar) -> Bool {
    skipSpace()
    return takeByte(sign)
  }

  private mutating func takeByte(_ sign: Unicode.Scalar) -> Bool {
    guard rest.first == UInt8(ascii: sign) else { return false }
    rest = rest.dropFirst()
    return true
  }
}
