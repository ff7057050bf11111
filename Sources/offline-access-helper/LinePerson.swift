// The program at the other end of the helper's pipes.
import CSystem

/// Speaks in lines on standard output and reads answers from standard input.
struct LinePerson: Person {
  mutating func ask(_ prompt: String, echo: Bool) throws(PersonFailure) -> String {
    try say(echo ? WireLine.promptEchoOn : WireLine.promptEchoOff, prompt)
    return try readAnswer()
  }

  mutating func tell(_ text: String, isError: Bool) throws(PersonFailure) {
    try say(isError ? WireLine.error : WireLine.info, text)
  }

  private func say(_ word: String, _ text: String) throws(PersonFailure) {
    try Self.write("\(word) \(WireLine.escaped(text))")
  }

  /// Writes a whole line at once; nothing stays in a buffer.
  static func write(_ line: String) throws(PersonFailure) {
    let bytes = Array(line.utf8) + [UInt8(ascii: "\n")]
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes { CSystem.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
      if count > 0 { sent += count } else if count < 0, last_error() == EINTR { continue } else { throw .gone }
    }
  }

  /// One line, read byte by byte so that nothing of the next answer is taken too early. A last line
  /// without its newline is not an answer: whoever was writing it is gone.
  private func readAnswer() throws(PersonFailure) -> String {
    try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: WireLine.longestAnswer) {
      buffer throws(PersonFailure) in
      defer { if let start = buffer.baseAddress { explicit_bzero(start, buffer.count) } }
      var length = 0
      while true {
        var byte: UInt8 = 0
        let count = read(STDIN_FILENO, &byte, 1)
        if count < 0, last_error() == EINTR { continue }
        guard count == 1 else { throw .gone }
        if byte == UInt8(ascii: "\n") { break }
        guard length < buffer.count else { throw .notText }
        buffer[length] = byte
        length += 1
      }
      guard let text = String(validating: buffer[..<length], as: UTF8.self) else { throw .notText }
      return text
    }
  }
}
