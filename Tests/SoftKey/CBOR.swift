/// The part of CBOR (RFC 8949) that CTAP uses, written in CTAP2's canonical form.
enum CBOR: Hashable {
  case unsigned(UInt64)
  /// -1 - n.
  case negative(UInt64)
  case bytes([UInt8])
  case text(String)
  case array([CBOR])
  case map([CBOR: CBOR])
  case bool(Bool)
  case null

  init(_ number: Int) { self = number < 0 ? .negative(UInt64(-1 - number)) : .unsigned(UInt64(number)) }

  var bytes: [UInt8]? { if case .bytes(let bytes) = self { bytes } else { nil } }
  var text: String? { if case .text(let text) = self { text } else { nil } }
  var array: [CBOR]? { if case .array(let array) = self { array } else { nil } }
  var map: [CBOR: CBOR]? { if case .map(let map) = self { map } else { nil } }
  var bool: Bool? { if case .bool(let bool) = self { bool } else { nil } }

  var integer: Int? {
    switch self {
    case .unsigned(let number): Int(exactly: number)
    case .negative(let number): Int(exactly: number).map { -1 - $0 }
    default: nil
    }
  }

  subscript(key: CBOR) -> CBOR? { map?[key] }
}

extension CBOR: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral, ExpressibleByBooleanLiteral
{
  init(integerLiteral value: Int) { self.init(value) }
  init(stringLiteral value: String) { self = .text(value) }
  init(arrayLiteral elements: CBOR...) { self = .array(elements) }
  init(dictionaryLiteral elements: (CBOR, CBOR)...) { self = .map(Dictionary(elements) { $1 }) }
  init(booleanLiteral value: Bool) { self = .bool(value) }
}

// MARK: Writing

extension CBOR {
  var encoded: [UInt8] {
    switch self {
    case .unsigned(let number): Self.head(0, number)
    case .negative(let number): Self.head(1, number)
    case .bytes(let bytes): Self.head(2, UInt64(bytes.count)) + bytes
    case .text(let text): Self.head(3, UInt64(text.utf8.count)) + text.utf8
    case .array(let array): Self.head(4, UInt64(array.count)) + array.flatMap(\.encoded)
    case .map(let map):
      Self.head(5, UInt64(map.count))
        + map.map { (key: $0.key.encoded, value: $0.value.encoded) }.sorted { Self.precedes($0.key, $1.key) }
        .flatMap { $0.key + $0.value }
    case .bool(let bool): [bool ? 0xf5 : 0xf4]
    case .null: [0xf6]
    }
  }

  private static func head(_ major: UInt8, _ number: UInt64) -> [UInt8] {
    func following(_ information: UInt8, _ count: Int) -> [UInt8] {
      [major << 5 | information] + (0..<count).reversed().map { UInt8(truncatingIfNeeded: number >> UInt64(8 * $0)) }
    }
    return switch number {
    case 0..<24: [major << 5 | UInt8(number)]
    case 24..<0x100: following(24, 1)
    case 0x100..<0x1_0000: following(25, 2)
    case 0x1_0000..<0x1_0000_0000: following(26, 4)
    default: following(27, 8)
    }
  }

  /// By major type, then by length, then by value (CTAP 2.1, section 8).
  private static func precedes(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    if left[0] >> 5 != right[0] >> 5 { return left[0] >> 5 < right[0] >> 5 }
    return left.count == right.count ? left.lexicographicallyPrecedes(right) : left.count < right.count
  }
}

// MARK: Reading

extension CBOR {
  /// Reads one value that fills all of `bytes`; nil for anything else, or what nests deeper than CTAP's four levels
  /// and some.
  init?(_ bytes: some Sequence<UInt8>) {
    var rest = Array(bytes)[...]
    guard let value = Self.value(&rest, depth: 8), rest.isEmpty else { return nil }
    self = value
  }

  private static func value(_ rest: inout ArraySlice<UInt8>, depth: Int) -> CBOR? {
    guard depth > 0, let first = rest.popFirst() else { return nil }
    if first >> 5 == 7 {
      return switch first {
      case 0xf4: .bool(false)
      case 0xf5: .bool(true)
      case 0xf6: .null
      default: nil
      }
    }
    guard let number = number(first & 31, &rest) else { return nil }
    // Everything else takes at least that many bytes.
    guard first >> 5 < 2 || number <= rest.count else { return nil }
    switch first >> 5 {
    case 0: return .unsigned(number)
    case 1: return .negative(number)
    case 2, 3:
      let bytes = Array(rest.prefix(Int(number)))
      rest = rest.dropFirst(Int(number))
      return first >> 5 == 2 ? .bytes(bytes) : String(validating: bytes, as: UTF8.self).map { .text($0) }
    case 4:
      var array: [CBOR] = []
      for _ in 0..<number {
        guard let element = value(&rest, depth: depth - 1) else { return nil }
        array.append(element)
      }
      return .array(array)
    case 5:
      var map: [CBOR: CBOR] = [:]
      for _ in 0..<number {
        guard let key = value(&rest, depth: depth - 1), let element = value(&rest, depth: depth - 1),
          map.updateValue(element, forKey: key) == nil
        else { return nil }
      }
      return .map(map)
    default: return nil
    }
  }

  private static func number(_ information: UInt8, _ rest: inout ArraySlice<UInt8>) -> UInt64? {
    guard information >= 24 else { return UInt64(information) }
    guard information <= 27 else { return nil }
    let count = 1 << Int(information - 24)
    guard rest.count >= count else { return nil }
    let number = rest.prefix(count).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    rest = rest.dropFirst(count)
    return number
  }
}

// MARK: At random

/// Numbers that a seed determines (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }
}

extension CBOR {
  /// Any value, such as a key gone mad would send.
  static func random(_ numbers: inout SeededNumbers, depth: Int = 4) -> CBOR {
    let count = Int.random(in: 0...6, using: &numbers)
    switch Int.random(in: 0...(depth > 0 ? 7 : 5), using: &numbers) {
    case 0: return .unsigned(Bool.random(using: &numbers) ? UInt64(count) : numbers.next())
    case 1: return .negative(Bool.random(using: &numbers) ? UInt64(count) : numbers.next())
    case 2: return .bytes((0..<count * 40).map { _ in UInt8.random(in: .min ... .max, using: &numbers) })
    case 3: return .text(["fmt", "packed", "none", "id", "type", "", "public-key"][count])
    case 4: return .bool(Bool.random(using: &numbers))
    case 5: return .null
    case 6: return .array((0..<count).map { _ in random(&numbers, depth: depth - 1) })
    default:
      // CTAP's answers have small numbers as keys.
      return .map(
        Dictionary(
          (1...max(1, count)).map { key in
            (Bool.random(using: &numbers) ? CBOR(key) : random(&numbers, depth: 0), random(&numbers, depth: depth - 1))
          }
        ) { $1 })
    }
  }
}
