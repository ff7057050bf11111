import Foundation
import Testing

/// The throw-away machine that these tests run in, and what they change of it.
enum Machine {
  static let stateFolder = "/var/lib/offline-access"
  /// Whether the service runs under a sanitizer: slower, and with memory of another make.
  static let isSanitized = ProcessInfo.processInfo.environment["OFFLINE_ACCESS_SANITIZER"] != nil

  /// A program as it was built together with these tests, hence beside them; under a sanitizer the one built for that.
  static func builtProgram(_ name: String) throws -> String {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let folder =
      ProcessInfo.processInfo.environment["OFFLINE_ACCESS_SANITIZED_PROGRAMS"].map { URL(fileURLWithPath: $0) }
      ?? URL(fileURLWithPath: tests).deletingLastPathComponent()
    let program = folder.appending(path: name).path
    try #require(FileManager.default.isExecutableFile(atPath: program), "no \(program)")
    return program
  }

  /// Refuses to touch a real machine.
  static func require() throws {
    try #require(
      ProcessInfo.processInfo.environment["OFFLINE_ACCESS_MACHINE"] == "1",
      "these tests change accounts, PAM and the clock: run them by `make test`, in the throw-away machine")
  }

  /// Ends the service that runs; the next one starts with `configuration`, no state and the true time.
  static func reset(_ configuration: String = "") throws {
    try require()
    try Clock.prepare()
    try stopService()
    // What an earlier test's clock had seen would make this one's look set back.
    for file in try FileManager.default.contentsOfDirectory(atPath: stateFolder) {
      try FileManager.default.removeItem(atPath: "\(stateFolder)/\(file)")
    }
    try FileManager.default.createDirectory(
      atPath: "/etc/offline-access/offline-access.conf.d", withIntermediateDirectories: true)
    for name in try FileManager.default.contentsOfDirectory(atPath: "/etc/offline-access/offline-access.conf.d") {
      try FileManager.default.removeItem(atPath: "/etc/offline-access/offline-access.conf.d/\(name)")
    }
    try configure(configuration)
    try Clock.set(0)
  }

  /// Writes the configuration file; the service takes it with its next call.
  static func configure(_ text: String) throws {
    try write(text, to: "/etc/offline-access/offline-access.conf", mode: 0o644)
  }

  static func write(_ text: String, to path: String, mode: Int = 0o644) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
  }

  /// The service's process id, or nil when none runs.
  static func servicePID() throws -> Int32? {
    let answer = try run(
      "busctl", "call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
      "GetConnectionUnixProcessID", "s", "org.offlineaccess.Factor1")
    return answer.status == 0 ? Int32(answer.output.split(separator: " ").last.map(trimmed) ?? "") : nil
  }

  /// Ends the service by SIGTERM, if it runs, and waits until it is gone.
  static func stopService(signal: Int32 = SIGTERM) throws {
    guard let pid = try servicePID() else { return }
    kill(pid, signal)
    try waitUntil("the service has ended") { kill(pid, 0) != 0 }
    try waitUntil("the name is free") { try servicePID() != pid }
  }

  /// Makes an ordinary user with a name of its own, so that tests do not meet.
  static func newUser(uid wanted: UInt32? = nil) throws -> String {
    let number = counter.next()
    let uid = wanted ?? UInt32(10_000 + number)
    let name = "user\(number)"
    try append("\(name):x:\(uid):\(uid)::/tmp:/bin/bash\n", to: "/etc/passwd")
    // The password is "password"; SHA-512 crypt.
    try append("\(name):\(passwordHash):::::::\n", to: "/etc/shadow")
    try append("\(name):x:\(uid):\n", to: "/etc/group")
    return name
  }

  /// Makes ordinary users without a password, as many as a company has.
  static func newUsers(_ count: Int) throws -> [String] {
    let numbers = (0..<count).map { _ in counter.next() }
    for (file, line) in [("passwd", ":x:%d:%d::/tmp:/bin/bash"), ("shadow", ":!:::::::"), ("group", ":x:%d:")] {
      let lines = numbers.map { "user\($0)" + line.replacingOccurrences(of: "%d", with: String(10_000 + $0)) + "\n" }
      try append(lines.joined(), to: "/etc/\(file)")
    }
    return numbers.map { "user\($0)" }
  }

  /// Removes a user as an administrator would: the accounts only.
  static func remove(user: String) throws {
    for file in ["/etc/passwd", "/etc/shadow", "/etc/group"] {
      let lines = try String(contentsOfFile: file, encoding: .utf8).split(
        separator: "\n", omittingEmptySubsequences: false)
      try Data(lines.filter { !$0.hasPrefix("\(user):") }.joined(separator: "\n").utf8).write(
        to: URL(fileURLWithPath: file))
    }
  }

  /// Removes the users of earlier tests but for the last few.
  static func removeEarlierUsers() throws {
    for file in ["/etc/passwd", "/etc/shadow", "/etc/group"] {
      let lines = try String(contentsOfFile: file, encoding: .utf8).split(
        separator: "\n", omittingEmptySubsequences: false)
      let places = lines.indices.filter { lines[$0].prefixMatch(of: /user[0-9]+:/) != nil }
      let old = Set(places.dropLast(10))
      let kept = lines.indices.filter { !old.contains($0) }.map { lines[$0] }
      try Data(kept.joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: file))
    }
  }

  static func append(_ text: String, to path: String) throws {
    let handle = try #require(FileHandle(forWritingAtPath: path))
    defer { try? handle.close() }
    try handle.seekToEnd()
    try handle.write(contentsOf: Data(text.utf8))
  }

  /// A PAM service made of `lines`.
  static func pamService(_ name: String, _ lines: String...) throws { try pamService(name, lines) }
  static func pamService(_ name: String, _ lines: [String]) throws {
    try write(lines.joined(separator: "\n") + "\n", to: "/etc/pam.d/\(name)")
  }

  static let password = "password"
  private static let passwordHash: String = (try? trimmed(run("openssl", "passwd", "-6", password).output)) ?? "!"
  private static let counter = Counter()

  private final class Counter: @unchecked Sendable {
    private let lock = NSLock()
    private var value = 0
    func next() -> Int {
      lock.lock()
      defer { lock.unlock() }
      value += 1
      return value
    }
  }
}

func trimmed(_ text: some StringProtocol) -> String { text.trimmingCharacters(in: .whitespacesAndNewlines) }

/// Waits for a condition, at most a minute.
func waitUntil(
  _ what: String, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () throws -> Bool
) throws {
  let deadline = Date().addingTimeInterval(60)
  while try !condition() {
    try #require(Date() < deadline, "waited in vain until \(what)", sourceLocation: sourceLocation)
    // Between two looks at a state that changes in another process.
    Thread.sleep(forTimeInterval: 0.005)
  }
}
