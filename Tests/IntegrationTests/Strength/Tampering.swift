import Foundation
import Glibc
import Testing

extension IntegrationTests.Strength {
  /// The state edited behind the service's back, by another program. What makes its folder or files unusable as such,
  /// owners, modes, links and pipes, stands in `Storage`; here is what stands in them.
  @Suite("State that somebody has edited: closed, named, and nobody else's trouble")
  struct Tampering {
    /// One edit: of whose record, and what the two users then hear.
    struct Edit: CustomTestStringConvertible, Sendable {
      let testDescription: String
      /// SQL, with FIRST and SECOND for the users' names.
      let sql: [String]
      var first: String = "Failed"
      var second: String?

      init(_ description: String, _ sql: String..., first: String = "Failed", second: String? = nil) {
        (testDescription, self.sql, self.first, self.second) = (description, sql, first, second)
      }
    }

    static let edits = [
      Edit("the record emptied", "UPDATE enrollment SET record = x'' WHERE name = 'FIRST'"),
      Edit("zeros as the record", "UPDATE enrollment SET record = zeroblob(length(record)) WHERE name = 'FIRST'"),
      Edit(
        "the record cut", "UPDATE enrollment SET record = substr(record, 1, length(record) - 1) WHERE name = 'FIRST'"),
      Edit(
        "the record lengthened", "UPDATE enrollment SET record = CAST(record || x'00' AS BLOB) WHERE name = 'FIRST'"),
      Edit("a long record", "UPDATE enrollment SET record = zeroblob(100000) WHERE name = 'FIRST'"),
      Edit(
        "another user's record",
        "UPDATE enrollment SET record = (SELECT record FROM enrollment WHERE name = 'SECOND') WHERE name = 'FIRST'"),
      Edit(
        "the machine's state as the record",
        "UPDATE enrollment SET record = (SELECT value FROM machine WHERE item = 'state') WHERE name = 'FIRST'"),
      Edit("the name edited", "UPDATE enrollment SET name = 'mallory' WHERE name = 'FIRST'"),
      Edit("the name emptied", "UPDATE enrollment SET name = '' WHERE name = 'FIRST'"),
      Edit("the id moved", "UPDATE enrollment SET uid = 4000000001 WHERE name = 'FIRST'", first: "NotActivated"),
      Edit("the row removed", "DELETE FROM enrollment WHERE name = 'FIRST'", first: "NotActivated"),
      Edit(
        "records swapped", "CREATE TEMP TABLE old AS SELECT * FROM enrollment",
        "UPDATE enrollment SET record = (SELECT record FROM old WHERE old.name <> enrollment.name "
          + "AND old.name IN ('FIRST', 'SECOND')) WHERE name IN ('FIRST', 'SECOND')", second: "Failed"),
      Edit(
        "names swapped",
        "UPDATE enrollment SET name = CASE name WHEN 'FIRST' THEN 'SECOND' ELSE 'FIRST' END "
          + "WHERE name IN ('FIRST', 'SECOND')", second: "Failed"),
      Edit(
        "ids swapped", "CREATE TEMP TABLE old AS SELECT * FROM enrollment WHERE name IN ('FIRST', 'SECOND')",
        "DELETE FROM enrollment WHERE name IN ('FIRST', 'SECOND')",
        "INSERT INTO enrollment SELECT (SELECT uid FROM old other WHERE other.name <> old.name), name, record FROM old",
        second: "Failed"),
      Edit(
        "the machine's state edited", "UPDATE machine SET value = zeroblob(length(value)) WHERE item = 'state'",
        second: "Failed"),
      Edit(
        "a record as the machine's state",
        "UPDATE machine SET value = (SELECT record FROM enrollment WHERE name = 'FIRST') WHERE item = 'state'",
        second: "Failed"),
      Edit("the machine's state removed", "DELETE FROM machine WHERE item = 'state'", second: "Failed"),
    ]

    private let users: [String]
    private let phones: [Phone]

    init() throws {
      try Machine.reset("[Service]\nidle-exit=0\n")
      users = try (0..<2).map { _ in try Machine.newUser() }
      phones = try users.map { try Phone.activated($0) }
    }

    private static func rows() throws -> [String] {
      try StoredState.edit(
        "SELECT uid, hex(name), hex(record) FROM enrollment ORDER BY uid", "SELECT item, hex(value) FROM machine")
    }

    @Test("each column edited, rows swapped, moved and removed, while the service runs and while it does not")
    func edited() throws {
      var tries = 0
      for (index, edit) in Self.edits.enumerated() {
        for stopped in IntegrationTests.Strength.isFull ? [false, true] : [index.isMultiple(of: 2)] {
          // Both of one moment, a step on: a step later for each phone, and a boundary within this round would leave
          // the first one's code too old.
          try Clock.advance(30)
          let codes = try phones.map { try $0.code() }
          if stopped { try Machine.stopService() }
          let before = try Self.rows()
          let log = try ServiceLog()
          try StoredState.edit(
            edit.sql.map { $0.replacing("FIRST", with: users[0]).replacing("SECOND", with: users[1]) })
          let broken = try Self.rows()
          #expect(broken != before, "\(edit)")
          let expected: [String?] = [edit.first, edit.second]
          for (user, (code, reason)) in zip(users, zip(codes, expected)) {
            guard let reason else {
              expectYes(try Factor.root.authenticate(user, code))
              continue
            }
            for answer in [
              try Factor.root.authenticate(user, code), try Factor.root.authenticate(user, "000000"),
              try Factor(user: user).authenticate("", code), try Factor.root.renew(user),
            ] {
              expectRefused(answer, reason)
              if reason == "Failed" {
                // For a person: no file, no id, no word of the program's.
                #expect(
                  answer.sentence.hasPrefix("Offline access is not available: its records "), "\(answer.sentence)")
                #expect(answer.sentence.hasSuffix(". Tell the administrator."))
                #expect(!answer.sentence.contains("/") && !answer.sentence.contains("SQL"))
              }
              tries += 1
            }
          }
          let causes = ["is not what was written", "sealed by another key", "the storage is damaged", "is damaged"]
          if expected.contains("Failed") {
            let written = try log.new
            #expect(causes.contains { written.contains($0) }, "\(edit): \(written)")
          }
          // What the other user's yes has changed is their record and the machine's state, and nothing else is written.
          let changed = Set(broken).subtracting(try Self.rows()).count
          #expect(changed == (edit.second == nil ? 2 : 0), "\(edit)")
          try restore(before, keeping: edit.second == nil ? users[1] : nil)
          expectYes(try Factor.root.authenticate(users[0], codes[0]))
          expectRefused(try Factor.root.authenticate(users[0], codes[0]), "ResponseReplayed")
          if edit.second != nil { expectYes(try Factor.root.authenticate(users[1], codes[1])) }
          for user in users { expectYes(try Factor.root.renew(user)) }
        }
      }
      try report(
        "Tampering", tried: "\(Self.edits.count) edits of rows and columns by a second program",
        times: "\(tries) tries",
        outcome: "0 let in, others unaffected, in again once put back")
    }

    /// Puts rows back as they were, except the one of a user who has used it since.
    private func restore(_ rows: [String], keeping user: String?) throws {
      var statements: [String] = []
      let kept = user.map { " WHERE name <> '\($0)'" } ?? ""
      statements.append("DELETE FROM enrollment" + kept)
      for row in rows {
        let columns = row.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
        if columns.count == 3 {
          statements.append(
            "INSERT OR IGNORE INTO enrollment VALUES (\(columns[0]), CAST(x'\(columns[1])' AS TEXT), x'\(columns[2])')")
        } else if user == nil {
          statements.append("INSERT OR REPLACE INTO machine VALUES ('\(columns[0])', x'\(columns[1])')")
        }
      }
      try StoredState.edit(statements)
    }

    @Test("a database cut at any length is not guessed at")
    func cut() throws {
      let code = try phones[0].nextCode()
      try Machine.stopService()
      let whole = try Data(contentsOf: URL(fileURLWithPath: StoredState.path))
      let step = IntegrationTests.Strength.isFull ? 512 : 4096
      let lengths = Set(
        [0, 1, 15, 16, 99, 100, 101, 4095, 4097, whole.count - 1] + stride(from: 0, to: whole.count, by: step))
      for length in lengths.sorted() {
        let log = try ServiceLog()
        try write(whole.prefix(length))
        for user in users {
          let answer = try Factor.root.authenticate(user, code)
          expectRefused(answer, "Failed")
          #expect(answer.sentence.contains(": its records "), "\(length) bytes: \(answer.sentence)")
        }
        let written = try log.new
        let causes = ["malformed", "damaged", "is empty although", "not a database", "sealed by another key"]
        #expect(causes.contains { written.contains($0) }, "\(length) bytes: \(written)")
        #expect(try Data(contentsOf: URL(fileURLWithPath: StoredState.path)) == whole.prefix(length), "\(length) bytes")
        try Machine.stopService()
      }
      try write(whole)
      expectYes(try Factor.root.authenticate(users[0], code))
      try report(
        "Tampering", tried: "the database cut short", times: "\(lengths.count) lengths",
        outcome: "0 let in, file as it was")
    }

    /// Puts `data` into the place of the database, beside which nothing else stands.
    private func write(_ data: some DataProtocol) throws {
      for suffix in ["-wal", "-shm"] { unlink(StoredState.path + suffix) }
      let handle = try #require(FileHandle(forWritingAtPath: StoredState.path))
      try handle.truncate(atOffset: 0)
      try handle.write(contentsOf: Data(data))
      try handle.close()
    }

    @Test("the database of another machine, or of this one under another key, is refused by name")
    func anotherMachine() throws {
      let code = try phones[0].nextCode()
      let folder = Machine.stateFolder
      let id = try String(contentsOfFile: "/etc/machine-id", encoding: .utf8)
      defer { try? Machine.write(id, to: "/etc/machine-id", mode: 0o444) }
      try Machine.stopService()
      // Another machine, with a user of the same id and name.
      try run("sh", "-c", "mv \(folder) /run/own; mkdir -m 700 \(folder)").expectSuccess()
      try Machine.write("0123456789abcdef0123456789abcdef\n", to: "/etc/machine-id", mode: 0o444)
      let others = try Phone.activated(users[0])
      try Machine.stopService()
      try Machine.write(id, to: "/etc/machine-id", mode: 0o444)
      try run("sh", "-c", "mv \(folder) /run/foreign; mkdir -m 700 \(folder)").expectSuccess()
      for (what, files) in [
        ("its database", "/run/foreign/state.db /run/own/sealing.key"),
        ("its key", "/run/own/state.db /run/foreign/sealing.key"), ("its folder", "/run/foreign/*"),
      ] {
        let log = try ServiceLog()
        try run("sh", "-c", "rm -f \(folder)/*; cp -p \(files) \(folder)/").expectSuccess()
        let before = try Data(contentsOf: URL(fileURLWithPath: StoredState.path))
        for answer in [
          try Factor.root.authenticate(users[0], code), try Factor.root.authenticate(users[0], others.nextCode()),
          try Factor.root.renew(users[0]), try Factor.root.activate("bob"),
        ] {
          expectRefused(answer, "Failed")
          #expect(
            answer.sentence.contains("its records do not belong to this computer and key"),
            "\(what): \(answer.sentence)")
        }
        try log.expect("sealed by another key")
        try Machine.stopService()
        #expect(try Data(contentsOf: URL(fileURLWithPath: StoredState.path)) == before)
      }
      try run("sh", "-c", "rm -rf \(folder) /run/foreign; mv /run/own \(folder)").expectSuccess()
      expectYes(try Factor.root.authenticate(users[0], phones[0].nextCode()))
    }
  }
}
