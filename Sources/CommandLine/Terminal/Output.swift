import Glibc

/// Writes to the person or the script, unbuffered: a secret shall not linger in a buffer, and lines
/// of standard output and of the terminal keep their order.
enum Output {
  static func line(_ text: String = "") { write(text + "\n", to: STDOUT_FILENO) }

  static func json(_ value: JSON) { line(value.line) }

  /// A sentence for the person, beside the output proper.
  static func note(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

  /// Why the command ends without success.
  static func problem(_ text: String) { note(Texts.problem(text)) }

  static func write(_ text: String, to descriptor: Int32) {
    // Nobody is left to tell where the output has gone away.
    var text = text
    _ = text.withUTF8 { writeAll(UnsafeRawBufferPointer($0), to: descriptor) }
  }
}

extension String {
  /// Without control characters, which could steer the terminal; for text from elsewhere.
  var printable: String {
    String(
      String.UnicodeScalarView(
        unicodeScalars.map { scalar in
          scalar.properties.generalCategory == .control && scalar != "\n" ? "\u{FFFD}" : scalar
        }))
  }
}
