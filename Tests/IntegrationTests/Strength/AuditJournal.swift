import Foundation
import Glibc
import Testing

extension IntegrationTests.Strength {
  @Suite("systemd's journal takes the entries with their fields")
  struct AuditJournal {
    private static let folders = ["/run/systemd/journal", "/run/log/journal"]

    init() throws { try Machine.reset("[Service]\nidle-exit=0\n") }

    @Test("a yes, a no and a lock are found by their fields, and a caller's lie is one value of one field")
    func journal() throws {
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      try Machine.stopService()
      for folder in Self.folders {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      }
      // The real one, without the rest of systemd.
      let journald = try PromptDialogue(["/lib/systemd/systemd-journald"])
      defer {
        kill(journald.pid, SIGTERM)
        for folder in Self.folders { try? FileManager.default.removeItem(atPath: folder) }
      }
      try waitUntil("the journal listens") { access("/run/systemd/journal/stdout", F_OK) == 0 }
      // As systemd starts it: standard error is a stream to the journal.
      let service = try PromptDialogue(["systemd-cat", "--identifier=offline-accessd", "/usr/libexec/offline-accessd"])
      defer { kill(service.pid, SIGTERM) }
      try waitUntil("it serves") { try Machine.servicePID() == service.pid }

      let lie = "sshd\nOFFLINE_ACCESS_EVENT=granted\nOFFLINE_ACCESS_USER=root\n\u{1b}[2J"
      expectYes(try Factor.root.authenticate(user, phone.nextCode(), ["service": lie, "remote": "192.0.2.7"]))
      for _ in 1...5 { expectRefused(try Factor.root.authenticate(user, "000000", ["service": lie]), "BadResponse") }

      try run("journalctl", "--sync").expectSuccess()
      let entries = try Self.entries("OFFLINE_ACCESS_USER=\(user)")
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
      #expect(try Self.entries("OFFLINE_ACCESS_USER=root").isEmpty)
      #expect(try Self.entries("OFFLINE_ACCESS_EVENT=granted").count == 1)
      try IntegrationTests.Strength.report(
        "Audit", tried: "a yes, five noes and a lock in systemd's own journal, each with forged lines in a field",
        times: "\(entries.count) entries", outcome: "all found by their fields, nothing forged")
    }

    private static func entries(_ match: String) throws -> [[String: String]] {
      try run("journalctl", "--no-pager", "-o", "json", match).output.split(separator: "\n").map { line in
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        // A field that came twice, or one that is no text, is an array here and has no value.
        return try #require(object).compactMapValues { $0 as? String }
      }
    }
  }
}
