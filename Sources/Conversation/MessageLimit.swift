// How long a message may be. This file also compiles as Embedded Swift.

/// Cuts texts into pieces that arrive. LightDM's greeter protocol drops a longer message without a
/// word and the login hangs; what one message can hold there shrinks with the user's name. Every
/// text of a conversation passes through here.
public struct MessageLimit: Sendable {
  /// Bytes of UTF-8 that one message may have.
  public let bytes: Int

  /// Longer user names than this do not exist on Linux (LOGIN_NAME_MAX).
  static let longestUser = 256

  public init(user: String) {
    bytes = 995 - min(user.utf8.count, Self.longestUser)
  }

  public func holds(_ text: String) -> Bool {
    text.utf8.count <= bytes
  }

  /// The text as messages that fit, cut behind a space where there is one not too far back, else
  /// between two characters. An empty text is no message at all.
  public func pieces(of text: String) -> [String] {
    if holds(text), !Self.needsCleaning(text) { return text.isEmpty ? [] : [text] }
    let clean = Self.withoutControls(text)
    if clean.count <= bytes { return clean.isEmpty ? [] : [String(decoding: clean, as: UTF8.self)] }
    var pieces: [String] = []
    var start = 0
    while start < clean.count {
      var end = min(start + bytes, clean.count)
      if end < clean.count {
        let longest = end
        // No further back than half a message: a text without spaces is cut anywhere.
        while end > start + bytes / 2, clean[end - 1] != UInt8(ascii: " ") { end -= 1 }
        if clean[end - 1] != UInt8(ascii: " ") {
          end = longest
          while end > start + 1, Self.isContinuation(clean[end]) { end -= 1 }
        }
      }
      pieces.append(String(decoding: clean[start..<end], as: UTF8.self))
      start = end
    }
    return pieces
  }

  /// The text as one line of a journal.
  static func oneLine(_ text: String) -> String {
    needsCleaning(text) ? String(decoding: withoutControls(text), as: UTF8.self) : text
  }

  private static func isContinuation(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }

  /// Whether a control character may be in the text: all of U+0080 to U+009F begin with 0xC2 in UTF-8.
  private static func needsCleaning(_ text: String) -> Bool {
    var text = text
    return text.withUTF8 { $0.contains { $0 < 0x20 || $0 == 0x7F || $0 == 0xC2 } }
  }

  /// A terminal obeys control characters; no text of ours needs one.
  private static func withoutControls(_ text: String) -> [UInt8] {
    let space = UInt8(ascii: " ")
    var clean: [UInt8] = []
    clean.reserveCapacity(text.utf8.count)
    for byte in text.utf8 {
      if byte < 0x20 || byte == 0x7F {
        clean.append(space)
      } else if (0x80...0x9F).contains(byte), clean.last == 0xC2 {
        // U+0080 to U+009F in UTF-8.
        clean[clean.count - 1] = space
      } else {
        clean.append(byte)
      }
    }
    return clean
  }
}
