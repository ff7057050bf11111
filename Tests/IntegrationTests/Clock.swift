import Foundation
import Testing

/// The service's wall clock, moved by libfaketime: a namespace has no clock of its own.
///
/// The service is the installed one, unchanged; only the bus's activation file starts it with the
/// library preloaded. Monotonic clocks and the times of files stay true.
enum Clock {
  private static let file = "/run/offline-access-clock"
  static let activation = "/usr/share/dbus-1/system-services/org.offlineaccess.Factor1.service"

  /// Makes the bus start the service under the movable clock.
  static func prepare() throws {
    let text = try String(contentsOfFile: activation, encoding: .utf8)
    if text.contains("LD_PRELOAD") { return }
    var variables = try environment().map { "\($0)=\($1)" }.sorted().joined(separator: " ")
    // For tools/sanitize: the bus starts services without an environment.
    if let more = ProcessInfo.processInfo.environment["OFFLINE_ACCESS_SERVICE_ENVIRONMENT"] { variables += " \(more)" }
    try set(0)
    try activate(text.replacingOccurrences(of: "Exec=", with: "Exec=/usr/bin/env \(variables) "))
  }

  /// Makes `text` the file by which the bus starts the service.
  static func activate(_ text: String) throws {
    try Machine.write(text, to: activation)
    try run("busctl", "call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "ReloadConfig")
      .expectSuccess()
  }

  /// What puts a process under the movable clock.
  ///
  /// - Parameter uptime: moves the clocks along that otherwise nobody can set.
  static func environment(uptime: Bool = false) throws -> [String: String] {
    // The variant for several threads: the other one shows a wrong time now and then.
    // A sanitizer's runtime waits for itself under libfaketime: tools/sanitize has a library of its own.
    let library =
      try ProcessInfo.processInfo.environment["OFFLINE_ACCESS_CLOCK_LIBRARY"]
      ?? trimmed(run("sh", "-c", "ls /usr/lib/*/faketime/libfaketimeMT.so.1").output)
    try #require(!library.isEmpty, "libfaketime is not installed")
    return [
      "LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": file, "FAKETIME_NO_CACHE": "1", "NO_FAKE_STAT": "1",
      "DONT_FAKE_MONOTONIC": uptime ? "0" : "1", "FAKETIME_FMT": "%s",
    ]
  }

  /// Seconds by which the service's clock is ahead of the true one; set by `set`.
  static var offset: Int {
    get throws {
      let text = trimmed(try String(contentsOfFile: file, encoding: .utf8))
      let number = Int(text) ?? 0
      return text.hasPrefix("+") || number < 0 ? number : number - Int(Date().timeIntervalSince1970)
    }
  }

  static func set(_ seconds: Int) throws {
    // In one step: the service may look at any moment.
    let text = seconds < 0 ? "\(seconds)\n" : "+\(seconds)\n"
    try Data(text.utf8).write(to: URL(fileURLWithPath: file), options: .atomic)
  }

  /// Stops the service's clock at `time`, to the second; `set` and `move` let it run again.
  static func freeze(at time: Int) throws {
    try Data("\(time)\n".utf8).write(to: URL(fileURLWithPath: file), options: .atomic)
  }

  static func advance(_ seconds: Int) throws { try set(try offset + seconds) }

  /// The service's time in seconds since 1970.
  static var now: Int { get throws { Int(Date().timeIntervalSince1970) + (try offset) } }

  /// Moves the service's clock forward to `time`, or back.
  static func move(to time: Int) throws { try set(time - Int(Date().timeIntervalSince1970)) }
}
