// The line protocol of offline-access-helper. This file also compiles as Embedded Swift.

/// What the helper says in a line; the words are those of polkit's agent helper, so that a program
/// which can read one can read the other.
public enum WireLine {
  public static let promptEchoOff = "PAM_PROMPT_ECHO_OFF"
  public static let promptEchoOn = "PAM_PROMPT_ECHO_ON"
  public static let error = "PAM_ERROR_MSG"
  public static let info = "PAM_TEXT_INFO"
  public static let success = "SUCCESS"
  public static let failure = "FAILURE"

  /// The longest answer that is read, in bytes, without its newline.
  public static let longestAnswer = 1_024

  /// Escapes as GLib's g_strescape does: C's short escapes, and octal for every other byte that is
  /// not printable ASCII. The result is one line.
  public static func escaped(_ text: String) -> String {
    var line: [UInt8] = []
    line.reserveCapacity(text.utf8.count)
    for byte in text.utf8 {
      switch byte {
      case 0x08: line += [backslash, UInt8(ascii: "b")]
      case 0x09: line += [backslash, UInt8(ascii: "t")]
      case 0x0A: line += [backslash, UInt8(ascii: "n")]
      case 0x0B: line += [backslash, UInt8(ascii: "v")]
      case 0x0C: line += [backslash, UInt8(ascii: "f")]
      case 0x0D: line += [backslash, UInt8(ascii: "r")]
      case backslash, UInt8(ascii: "\""): line += [backslash, byte]
      case 0x20..<0x7F: line.append(byte)
      default: line += [backslash, zero + (byte >> 6), zero + (byte >> 3 & 7), zero + (byte & 7)]
      }
    }
    return String(decoding: line, as: UTF8.self)
  }

  private static let backslash = UInt8(ascii: "\\")
  private static let zero = UInt8(ascii: "0")
}
