/// Text in the markup of manual pages, mdoc(7).
enum Mdoc {
  /// A line that calls `macro`. Arguments are text: they cannot call another macro.
  static func macro(_ macro: String, _ arguments: String...) -> String {
    (["." + macro] + arguments).joined(separator: " ")
  }

  /// An argument that stands for itself, even where it is spelled like a macro.
  static func word(_ text: String) -> String { "\\&" + escaped(text) }

  /// An argument with spaces in it.
  static func quoted(_ text: String) -> String { "\"" + escaped(text) + "\"" }

  /// Text with each sentence on a line of its own, as mdoc wants it, and no line longer than 80 bytes.
  static func prose(_ text: String) -> [String] {
    var lines: [String] = []
    for word in text.split(separator: " ").map({ escaped(String($0)) }) {
      if let last = lines.last, !last.hasSuffix("."), last.utf8.count + 1 + word.utf8.count <= 80 {
        lines[lines.count - 1] = last + " " + word
      } else {
        lines.append(word.hasPrefix(".") || word.hasPrefix("'") ? "\\&" + word : word)
      }
    }
    return lines
  }

  /// A list of terms and what each means; both are lines that are marked up already.
  static func list(_ items: [(term: String, body: [String])]) -> [String] {
    [macro("Bl", "-tag -width Ds")] + items.flatMap { [macro("It", $0.term)] + $0.body } + [macro("El")]
  }

  /// Escapes what roff would read as a command, and writes all but ASCII by its number.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": result += "\\e"
      case "\"": result += "\\(dq"
      case _ where scalar.isASCII: result.unicodeScalars.append(scalar)
      default:
        let digits = String(scalar.value, radix: 16, uppercase: true)
        result += "\\[u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits + "]"
      }
    }
    return result
  }
}
