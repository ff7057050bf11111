import Foundation
import OfflineAccess
import Passcode
import Synchronization
import Testing

@testable import Store

@Suite("What the store keeps")
struct PersistenceTests {
  @Test("A user who never set up has nothing")
  func nothing() async throws {
    try await StateFixture().withStore { store throws in #expect(try await store.sample(of: alice) == nil) }
  }

  @Test("What was stored is there after closing and opening again")
  func reopened() async throws {
    let fixture = try await StateFixture.withUsers()
    try await fixture.withStore { store throws in
      #expect(try await store.sample(of: alice) == .sample(1))
      #expect(try await store.sample(of: bob) == .sample(2))
      #expect(try await store.sample(of: carol) == nil)
    }
  }

  @Test("What was answered is in the files, although the store was never closed")
  func notClosed() async throws {
    let fixture = try StateFixture()
    let copy = try StateFixture()
    try await fixture.withStore { store throws in
      try await store.enroll(alice, .sample(1))
      try FileManager.default.copyItem(atPath: fixture.folder.path, toPath: copy.folder.path)
    }
    try await copy.withStore { store throws in #expect(try await store.sample(of: alice) == .sample(1)) }
  }

  @Test("The clock's mark is one for all users and survives closing")
  func clockMark() async throws {
    let fixture = try StateFixture()
    try await fixture.withStore { store throws in
      #expect(try await store.clockMark() == 0)
      try await store.transact(alice) { $0.clockMark = 1_773_144_000 }
      #expect(try await store.clockMark(for: bob) == 1_773_144_000)
    }
    try await fixture.withStore { store throws in #expect(try await store.clockMark(for: carol) == 1_773_144_000) }
  }

  @Test("The clock's mark is kept to the second at both ends of time", arguments: [Int64.min, -1, 0, 1, .max])
  func extremeMarks(_ mark: Int64) async throws {
    let fixture = try StateFixture()
    try await fixture.withStore { try await $0.transact(alice) { $0.clockMark = mark } }
    try await fixture.withStore { store throws in #expect(try await store.clockMark() == mark) }
  }

  @Test("Assigning nil removes the record of that user alone")
  func removed() async throws {
    let fixture = try await StateFixture.withUsers()
    try await fixture.withStore { try await $0.transact(alice) { $0.enrollment = nil } }
    #expect(try fixture.sql("SELECT uid FROM enrollment") == [["1001"]])
    try await fixture.withStore { store throws in
      #expect(try await store.sample(of: alice) == nil)
      #expect(try await store.sample(of: bob) == .sample(2))
    }
  }

  @Test("A reused user id finds nothing of the user before, and does not disturb it by looking")
  func reusedID() async throws {
    let fixture = try await StateFixture.withUsers()
    let successor = UserIdentity(uid: alice.uid, name: "alicia")
    try await fixture.withStore { store throws in
      #expect(try await store.sample(of: successor) == nil)
      #expect(try await store.sample(of: alice) == .sample(1))
      try await store.enroll(successor, .sample(3))
      #expect(try await store.sample(of: successor) == .sample(3))
      #expect(try await store.sample(of: alice) == nil)
    }
    #expect(try fixture.sql("SELECT name FROM enrollment WHERE uid = 1000") == [["alicia"]])
  }

  @Test(
    "A user id at the end of its range and a name in any script are kept",
    arguments: ["x", "Ünï", "ДомЕн\\юзер", "a'b\"c;--"])
  func names(_ name: String) async throws {
    let fixture = try StateFixture()
    let user = UserIdentity(uid: .max, name: name)
    try await fixture.withStore { try await $0.enroll(user, .sample(1)) }
    try await fixture.withStore { store throws in #expect(try await store.sample(of: user) == .sample(1)) }
  }

  @Test("A transaction that changes nothing writes nothing")
  func quiet() async throws {
    let fixture = try StateFixture()
    try await fixture.withStore { store throws in
      try await store.enroll(alice, .sample(1))
      let before = try fixture.bytes(fixture.log)
      for _ in 1...10 { #expect(try await store.sample(of: alice) == .sample(1)) }
      #expect(try fixture.bytes(fixture.log) == before)
    }
  }

  @Test("The live connection has a write-ahead log and makes every commit durable")
  func durability() throws {
    let fixture = try StateFixture()
    let table = try EnrollmentTable(in: fixture.folder)
    let member = Mirror(reflecting: table).children.first { $0.label == "database" }?.value
    let database = try #require(member as? Database)
    #expect(try database.text("PRAGMA journal_mode") == "wal")
    #expect(try database.integer("PRAGMA synchronous") == 2)
    #expect(try database.integer("PRAGMA trusted_schema") == 0)
    #expect(try database.integer("PRAGMA cell_size_check") == 1)
  }

  @Test("The folder and its files are the owner's alone, whatever the process's umask")
  func modes() async throws {
    let fixture = try StateFixture()
    try await fixture.withStore { store throws in
      try await store.enroll(alice, .sample(1))
      let names = try FileManager.default.contentsOfDirectory(atPath: fixture.folder.path)
      #expect(Set(names).isSuperset(of: ["state.db", "state.db-wal", "sealing.key"]))
      for path in names.map({ fixture.folder.path + "/" + $0 }) + [fixture.folder.path] {
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode.map { $0 & 0o077 } == 0, "\(path)")
      }
    }
  }

  @Test("Nothing of a secret is readable in any file, nor of the sealing key in the database")
  func sealed() async throws {
    let fixture = try StateFixture()
    let secret = try randomSecret(count: 20).withBytes { Array($0) }
    let sample = Sample(secret: secret)
    try await fixture.withStore { store throws in
      try await store.enroll(alice, sample)
      try await store.enroll(alice, sample)
      try expectNoTrace(of: secret, in: fixture)
    }
    try expectNoTrace(of: secret, in: fixture)
    let key = try fixture.bytes(fixture.key)
    #expect(key.count == 32)
    #expect(try !Data(fixture.bytes(fixture.database)).contains(Data(key.prefix(8))))
    try await fixture.withStore { store throws in #expect(try await store.sample(of: alice) == sample) }
  }

  private func expectNoTrace(of secret: [UInt8], in fixture: StateFixture) throws {
    let hex = secret.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    let traces =
      (0...12).map { Data(secret[$0..<$0 + 8]) }
      + [Base32.encode(secret), hex, hex.uppercased(), Data(secret).base64EncodedString()].map {
        Data($0.utf8.prefix(12))
      }
    for name in try FileManager.default.contentsOfDirectory(atPath: fixture.folder.path) {
      let content = Data(try fixture.bytes(fixture.folder.path + "/" + name))
      for trace in traces { #expect(!content.contains(trace), "\(name)") }
    }
  }

  @Test("Two folders never share a key")
  func keys() async throws {
    let first = try await StateFixture.withUsers()
    let second = try await StateFixture.withUsers()
    #expect(try first.bytes(first.key) != second.bytes(second.key))
  }

  @Test("Erasing removes a record, and is content where there is none")
  func erased() async throws {
    let fixture = try await StateFixture.withUsers()
    try await fixture.withStore { store throws in
      try await store.erase(alice)
      try await store.erase(alice)
      try await store.erase(carol)
      #expect(try await store.sample(of: alice) == nil)
      #expect(try await store.sample(of: bob) == .sample(2))
    }
  }
}

extension Data {
  fileprivate func contains(_ other: Data) -> Bool { range(of: other) != nil }
}
