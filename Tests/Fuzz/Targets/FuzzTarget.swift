import Glibc

/// A function that takes any bytes, and ends the process where something is not as it has to be.
struct FuzzTarget: Sendable {
  let name: String
  /// Bytes of the longest input that is tried.
  let longest: Int
  let run: @Sendable ([UInt8]) -> Void

  static let all = [
    configuration, record, sealedRecord, typedPasscode, keyURI, busMessage, texts, keyReplies, onlineWire, json,
    radiusReply, privacyIDEAReply,
  ]
  static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }
}

/// Ends the process with a sentence: a fuzzer knows no other failure. Never compiled out.
func require(
  _ condition: Bool, _ sentence: @autoclosure () -> String, file: StaticString = #file, line: UInt = #line
) {
  if !condition { fatalError(sentence(), file: file, line: line) }
}

/// Cuts values from the front of an input; zeros behind its end.
struct FuzzInput {
  private(set) var rest: ArraySlice<UInt8>
  init(_ bytes: [UInt8]) { rest = bytes[...] }

  mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

  mutating func number<T: FixedWidthInteger>(_ type: T.Type = T.self) -> T {
    (0..<MemoryLayout<T>.size).reduce(T(0)) { value, _ in value << 8 | T(truncatingIfNeeded: byte()) }
  }

  /// As many bytes as the next one says, at most what is there.
  mutating func piece() -> [UInt8] {
    let piece = Array(rest.prefix(Int(byte())))
    rest = rest.dropFirst(piece.count)
    return piece
  }

  mutating func text() -> String { String(decoding: piece(), as: UTF8.self) }
}
