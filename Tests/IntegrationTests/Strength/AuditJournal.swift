import Foundation
import Glibc
import Testing

extension IntegrationTests.Strength {
  @Suite("systemd's journal takes the entries with their fields")
  struct AuditJournal {
    init() throws { try Machine.reset("[Service]\nidle-exit=0\n") }

    @Test("a yes, a no and a lock are found by their fields, and a caller's lie is one value of one field")
    func journal() throws {
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      try Machine.stopService()
      let journal = try RunningJournal()
      // As systemd starts it: standard error is a stream to the journal.
      let service = try PromptDialogue(["systemd-cat", "--identifier=offline-accessd", "/usr/libexec/offline-accessd"])
      defer { kill(service.pid, SIGTERM) }
      try waitUntil("it serves") { try Machine.servicePID() == service.pid }

      let lie = "sshd\nOFFLINE_ACCESS_EVENT=granted\nOFFLINE_ACCESS_USER=root\n\u{1b}[2J"
      expectYes(try Factor.root.authenticate(user, phone.nextCode(), ["service": lie, "remote": "192.0.2.7"]))
      for _ in 1...5 { expectRefused(try Factor.root.authenticate(user, "000000", ["service": lie]), "BadResponse") }

      let entries = try journal.entries("OFFLINE_ACCESS_USER=\(user)")
      #expect(
        entries.map { $0["OFFLINE_ACCESS_EVENT"] } == ["granted"] + Array(repeating: "refused", count: 5) + ["locked"])
      let spelled = "sshd?OFFLINE_ACCESS_EVENT=granted?OFFLINE_ACCESS_USER=root??[2J"
      #expect(entries.allSatisfy { $0["OFFLINE_ACCESS_SERVICE"] == spelled }, "\(entries)")
      #expect(entries.allSatisfy { $0["_PID"] == String(service.pid) && $0["_TRANSPORT"] == "journal" })
      let first = try #require(entries.first)
      for (field, value) in [
        "MESSAGE": "\(user) passed offline by passcode (login)", "PRIORITY": "5", "SYSLOG_FACILITY": "10",
        "OFFLINE_ACCESS_BY": "0", "OFFLINE_ACCESS_CALL": "Authenticate", "OFFLINE_ACCESS_PURPOSE": "login",
        "OFFLINE_ACCESS_REMOTE": "192.0.2.7", "OFFLINE_ACCESS_METHOD": "passcode", "OFFLINE_ACCESS_VIA": "offline",
        "OFFLINE_ACCESS_REMAINING": "9",
      ] { #expect(first[field] == value, "\(field)") }
      #expect(Int(entries.last?["OFFLINE_ACCESS_LOCKED_UNTIL"] ?? "") ?? 0 >= (try Clock.now))
      // Nothing came in by the lie's own lines.
      #expect(try journal.entries("OFFLINE_ACCESS_USER=root").isEmpty)
      #expect(try journal.entries("OFFLINE_ACCESS_EVENT=granted").count == 1)
      try IntegrationTests.Strength.report(
        "Audit", tried: "a yes, five noes and a lock in systemd's own journal, each with forged lines in a field",
        times: "\(entries.count) entries", outcome: "all found by their fields, nothing forged")
    }

    @Test("what PAM tells syslog holds no code, whatever goes wrong")
    func syslog() throws {
      try PAMHost.install()
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      let journal = try RunningJournal()
      let code = try phone.nextCode()
      expectOut(try PAMHost.login(user, "271828"))
      expectIn(try PAMHost.login(user, code))
      expectOut(try PAMHost.login(user, code))
      expectOut(try PAMHost.sudo(user, "314159"))
      expectOut(try PAMHost.login("161803", "161803"))
      let pid = try #require(try Machine.servicePID())
      kill(pid, SIGSTOP)
      defer { kill(pid, SIGCONT) }
      expectOut(try PAMHost.login(user, "141421"), saying: "did not answer in time")
      let text = try journal.text()
      // Both the stacks of the logins and this module were heard.
      #expect(text.contains("pam_unix") && text.contains("pam_offline_access("), "\(text)")
      for typed in ["271828", code, "314159", "141421"] {
        #expect(!text.contains(typed), "\(typed)")
      }
    }
  }
}

/// systemd's real journal, without the rest of systemd, while this object lives; syslog's socket leads to it.
private final class RunningJournal {
  private static let folders = ["/run/systemd/journal", "/run/log/journal"]
  private static let syslog = "/dev/log"
  private let process: PromptDialogue

  init() throws {
    for folder in Self.folders {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }
    process = try PromptDialogue(["/lib/systemd/systemd-journald"])
    symlink("\(Self.folders[0])/dev-log", Self.syslog)
    try waitUntil("the journal listens") {
      access("\(Self.folders[0])/stdout", F_OK) == 0 && access(Self.syslog, F_OK) == 0
    }
  }

  deinit {
    kill(process.pid, SIGTERM)
    unlink(Self.syslog)
    for folder in Self.folders { try? FileManager.default.removeItem(atPath: folder) }
  }

  /// Everything in it, as `journalctl` shows it.
  func text() throws -> String {
    try run("journalctl", "--sync").expectSuccess()
    return try run("journalctl", "--no-pager", "-o", "short").expectSuccess().output
  }

  /// The entries that have a field with a value: `FIELD=value`.
  func entries(_ match: String) throws -> [[String: String]] {
    try run("journalctl", "--sync").expectSuccess()
    return try run("journalctl", "--no-pager", "-o", "json", match).output.split(separator: "\n").map { line in
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      // A field that came twice, or one that is no text, is an array here and has no value.
      return try #require(object).compactMapValues { $0 as? String }
    }
  }
}
