import Conversation
import OfflineAccess

/// The person at this terminal, or the script at standard input, as a conversation sees them.
struct TerminalPerson: Person {
  /// Keeps what a script shall read as JSON from the output.
  let asJSON: Bool
  /// The last complaint.
  private(set) var complaint = ""
  private let answers: Answers

  /// The conversation copies its person; the terminal cannot be copied.
  private final class Answers {
    let source = LineSource()
  }

  init(asJSON: Bool) {
    self.asJSON = asJSON
    answers = Answers()
  }

  var isAtTerminal: Bool { answers.source.isTerminal }

  func ask(_ prompt: String, echo: Bool) throws(PersonFailure) -> String {
    let line: Secret
    do throws(LineFailure) { line = try answers.source.ask(prompt, echo: echo) } catch {
      throw error == .tooLong ? .notText : .gone
    }
    guard let text = line.withBytes({ String(validating: $0, as: UTF8.self) }) else { throw .notText }
    return text
  }

  mutating func tell(_ text: String, isError: Bool) throws(PersonFailure) {
    if isError {
      complaint = text
      if !asJSON { Output.problem(text) }
    } else if asJSON {
      if isAtTerminal { Output.note(text) }
    } else {
      Output.line(text)
    }
  }
}
