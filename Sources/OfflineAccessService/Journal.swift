import CGLib
import Glibc
import OfflineAccess
import Synchronization

/// What happened, for the administrator: with its fields in the journal, in one line on standard error elsewhere.
/// Never holds a passcode, a secret or a PIN, nor a name that a caller made up: people type passwords there.
enum Journal {
  typealias Fields = [AuditField: String]

  static func note(_ event: AuditEvent, _ message: String, _ fields: Fields = [:]) {
    write(event, message, fields, level: G_LOG_LEVEL_MESSAGE, priority: "5")
  }

  /// As `note`, for what an administrator has to look at.
  static func alarm(_ event: AuditEvent, _ message: String, _ fields: Fields) {
    write(event, message, fields, level: G_LOG_LEVEL_WARNING, priority: "3")
  }

  /// Something is broken or wrongly set up. Said again and again, as by a caller who hammers meanwhile, it is
  /// shown as often as a refusal of one user.
  ///
  /// - Parameter kind: what it is counted as, where the message holds what a caller chose.
  static func fault(_ message: String, kind: String? = nil) {
    let verdict = faults.withLock { $0.next(kind ?? message, at: Moment.now().uptime) }
    if verdict == .hidden { return }
    let addition = verdict == .firstHidden ? " (not repeated for a minute)" : ""
    write(.fault, message + addition, [:], level: G_LOG_LEVEL_WARNING, priority: "3")
  }

  /// A step of a set-up.
  ///
  /// - Parameter caller: the user id whose call it was; nil where time or the service's end did it.
  static func note(_ step: ActivationStep, _ activation: PendingActivation, by caller: UInt32?) {
    var fields = activation.journalFields
    fields[.step] = step.rawValue
    fields[.by] = caller.map(String.init)
    let method = activation.device.method.rawValue
    note(.activation, "set-up \(activation.number) of a \(method) for \(activation.user.name) \(step.rawValue)", fields)
  }

  private static let faults = Mutex(LineLimit<String>())

  private static func write(
    _ event: AuditEvent, _ message: String, _ fields: Fields, level: GLogLevelFlags, priority: String
  ) {
    let rest = [("PRIORITY", priority), ("SYSLOG_FACILITY", "10"), ("GLIB_DOMAIN", "offline-accessd")]
    let isTaken =
      isJournal
      && send([("MESSAGE", printable(message))] + rest + entry(event, fields)) {
        g_log_writer_journald(level, $0, $1, nil) == G_LOG_WRITER_HANDLED
      }
    if isTaken { return }
    _ = send([("MESSAGE", line(event, message, fields))] + rest) {
      g_log_writer_standard_streams(level, $0, $1, nil) == G_LOG_WRITER_HANDLED
    }
  }

  /// The fields of an entry of the journal, without message and syslog's own.
  static func entry(_ event: AuditEvent, _ fields: Fields) -> [(String, String)] {
    [(AuditField.eventJournalName, event.rawValue)]
      + AuditField.allCases.compactMap { field in fields[field].map { (field.journalName, printable($0)) } }
  }

  /// One line of text: the message, then all fields as `name=value`.
  ///
  /// No caller chose a part of the message, so the first bracket with `event=` begins the fields.
  static func line(_ event: AuditEvent, _ message: String, _ fields: Fields) -> String {
    let words = AuditField.allCases.compactMap { field in fields[field].map { "\(field.rawValue)=\(quoted($0))" } }
    return "\(printable(message)) [\((["event=\(event.rawValue)"] + words).joined(separator: " "))]"
  }

  /// A value as logfmt has it: in quotation marks where it is more than a plain word.
  private static func quoted(_ text: String) -> String {
    let needsNone = !text.isEmpty && text.utf8.allSatisfy { isPlain($0) }
    if needsNone { return text }
    var result = "\""
    for scalar in printable(text).unicodeScalars {
      if scalar == "\"" || scalar == "\\" { result += "\\" }
      result.unicodeScalars.append(scalar)
    }
    return result + "\""
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "+"), UInt8(ascii: "-")...UInt8(ascii: ":"), UInt8(ascii: "@"), UInt8(ascii: "_"):
      // From "-" to ":" are "./" and the digits.
      true
    default: false
    }
  }

  /// Callers choose names of services and hosts; none may start a line of its own, or change how one looks.
  static func printable(_ text: String) -> String {
    if text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) { return text }
    return String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { scalar in
          switch scalar.properties.generalCategory {
          case .control, .format, .lineSeparator, .paragraphSeparator: "?"
          default: scalar
          }
        }))
  }

  /// Whether standard error is the journal, as it is for a service of systemd.
  private static let isJournal = g_log_writer_is_journald(STDERR_FILENO) != 0

  private static func send(
    _ fields: [(String, String)], _ writer: (UnsafePointer<GLogField>?, gsize) -> Bool
  ) -> Bool {
    let strings = fields.map { (strdup($0), strdup($1)) }
    defer {
      for (key, value) in strings {
        free(key)
        free(value)
      }
    }
    let entries = strings.map { GLogField(key: $0, value: $1, length: -1) }
    return writer(entries, gsize(entries.count))
  }
}

extension UserIdentity {
  var journalFields: Journal.Fields { [.user: name, .uid: String(uid)] }
}

extension PendingActivation {
  var journalFields: Journal.Fields {
    user.journalFields.merging([
      .activation: String(number), .kind: kind.rawValue, .method: device.method.rawValue,
    ]) { $1 }
  }
}
