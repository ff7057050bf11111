// JSON as Python's json.dumps(value, sort_keys=True) writes it, which is what privacyIDEA signs.
extension JSON {
  var asPythonWrites: [UInt8] {
    var bytes: [UInt8] = []
    write(to: &bytes)
    return bytes
  }

  private func write(to bytes: inout [UInt8]) {
    switch self {
    case .null: bytes += "null".utf8
    case .bool(let flag): bytes += (flag ? "true" : "false").utf8
    // The server wrote it by the same function, so it is in Python's form.
    case .number(let text): bytes += text.utf8
    case .string(let text): Self.write(text, to: &bytes)
    case .array(let elements):
      Self.write(elements, between: ("[", "]"), to: &bytes) { $0.write(to: &$1) }
    case .object(let members):
      // Python compares strings by their code points.
      let sorted = members.sorted {
        $0.key.unicodeScalars.lexicographicallyPrecedes($1.key.unicodeScalars) { $0.value < $1.value }
      }
      Self.write(sorted, between: ("{", "}"), to: &bytes) { member, bytes in
        Self.write(member.key, to: &bytes)
        bytes += ": ".utf8
        member.value.write(to: &bytes)
      }
    }
  }

  private static func write<Element>(
    _ elements: [Element], between brackets: (String, String), to bytes: inout [UInt8],
    _ body: (Element, inout [UInt8]) -> Void
  ) {
    bytes += brackets.0.utf8
    for (index, element) in elements.enumerated() {
      if index > 0 { bytes += ", ".utf8 }
      body(element, &bytes)
    }
    bytes += brackets.1.utf8
  }

  /// With `ensure_ascii`, as is the default.
  static func write(_ text: String, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    for unit in text.utf16 {
      switch unit {
      case 0x22: bytes += "\\\"".utf8
      case 0x5c: bytes += "\\\\".utf8
      case 0x08: bytes += "\\b".utf8
      case 0x0c: bytes += "\\f".utf8
      case 0x0a: bytes += "\\n".utf8
      case 0x0d: bytes += "\\r".utf8
      case 0x09: bytes += "\\t".utf8
      case 0x20..<0x7f: bytes.append(UInt8(unit))
      default: bytes += "\\u\(hex([UInt8(unit >> 8), UInt8(unit & 0xff)]))".utf8
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}
