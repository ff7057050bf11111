/// Why bytes are no message.
public enum FrameFault: Error, Equatable, Sendable {
  case tooLong
  case malformed
  /// A kind, a field or a value that is not in the contract, or a field that is missing.
  case unexpected(String)
}

/// One message as it travels: a kind and named fields of bytes.
///
/// ```
/// 4  length of what follows, big-endian
/// 1  format, 1
/// 1  length of the kind, then the kind
/// 1  number of fields, then for each
///      1  length of the name, then the name
///      4  length of the value, big-endian, then the value
/// ```
public struct Frame: Equatable, Sendable {
  public static let format: UInt8 = 1
  /// Bytes of a message to the process; the certificates of a whole system fit.
  public static let longestRequest = 512 * 1024
  /// Bytes of a message from the process.
  public static let longestReply = 4 * 1024
  static let mostFields = 32
  /// Bytes of a kind or of a field's name.
  static let longestName = 32

  public var kind: String
  public var fields: [String: [UInt8]] = [:]

  public init(kind: String, fields: [String: [UInt8]] = [:]) {
    self.kind = kind
    self.fields = fields
  }

  /// The bytes that travel. Wiping them stays the caller's duty.
  public func encoded(longest: Int) throws(FrameFault) -> [UInt8] {
    let size =
      3 + kind.utf8.count + fields.reduce(0) { $0 + 5 + $1.key.utf8.count + $1.value.count }
    guard size <= longest, fields.count <= Self.mostFields else { throw .tooLong }
    var bytes: [UInt8] = []
    // At once, so that no copy of a secret is left behind by a growing array.
    bytes.reserveCapacity(4 + size)
    Self.append(size, to: &bytes)
    bytes.append(Self.format)
    try Self.append(name: kind, to: &bytes)
    bytes.append(UInt8(fields.count))
    for (name, value) in fields.sorted(by: { $0.key < $1.key }) {
      try Self.append(name: name, to: &bytes)
      Self.append(value.count, to: &bytes)
      bytes += value
    }
    return bytes
  }

  /// Reads what follows the length; all of `bytes` has to belong to it.
  public init(body bytes: ArraySlice<UInt8>) throws(FrameFault) {
    var rest = bytes
    guard rest.popFirst() == Self.format else { throw .malformed }
    kind = try Self.name(from: &rest)
    guard let count = rest.popFirst(), count <= Self.mostFields else { throw .malformed }
    for _ in 0..<count {
      let name = try Self.name(from: &rest)
      guard let length = Self.length(from: &rest), length <= rest.count, fields[name] == nil else { throw .malformed }
      fields[name] = Array(rest.prefix(length))
      rest = rest.dropFirst(length)
    }
    guard rest.isEmpty else { throw .malformed }
  }

  /// Takes a length in four bytes from the front of `bytes`.
  static func length(from bytes: inout ArraySlice<UInt8>) -> Int? {
    guard bytes.count >= 4 else { return nil }
    defer { bytes = bytes.dropFirst(4) }
    return bytes.prefix(4).reduce(0) { $0 << 8 | Int($1) }
  }

  private static func append(_ length: Int, to bytes: inout [UInt8]) {
    for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: length >> shift)) }
  }

  private static func append(name: String, to bytes: inout [UInt8]) throws(FrameFault) {
    guard isName(name.utf8) else { throw .malformed }
    bytes.append(UInt8(name.utf8.count))
    bytes += name.utf8
  }

  private static func name(from bytes: inout ArraySlice<UInt8>) throws(FrameFault) -> String {
    guard let length = bytes.popFirst(), length <= bytes.count, isName(bytes.prefix(Int(length))) else {
      throw .malformed
    }
    defer { bytes = bytes.dropFirst(Int(length)) }
    return String(decoding: bytes.prefix(Int(length)), as: UTF8.self)
  }

  private static func isName(_ bytes: some Collection<UInt8>) -> Bool {
    (1...longestName).contains(bytes.count)
      && bytes.allSatisfy { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || $0 == UInt8(ascii: "-") }
  }
}

/// Finds the messages in a stream of bytes, whatever pieces they come in.
public struct FrameReader: Sendable {
  private let longest: Int
  private var pending: [UInt8] = []

  public init(longest: Int) { self.longest = longest }

  /// Whether a part of a message is held.
  public var isInside: Bool { !pending.isEmpty }

  public mutating func feed(_ bytes: some Collection<UInt8>) { pending += bytes }

  /// The next whole message, or nil until more bytes came. After an error the stream is of no more use.
  public mutating func next() throws(FrameFault) -> Frame? {
    var rest = pending[...]
    guard let length = Frame.length(from: &rest) else { return nil }
    guard length <= longest else { throw .tooLong }
    guard rest.count >= length else { return nil }
    let frame = try Frame(body: rest.prefix(length))
    pending = Array(rest.dropFirst(length))
    return frame
  }
}
