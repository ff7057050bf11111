import Foundation

/// Random numbers that come again with the same seed (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }

  /// True once in `times`, on average.
  mutating func once(in times: Int) -> Bool { Int.random(in: 0..<times, using: &self) == 0 }
  mutating func pick<T>(_ all: [T]) -> T { all[Int.random(in: 0..<all.count, using: &self)] }
}

/// Values for D-Bus signatures, mostly from the edges of what a type can hold. All of them are valid on
/// the bus: what is not, the bus itself would keep from the service.
struct BusFuzzValues {
  var random: SeededRandom
  /// Texts that mean something at present: users, codes.
  var texts: [String] = []
  /// Whether an array of thousands is being written: with huge texts the bus would find it too large and cut us off.
  private var isCrowded = false
  /// Paths of set-ups at present.
  var paths: [String] = []

  private static let basicTypes = "ybnqiuxtdsogh".map(String.init)
  /// Of one message; D-Bus allows 64 containers in each other.
  private static let deepest = 60
  // Structs end with eight bytes, and keys are never the shortest, because of what GDBus cannot parse: see
  // CheckedStream.swift. Such calls are dropped, and nobody here waits for an answer that does not come.

  mutating func text() -> String {
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<45: return random.pick(texts)
    case 45..<65: return random.pick(Self.words)
    case 65..<98:
      let lengths = [0, 1, 6, 64, 65, 255, 256, 257, 1024, 1025]
      let unit = random.pick(["0", "a", " ", "é", "\u{10FFFF}", "e\u{301}", "\u{1}", "\u{202E}", "%n"])
      return String(repeating: unit, count: random.pick(lengths))
    default:
      return String(repeating: random.pick(["9", "x", "😀"]), count: isCrowded ? 300 : random.pick([70_000, 200_000]))
    }
  }

  private static let words = [
    "", " ", "passcode", "security-key", "login", "unlock", "elevation", "000000", "123456", "1234567", "12 34 56",
    "-1",
    "+12345", "٣٤٥٦٧٨", "0x1234", "root", "alice", "bob", "no-such-user", "../../etc/shadow", "/", "@sudo", "a:b",
    "\n", "\r\n(offline-accessd:1): CRITICAL **", "\u{1b}]0;x\u{7}", "%s%s%n", "'; DROP TABLE enrollment; --",
    "\u{FEFF}",
    "\u{FFFF}", "\u{FFFD}", "null", "nan", "org.offlineaccess.Factor1", ":1.0", "Version", "Methods", "Authority",
  ]

  private mutating func path() -> String {
    let parent = "/org/offlineaccess/Factor1/activation"
    switch Int.random(in: 0..<6, using: &random) {
    case 0, 1: return random.pick(paths + ["/"])
    case 2:
      let numbers = [0, 1, 2, UInt64(UInt32.max), UInt64(Int64.max), .max, .random(in: 0..<5000, using: &random)]
      return "\(parent)/\(random.pick(numbers))"
    case 3: return parent + random.pick(["", "/x", "/00001", "/1_", "/_", "/18446744073709551616", "/1/2", "/1/2/3/4"])
    case 4: return random.pick(["/org/offlineaccess/Factor1", "/org/offlineaccess", "/org/freedesktop/DBus", "/"])
    default: return parent + "/" + String(repeating: "9", count: random.pick([19, 20, 21, 1000]))
    }
  }

  mutating func objectPath() -> String { path() }

  init(random: SeededRandom) { self.random = random }

  /// A complete type.
  mutating func type(depth: Int = 0) -> String {
    switch Int.random(in: 0..<(depth < 4 ? 12 : 7), using: &random) {
    case 0..<6: return random.pick(Self.basicTypes)
    case 6, 7: return "v"
    case 8: return "a" + type(depth: depth + 1)
    case 9: return "a{" + random.pick(["s", "o", "x", "t", "d"]) + type(depth: depth + 1) + "}"
    case 10: return "a{sv}"
    default:
      return "(" + (0...Int.random(in: 0...3, using: &random)).map { _ in type(depth: depth + 1) }.joined() + "t)"
    }
  }

  /// Writes a value of each complete type in `signature`.
  mutating func write(_ signature: String, to bytes: inout BusBytes, depth: Int = 0) {
    for type in Self.completeTypes(signature) { writeOne(type, to: &bytes, depth) }
  }

  private mutating func writeOne(_ type: String, to bytes: inout BusBytes, _ depth: Int) {
    switch type.first {
    case "y": bytes.byte(integer())
    case "b": bytes.number(random.once(in: 2) ? 1 : 0)
    case "n": bytes.integer(integer() as Int16)
    case "q": bytes.integer(integer() as UInt16)
    case "i": bytes.integer(integer() as Int32)
    case "u", "h": bytes.integer(integer() as UInt32)
    case "x": bytes.integer(integer() as Int64)
    case "t": bytes.integer(integer() as UInt64)
    case "d":
      let numbers = [0, -0.0, .infinity, -.infinity, .nan, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 1]
      bytes.integer(random.pick(numbers).bitPattern)
    case "s": bytes.text(text())
    case "o": bytes.text(path())
    case "g": bytes.signature(random.pick(["", "s", "a{sv}", "aaaaaaaay", self.type()]))
    case "v": variant(to: &bytes, depth)
    case "(":
      bytes.align(8)
      write(String(type.dropFirst().dropLast()), to: &bytes, depth: depth + 1)
    case "a": array(of: String(type.dropFirst()), to: &bytes, depth)
    default: preconditionFailure("no type \(type)")
    }
  }

  private mutating func integer<T: FixedWidthInteger>() -> T {
    random.pick([0, 1, .min, .max, .max - 1, .random(in: .min ... .max, using: &random)])
  }

  private mutating func variant(to bytes: inout BusBytes, _ depth: Int) {
    if depth < 2, random.once(in: 40) {
      // Variants in variants, to the depth that the bus allows.
      for _ in 0..<Self.deepest - 2 * depth { bytes.signature("v") }
      return bytes.variant(text())
    }
    let type = random.once(in: 2) || depth > 4 ? "s" : self.type(depth: depth + 1)
    bytes.signature(type)
    writeOne(type, to: &bytes, depth + 1)
  }

  private mutating func array(of type: String, to bytes: inout BusBytes, _ depth: Int) {
    let isEntry = type.first == "{"
    let inner = isEntry ? String(type.dropFirst().dropLast()) : type
    let parts = Self.completeTypes(inner)
    // Few, or very many at the top.
    let count = depth == 0 && random.once(in: 200) ? 3000 : Int.random(in: 0...(depth > 2 ? 1 : 3), using: &random)
    var values = self
    values.isCrowded = isCrowded || count > 3
    bytes.array(of: isEntry ? 8 : Self.alignment(of: type)) { bytes in
      for _ in 0..<count {
        if isEntry { bytes.align(8) }
        for (index, part) in parts.enumerated() {
          if isEntry, index == 0, part == "s" {
            bytes.text(values.random.once(in: 3) ? values.text() : values.random.pick(Self.optionKeys))
          } else {
            values.writeOne(part, to: &bytes, depth + 1)
          }
        }
      }
    }
    random = values.random
  }

  private static let optionKeys = ["name", "response", "service", "purpose", "remote", "pin", "frobnicate", ""]

  private static func alignment(of type: String) -> Int {
    switch type.first {
    case "y", "g", "v": 1
    case "n", "q": 2
    case "x", "t", "d", "(", "{": 8
    default: 4
    }
  }

  /// The complete types that a signature is made of.
  static func completeTypes(_ signature: String) -> [String] {
    var types: [String] = []
    var rest = Substring(signature)
    while !rest.isEmpty {
      let length = lengthOfType(rest)
      types.append(String(rest.prefix(length)))
      rest = rest.dropFirst(length)
    }
    return types
  }

  private static func lengthOfType(_ signature: Substring) -> Int {
    switch signature.first {
    case "a": return 1 + lengthOfType(signature.dropFirst())
    case "(", "{":
      var depth = 0
      for (index, character) in signature.enumerated() {
        if "({".contains(character) { depth += 1 }
        if ")}".contains(character) { depth -= 1 }
        if depth == 0 { return index + 1 }
      }
      return signature.count
    default: return 1
    }
  }
}
