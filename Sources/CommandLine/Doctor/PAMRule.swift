/// One line of a PAM configuration that concerns authentication.
struct PAMRule: Equatable {
  let control: PAMControl
  /// The module as written: `pam_unix.so`, or a whole path.
  let module: String
  let arguments: [String]
  let file: String
  let line: Int

  var place: String { "\(file):\(line)" }
  /// The module's name without folder and ending: `pam_unix`.
  var moduleName: String {
    let name = module.split(separator: "/").last.map(String.init) ?? module
    return name.hasSuffix(".so") ? String(name.dropLast(3)) : name
  }
}

/// What a PAM stack does with a module's result (pam.conf(5)).
struct PAMControl: Equatable {
  enum Action: Hashable {
    case ignore, bad, die, ok, done, reset
    case jump(Int)
  }

  /// As written: `required`, `[success=1 default=ignore]`.
  let text: String
  private let actions: [String: Action]

  func action(for result: String) -> Action { actions[result] ?? actions["default"] ?? .bad }

  /// Reads a control field; nil where it is none.
  init?(_ text: String) {
    self.text = text
    switch text.lowercased() {
    case "required":
      actions = ["success": .ok, "new_authtok_reqd": .ok, "ignore": .ignore, "default": .bad]
    case "requisite":
      actions = ["success": .ok, "new_authtok_reqd": .ok, "ignore": .ignore, "default": .die]
    case "sufficient":
      actions = ["success": .done, "new_authtok_reqd": .done, "default": .ignore]
    case "optional":
      actions = ["success": .ok, "new_authtok_reqd": .ok, "default": .ignore]
    default:
      guard text.hasPrefix("["), text.hasSuffix("]") else { return nil }
      var actions: [String: Action] = [:]
      for pair in text.dropFirst().dropLast().split(whereSeparator: \.isWhitespace) {
        let parts = pair.split(separator: "=", maxSplits: 1)
        guard parts.count == 2, let action = Action(String(parts[1])) else { return nil }
        actions[parts[0].lowercased()] = action
      }
      self.actions = actions
    }
  }
}

extension PAMControl.Action {
  init?(_ text: String) {
    switch text.lowercased() {
    case "ignore": self = .ignore
    case "bad": self = .bad
    case "die": self = .die
    case "ok": self = .ok
    case "done": self = .done
    case "reset": self = .reset
    default:
      guard let count = Int(text), count > 0 else { return nil }
      self = .jump(count)
    }
  }
}

/// What one line of a PAM file asks for.
enum PAMLine: Equatable {
  case rule(PAMRule)
  /// `@include`, or `auth include`: the other file's lines stand here.
  case include(String)
  /// `auth substack`: the other file's lines, which end for themselves.
  case substack(String)
  /// A line that cannot be understood; PAM denies then.
  case broken(line: Int)

  /// Reads the lines of one file that concern authentication.
  static func parse(_ text: String, file: String) -> [PAMLine] {
    var lines: [PAMLine] = []
    for (number, line) in logicalLines(text) {
      let fields = fields(line)
      guard let first = fields.first else { continue }
      if first == "@include" {
        lines.append(fields.count > 1 ? .include(fields[1]) : .broken(line: number))
        continue
      }
      let kind = (first.hasPrefix("-") ? String(first.dropFirst()) : first).lowercased()
      guard kind == "auth" else { continue }
      guard fields.count >= 3 else {
        lines.append(.broken(line: number))
        continue
      }
      switch fields[1].lowercased() {
      case "include": lines.append(.include(fields[2]))
      case "substack": lines.append(.substack(fields[2]))
      default:
        guard let control = PAMControl(fields[1]) else {
          lines.append(.broken(line: number))
          continue
        }
        lines.append(
          .rule(
            PAMRule(
              control: control, module: fields[2], arguments: Array(fields[3...]), file: file, line: number)))
      }
    }
    return lines
  }

  /// Lines without comments, joined where a backslash ends them, each with its first number.
  private static func logicalLines(_ text: String) -> [(number: Int, text: String)] {
    var lines: [(Int, String)] = []
    var pending: (number: Int, text: String)?
    for (index, raw) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      var line = String(raw.prefix { $0 != "#" })
      let continues = line.count == raw.count && line.hasSuffix("\\")
      if continues { line.removeLast() }
      let number = pending?.number ?? index + 1
      let joined = (pending?.text ?? "") + line
      pending = continues ? (number, joined + " ") : nil
      if !continues { lines.append((number, joined)) }
    }
    if let pending { lines.append((pending.number, pending.text)) }
    return lines
  }

  /// Fields between white space; one in brackets may hold white space.
  private static func fields(_ line: String) -> [String] {
    var fields: [String] = []
    var field = ""
    var inBrackets = false
    for character in line {
      if character == "[", field.isEmpty { inBrackets = true }
      if character.isWhitespace, !inBrackets {
        if !field.isEmpty { fields.append(field) }
        field = ""
      } else {
        field.append(character)
      }
      if character == "]" { inBrackets = false }
    }
    if !field.isEmpty { fields.append(field) }
    return fields
  }
}
