import Foundation
import OfflineAccess
import Store
import Testing

@Suite("An edited database")
struct TamperingTests {
  /// One edit and what alice, bob and, by the edited name or id, somebody else then get.
  struct Edit: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let sql: String
    var alice: Outcome = .damaged
    var bob: Outcome = .kept
    var other: (UserIdentity, Outcome)?

    enum Outcome: Sendable { case kept, absent, damaged, keyMismatch }

    init(
      _ description: String, _ sql: String, alice: Outcome = .damaged, bob: Outcome = .kept,
      other: (UserIdentity, Outcome)? = nil
    ) {
      testDescription = description
      self.sql = sql
      self.alice = alice
      self.bob = bob
      self.other = other
    }
  }

  private static func swap(_ column: String) -> String {
    "CREATE TEMP TABLE old AS SELECT * FROM enrollment; UPDATE enrollment SET \(column) = (SELECT \(column) FROM old "
      + "WHERE old.uid = 2001 - enrollment.uid)"
  }

  static let edits = [
    Edit(
      "the id moved to another user", "UPDATE enrollment SET uid = 1002 WHERE uid = 1000", alice: .absent,
      other: (UserIdentity(uid: 1002, name: "alice"), .damaged)),
    Edit(
      "id and name moved to another user", "UPDATE enrollment SET uid = 1002, name = 'carol' WHERE uid = 1000",
      alice: .absent, other: (carol, .damaged)),
    Edit(
      "the name edited", "UPDATE enrollment SET name = 'mallory' WHERE uid = 1000",
      other: (UserIdentity(uid: 1000, name: "mallory"), .damaged)),
    Edit("the name emptied", "UPDATE enrollment SET name = '' WHERE uid = 1000"),
    Edit("the name lengthened", "UPDATE enrollment SET name = name || 'x' WHERE uid = 1000"),
    Edit("the record emptied", "UPDATE enrollment SET record = x'' WHERE uid = 1000"),
    Edit("the record cut", "UPDATE enrollment SET record = substr(record, 1, length(record) - 1) WHERE uid = 1000"),
    Edit("the record lengthened", "UPDATE enrollment SET record = CAST(record || x'00' AS BLOB) WHERE uid = 1000"),
    Edit("zeros as the record", "UPDATE enrollment SET record = zeroblob(length(record)) WHERE uid = 1000"),
    Edit("a huge record", "UPDATE enrollment SET record = zeroblob(10000000) WHERE uid = 1000"),
    Edit(
      "another user's record",
      "UPDATE enrollment SET record = (SELECT record FROM enrollment WHERE uid = 1001) WHERE uid = 1000"),
    Edit("records swapped", swap("record"), bob: .damaged),
    Edit("names swapped", swap("name"), bob: .damaged),
    Edit(
      "the machine's state as the record",
      "UPDATE enrollment SET record = (SELECT value FROM machine WHERE item = 'state') WHERE uid = 1000"),
    Edit(
      "a record as the machine's state",
      "UPDATE machine SET value = (SELECT record FROM enrollment WHERE uid = 1000)", alice: .keyMismatch,
      bob: .keyMismatch),
    Edit("the machine's state emptied", "UPDATE machine SET value = x''", alice: .keyMismatch, bob: .keyMismatch),
    Edit(
      "zeros as the machine's state", "UPDATE machine SET value = zeroblob(length(value))", alice: .keyMismatch,
      bob: .keyMismatch),
    Edit("the machine's state renamed", "UPDATE machine SET item = 'State'", bob: .damaged),
    Edit("the machine's state deleted", "DELETE FROM machine", bob: .damaged),
    Edit("an item more", "INSERT INTO machine VALUES ('more', x'00')", alice: .kept),
    Edit("a trigger", "CREATE TRIGGER t AFTER UPDATE ON enrollment BEGIN DELETE FROM machine; END", bob: .damaged),
    Edit("a table", "CREATE TABLE t (x)", bob: .damaged),
    Edit("a view", "CREATE VIEW v AS SELECT * FROM enrollment", bob: .damaged),
    Edit("an index", "CREATE INDEX i ON enrollment (name)", bob: .damaged),
    Edit("a column", "ALTER TABLE enrollment ADD COLUMN x INT", bob: .damaged),
    Edit("a column renamed", "ALTER TABLE enrollment RENAME COLUMN record TO box", bob: .damaged),
    Edit("a table dropped", "DROP TABLE enrollment", bob: .damaged),
    Edit("another application's mark", "PRAGMA application_id = 1", bob: .damaged),
    Edit("no application's mark", "PRAGMA application_id = 0", bob: .damaged),
    Edit("no version", "PRAGMA user_version = 0", bob: .damaged),
    Edit("a negative version", "PRAGMA user_version = -1", bob: .damaged),
  ]

  private func check(_ store: SQLiteStore, _ user: UserIdentity, _ sample: Sample, _ outcome: Edit.Outcome) async throws
  {
    switch outcome {
    case .kept: #expect(try await store.sample(of: user) == sample)
    case .absent: #expect(try await store.sample(of: user) == nil)
    case .damaged: #expect(await store.failure(for: user)?.isDamage == true)
    case .keyMismatch: #expect(await store.failure(for: user) == .keyMismatch)
    }
  }

  @Test("An edit is refused by name and shuts out whom it concerns alone", arguments: edits)
  func edited(_ edit: Edit) async throws {
    let fixture = try await StateFixture.withUsers()
    try fixture.sql(edit.sql)
    let edited = try fixture.inventory()
    try await fixture.withStore { store throws in
      try await check(store, alice, .sample(1), edit.alice)
      try await check(store, bob, .sample(2), edit.bob)
      if let (user, outcome) = edit.other { try await check(store, user, .sample(1), outcome) }
    }
    #expect(try fixture.inventory() == edited)
  }

  @Test("Any single byte of a record that is changed shuts its user out")
  func flippedRecord() async throws {
    let fixture = try await StateFixture.withUsers()
    let hex = try #require(try fixture.sql("SELECT hex(record) FROM enrollment WHERE uid = 1000").first?.first)
    try await fixture.withStore { store throws in
      for index in stride(from: 0, to: hex.count / 2, by: 5) {
        var bytes = Array(hex)
        bytes[index * 2] = bytes[index * 2] == "0" ? "1" : "0"
        try fixture.sql("UPDATE enrollment SET record = x'\(String(bytes))' WHERE uid = 1000")
        #expect(await store.failure(for: alice)?.isDamage == true, "byte \(index)")
      }
      try fixture.sql("UPDATE enrollment SET record = x'\(hex)' WHERE uid = 1000")
      #expect(try await store.sample(of: alice) == .sample(1))
    }
  }

  @Test("A damaged record is named by its user id, which is no secret")
  func named() async throws {
    let fixture = try await StateFixture.withUsers()
    try fixture.sql("UPDATE enrollment SET record = x'00' WHERE uid = 1000")
    try await fixture.withStore { store throws in
      #expect(await store.failure(for: alice) == .damaged("the record of user id 1000 is not what was written"))
    }
  }

  @Test("A damaged record cannot be overwritten by a transaction, only erased")
  func erase() async throws {
    let fixture = try await StateFixture.withUsers()
    try fixture.sql("UPDATE enrollment SET record = x'00' WHERE uid = 1000")
    try await fixture.withStore { store throws in
      await #expect(throws: StoreFailure.self) { try await store.enroll(alice, .sample(3)) }
      try await store.erase(alice)
      #expect(try await store.sample(of: alice) == nil)
      try await store.enroll(alice, .sample(3))
      #expect(try await store.sample(of: alice) == .sample(3))
      #expect(try await store.sample(of: bob) == .sample(2))
    }
  }

  @Test("A database of a later version is told from a damaged one", arguments: [2, 3, 1_000_000])
  func laterVersion(_ version: Int) async throws {
    let fixture = try await StateFixture.withUsers()
    try fixture.sql("PRAGMA user_version = \(version)")
    let before = try fixture.inventory()
    try await fixture.withStore { store throws in #expect(await store.failure() == .newerVersion(version)) }
    #expect(try fixture.inventory() == before)
  }

  @Test("Records of one machine mean nothing in another's database")
  func otherDatabase() async throws {
    let here = try await StateFixture.withUsers()
    let there = try await StateFixture.withUsers()
    let record = try #require(try there.sql("SELECT hex(record) FROM enrollment WHERE uid = 1000").first?.first)
    try here.sql("UPDATE enrollment SET record = x'\(record)' WHERE uid = 1000")
    try await here.withStore { store throws in #expect(await store.failure()?.isDamage == true) }
  }
}
