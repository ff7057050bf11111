import CGLib
import Glibc
import OfflineAccess

/// What happened, for the administrator: structured in the journal, on standard error elsewhere.
/// Never holds a passcode, a secret or a PIN.
enum Journal {
  enum Event: String {
    case granted, refused, activation, renewal, deactivation, service, fault
  }

  static func note(_ event: Event, _ message: String, user: UserIdentity? = nil, fields: [(String, String)] = []) {
    write(event, message, level: G_LOG_LEVEL_MESSAGE, priority: "5", user: user, fields: fields)
  }

  /// Something is broken or wrongly set up.
  static func fault(_ message: String, user: UserIdentity? = nil, fields: [(String, String)] = []) {
    write(.fault, message, level: G_LOG_LEVEL_WARNING, priority: "3", user: user, fields: fields)
  }

  private static func write(
    _ event: Event, _ message: String, level: GLogLevelFlags, priority: String, user: UserIdentity?,
    fields: [(String, String)]
  ) {
    var all: [(String, String)] = [
      ("MESSAGE", printable(message)), ("PRIORITY", priority), ("SYSLOG_FACILITY", "10"),
      ("GLIB_DOMAIN", "offline-accessd"), ("OFFLINE_ACCESS_EVENT", event.rawValue),
    ]
    if let user {
      all += [("OFFLINE_ACCESS_USER", printable(user.name)), ("OFFLINE_ACCESS_UID", String(user.uid))]
    }
    all += fields.map { ("OFFLINE_ACCESS_" + $0, printable($1)) }
    let strings = all.map { (strdup($0), strdup($1)) }
    defer {
      for (key, value) in strings {
        free(key)
        free(value)
      }
    }
    let entries = strings.map { GLogField(key: $0, value: $1, length: -1) }
    g_log_structured_array(level, entries, gsize(entries.count))
  }

  /// Callers choose names of services and hosts; none may start a line of its own.
  private static func printable(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7f ? "?" : $0 }))
  }
}
