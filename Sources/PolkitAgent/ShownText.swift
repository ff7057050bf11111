/// Text from elsewhere, made fit to be shown: in one line, and unable to give orders to a terminal or to change the
/// order in which it is read. Any program can put words of its choice into polkit's question.
public func shown(_ text: String) -> String {
  var clean = ""
  for scalar in text.unicodeScalars {
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: clean.unicodeScalars.append(" ")
    // Bidirectional overrides and isolates among them; ZERO WIDTH JOINER holds emoji together.
    case .format where scalar != "\u{200D}", .surrogate, .privateUse, .unassigned: break
    default: clean.unicodeScalars.append(scalar)
    }
  }
  return clean
}
