/// Base 32 (RFC 4648, section 6) without padding, as the Key URI format wants it.
public enum Base32 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)

  public static func encode(_ bytes: some Sequence<UInt8>) -> String {
    var text: [UInt8] = []
    var buffer: UInt32 = 0
    var bits = 0
    for byte in bytes {
      buffer = buffer << 8 | UInt32(byte)
      bits += 8
      while bits >= 5 {
        bits -= 5
        text.append(alphabet[Int(buffer >> UInt32(bits) & 31)])
      }
      buffer &= (1 << UInt32(bits)) - 1
    }
    if bits > 0 { text.append(alphabet[Int(buffer << UInt32(5 - bits) & 31)]) }
    return String(decoding: text, as: UTF8.self)
  }

  /// `text` in groups of four, for typing.
  public static func grouped(_ text: String) -> String {
    var result = ""
    for (index, character) in text.enumerated() {
      if index > 0, index.isMultiple(of: 4) { result.append(" ") }
      result.append(character)
    }
    return result
  }
}
