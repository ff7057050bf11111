import Conversation

/// A line of polkit's helper; `WireLine` has its words.
public enum HelperLine: Equatable, Sendable {
  case prompt(String, echo: Bool)
  case message(String, isError: Bool)
  /// The end.
  case verdict(Bool)

  /// - Parameter line: without its newline. nil for one that no helper writes.
  public init?(_ line: some Collection<UInt8>) {
    func rest(behind word: String) -> String? {
      guard line.starts(with: word.utf8) else { return nil }
      let rest = line.dropFirst(word.utf8.count)
      if rest.isEmpty { return "" }
      guard rest.first == UInt8(ascii: " ") else { return nil }
      return String(decoding: Self.unescaped(rest.dropFirst()), as: UTF8.self)
    }
    if let text = rest(behind: WireLine.promptEchoOff) {
      self = .prompt(text, echo: false)
    } else if let text = rest(behind: WireLine.promptEchoOn) {
      self = .prompt(text, echo: true)
    } else if let text = rest(behind: WireLine.error) {
      self = .message(text, isError: true)
    } else if let text = rest(behind: WireLine.info) {
      self = .message(text, isError: false)
    } else if line.elementsEqual(WireLine.success.utf8) {
      self = .verdict(true)
    } else if line.elementsEqual(WireLine.failure.utf8) {
      self = .verdict(false)
    } else {
      return nil
    }
  }

  /// Undoes g_strescape: C's short escapes, and up to three octal digits for any byte. A character outside ASCII is
  /// several such bytes, so text may be made of the result only.
  static func unescaped(_ bytes: some Collection<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    var index = bytes.startIndex
    func next() -> UInt8? {
      guard index != bytes.endIndex else { return nil }
      defer { index = bytes.index(after: index) }
      return bytes[index]
    }
    while let byte = next() {
      guard byte == UInt8(ascii: "\\") else {
        result.append(byte)
        continue
      }
      guard let escape = next() else { break }
      switch escape {
      case UInt8(ascii: "b"): result.append(0x08)
      case UInt8(ascii: "t"): result.append(0x09)
      case UInt8(ascii: "n"): result.append(0x0A)
      case UInt8(ascii: "v"): result.append(0x0B)
      case UInt8(ascii: "f"): result.append(0x0C)
      case UInt8(ascii: "r"): result.append(0x0D)
      case UInt8(ascii: "0")...UInt8(ascii: "7"):
        var value = UInt16(escape - UInt8(ascii: "0"))
        var digits = 1
        while digits < 3, index != bytes.endIndex, (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(bytes[index]) {
          value = value * 8 + UInt16(bytes[index] - UInt8(ascii: "0"))
          index = bytes.index(after: index)
          digits += 1
        }
        result.append(UInt8(truncatingIfNeeded: value))
      default: result.append(escape)
      }
    }
    return result
  }
}
