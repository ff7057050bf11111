@testable import Conversation

extension FuzzTarget {
  /// Texts of a service on their way to a person: nothing lost, nothing that a terminal obeys, nothing that ends
  /// a line.
  static let texts = FuzzTarget(name: "texts", longest: 2048) { bytes in
    var input = FuzzInput(bytes)
    let user = String(repeating: "u", count: Int(input.number(UInt16.self)) % 1500)
    let text = String(decoding: input.rest, as: UTF8.self)

    let limit = MessageLimit(user: user)
    let pieces = limit.pieces(of: text)
    require(pieces.allSatisfy { !$0.isEmpty && limit.holds($0) }, "\(pieces)")
    let clean = String(
      String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
    require(pieces.joined() == clean, "\(pieces) of “\(text)”")

    let line = WireLine.escaped(text)
    require(line.utf8.allSatisfy { (0x20...0x7e).contains($0) }, line)
    require(unescaped(line) == Array(text.utf8), line)
  }

  /// As g_strcompress does.
  private static func unescaped(_ line: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    var rest = Array(line.utf8)[...]
    let short: [UInt8: UInt8] = [
      UInt8(ascii: "b"): 8, UInt8(ascii: "t"): 9, UInt8(ascii: "n"): 10, UInt8(ascii: "v"): 11, UInt8(ascii: "f"): 12,
      UInt8(ascii: "r"): 13,
    ]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\") else {
        bytes.append(byte)
        continue
      }
      guard let next = rest.popFirst() else { return nil }
      if let value = short[next] {
        bytes.append(value)
      } else if (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(next) {
        guard rest.count >= 2, let value = UInt8(String(decoding: [next] + rest.prefix(2), as: UTF8.self), radix: 8)
        else { return nil }
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(next)
      }
    }
    return bytes
  }
}
