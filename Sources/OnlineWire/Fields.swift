/// Takes the fields of a message one by one; `end` refuses what nobody asked for.
struct FieldSource {
  private var fields: [String: [UInt8]]

  init(_ frame: Frame) { fields = frame.fields }

  mutating func bytes(_ name: FieldName) -> [UInt8]? { fields.removeValue(forKey: name.rawValue) }

  mutating func text(_ name: FieldName) throws(FrameFault) -> String? {
    guard let bytes = bytes(name) else { return nil }
    // A zero byte would end the text early for the C libraries that it goes to.
    guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else {
      throw .unexpected(name.rawValue)
    }
    return text
  }

  mutating func needed(_ name: FieldName) throws(FrameFault) -> String {
    guard let text = try text(name) else { throw .unexpected(name.rawValue) }
    return text
  }

  mutating func word<Word: RawRepresentable>(_ name: FieldName) throws(FrameFault) -> Word
  where Word.RawValue == String {
    guard let word = Word(rawValue: try needed(name)) else { throw .unexpected(name.rawValue) }
    return word
  }

  mutating func flag(_ name: FieldName) throws(FrameFault) -> Bool {
    switch try needed(name) {
    case "yes": true
    case "no": false
    default: throw .unexpected(name.rawValue)
    }
  }

  mutating func milliseconds(_ name: FieldName) throws(FrameFault) -> Int64? {
    guard let text = try text(name) else { return nil }
    guard let value = Int64(text), (0...600_000).contains(value), String(value) == text else {
      throw .unexpected(name.rawValue)
    }
    return value
  }

  mutating func requestID() throws(FrameFault) -> RequestID {
    guard let id = RequestID(hex: try needed(.request)) else { throw .unexpected(FieldName.request.rawValue) }
    return id
  }

  func end() throws(FrameFault) {
    if let name = fields.keys.min() { throw .unexpected(name) }
  }
}

extension Frame {
  init(_ kind: String, _ fields: [(FieldName, [UInt8]?)]) {
    self.init(kind: kind)
    for (name, value) in fields { self.fields[name.rawValue] = value }
  }
}

extension Bool {
  var word: [UInt8] { Array((self ? "yes" : "no").utf8) }
}

extension String {
  var bytes: [UInt8] { Array(utf8) }
}

/// 32 random bytes that tie an answer to its question.
public struct RequestID: Hashable, Sendable {
  public static let length = 32
  public let hex: String

  public init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == Self.length else { return nil }
    let digits = Array("0123456789abcdef".utf8)
    hex = String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  init?(hex: String) {
    let isHex = hex.utf8.allSatisfy {
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
    }
    guard isHex, hex.utf8.count == 2 * Self.length else { return nil }
    self.hex = hex
  }
}
