import Foundation
import OfflineAccess
import Store
import Testing

@Suite("Key, machine and files gone wrong")
struct KeyAndMachineTests {
  @Test("A key that is gone is named, and none is made in its place")
  func keyGone() async throws {
    let fixture = try await StateFixture.withUsers()
    let key = try fixture.bytes(fixture.key)
    try FileManager.default.removeItem(atPath: fixture.key)
    try await fixture.withStore { store throws in
      #expect(await store.failure() == .keyMissing)
      #expect(!FileManager.default.fileExists(atPath: fixture.key))
      try fixture.make(fixture.key, key)
      #expect(try await store.sample(of: alice) == .sample(1))
    }
  }

  @Test("A key of a wrong length is named", arguments: [0, 1, 31, 33, 4096])
  func keyLength(_ count: Int) async throws {
    let fixture = try await StateFixture.withUsers()
    let key = try fixture.bytes(fixture.key)
    try fixture.write((key + [UInt8](repeating: 0, count: 4096)).prefix(count), to: fixture.key)
    try await fixture.withStore { store throws in
      #expect(await store.failure() == .damaged("\(fixture.key) does not hold 32 bytes"))
      try fixture.write(key, to: fixture.key)
      #expect(try await store.sample(of: alice) == .sample(1))
    }
  }

  @Test("Another key opens nothing", arguments: [0, 31])
  func otherKey(_ index: Int) async throws {
    let fixture = try await StateFixture.withUsers()
    var key = try fixture.bytes(fixture.key)
    key[index] ^= 1
    try fixture.write(key, to: fixture.key)
    let before = try fixture.inventory()
    try await fixture.withStore { store throws in
      #expect(await store.failure() == .keyMismatch)
      #expect(await store.failure(for: carol) == .keyMismatch)
      key[index] ^= 1
      try fixture.write(key, to: fixture.key)
      #expect(try await store.sample(of: alice) == .sample(1))
    }
    key[index] ^= 1
    try fixture.write(key, to: fixture.key)
    #expect(try fixture.inventory() == before)
  }

  @Test("Another machine's id opens nothing")
  func otherMachine() async throws {
    let fixture = try await StateFixture.withUsers()
    let id = try fixture.bytes(fixture.machineID)
    try fixture.write("0123456789abcdef0123456789abcdee\n".utf8, to: fixture.machineID)
    try await fixture.withStore { store throws in
      #expect(await store.failure() == .keyMismatch)
      try fixture.write(id, to: fixture.machineID)
      #expect(try await store.sample(of: alice) == .sample(1))
    }
  }

  @Test(
    "Without a machine id the store stays shut",
    arguments: [
      "", "\n", "uninitialized\n", "0123456789abcdef0123456789abcde\n", "0123456789ABCDEF0123456789ABCDEF\n",
      "0123456789abcdef 123456789abcdef\n",
    ])
  func noMachine(_ text: String) async throws {
    let fixture = try await StateFixture.withUsers()
    try fixture.write(text.utf8, to: fixture.machineID)
    try await fixture.withStore { store throws in
      #expect(await store.failure() == .inputOutput("\(fixture.machineID) holds no machine id"))
    }
    try FileManager.default.removeItem(atPath: fixture.machineID)
    try await fixture.withStore { store throws in
      guard case .inputOutput(let reason) = await store.failure() else {
        Issue.record("not refused")
        return
      }
      #expect(reason.hasPrefix(fixture.machineID))
    }
  }

  @Test("A database that is gone while its key is there is no first start")
  func databaseGone() async throws {
    let fixture = try await StateFixture.withUsers()
    let database = try fixture.bytes(fixture.database)
    try FileManager.default.removeItem(atPath: fixture.database)
    try await fixture.withStore { store throws in
      #expect(await store.failure() == .damaged("\(fixture.database) is gone although its key is there"))
      #expect(!FileManager.default.fileExists(atPath: fixture.database))
      try fixture.make(fixture.database, database)
      #expect(try await store.sample(of: alice) == .sample(1))
    }
  }

  @Test(
    "A database cut at any length is refused and not written to, and serves again once it is whole",
    arguments: [0, 1, 15, 16, 99, 100, 4095, 4096, 4097, 8192, 12_200])
  func databaseCut(_ count: Int) async throws {
    let fixture = try await StateFixture.withUsers()
    let database = try fixture.bytes(fixture.database)
    try #require(database.count == 12_288)
    try fixture.write(database.prefix(count), to: fixture.database)
    try await fixture.withStore { store throws in
      let failure = await store.failure()
      // Cut inside the machine's state it looks like one that another key sealed.
      #expect(failure?.isDamage == true || failure == .keyMismatch)
      #expect(try fixture.bytes(fixture.database) == Array(database.prefix(count)))
      try? FileManager.default.removeItem(atPath: fixture.log)
      try fixture.write(database, to: fixture.database)
      #expect(try await store.sample(of: alice) == .sample(1))
    }
  }

  @Test("A database exchanged while the store is in use counts from then on, with nothing of the other's log in it")
  func exchanged() async throws {
    let fixture = try await StateFixture.withUsers()
    let backup = try fixture.bytes(fixture.database)
    try await fixture.withStore { store throws in
      // Opens the database, and leaves the copy as new as the original.
      #expect(try await store.sample(of: alice) == .sample(1))
      try fixture.make(fixture.root + "/backup", backup)
      try #require(rename(fixture.root + "/backup", fixture.database) == 0)
      #expect(try await store.sample(of: alice) == .sample(1))
      try await store.enroll(bob, .sample(4))
      // What a power cut would leave.
      let copy = try StateFixture()
      try FileManager.default.copyItem(atPath: fixture.folder.path, toPath: copy.folder.path)
      try await copy.withStore { store throws in
        #expect(try await store.sample(of: alice) == .sample(1))
        #expect(try await store.sample(of: bob) == .sample(4))
      }
    }
    #expect(try fixture.sql("PRAGMA integrity_check") == [["ok"]])
    try await fixture.withStore { store throws in #expect(try await store.sample(of: bob) == .sample(4)) }
  }

  @Test("A log that is removed while the store is in use loses nothing")
  func logRemoved() async throws {
    let fixture = try await StateFixture.withUsers()
    try await fixture.withStore { store throws in
      try await store.enroll(alice, .sample(3))
      try FileManager.default.removeItem(atPath: fixture.log)
      #expect(try await store.sample(of: alice) == .sample(3))
      try await store.enroll(bob, .sample(4))
      let copy = try StateFixture()
      try FileManager.default.copyItem(atPath: fixture.folder.path, toPath: copy.folder.path)
      try await copy.withStore { store throws in
        #expect(try await store.sample(of: alice) == .sample(3))
        #expect(try await store.sample(of: bob) == .sample(4))
      }
    }
  }

  @Test("A database that goes away while the store is in use is missed at the next call")
  func goneMeanwhile() async throws {
    let fixture = try await StateFixture.withUsers()
    try await fixture.withStore { store throws in
      #expect(try await store.sample(of: alice) == .sample(1))
      try FileManager.default.removeItem(atPath: fixture.database)
      #expect(await store.failure() == .damaged("\(fixture.database) is gone although its key is there"))
    }
  }

  @Test("Something else in the database's place is damage", arguments: [16, 4096, 100_000])
  func garbage(_ count: Int) async throws {
    let fixture = try await StateFixture.withUsers()
    let garbage = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 7) }
    try fixture.write(garbage, to: fixture.database)
    try await fixture.withStore { store throws in
      #expect(await store.failure()?.isDamage == true)
      #expect(try fixture.bytes(fixture.database) == garbage)
    }
  }

  @Test(
    "Another program's database is refused",
    arguments: ["CREATE TABLE t (x)", "PRAGMA user_version = 1", "PRAGMA application_id = 7; CREATE TABLE t (x)"])
  func foreignDatabase(_ sql: String) async throws {
    let fixture = try StateFixture()
    try FileManager.default.createDirectory(
      atPath: fixture.folder.path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    try fixture.make(fixture.database, [])
    try fixture.sql(sql)
    try await fixture.withStore { store throws in
      #expect(await store.failure() == .damaged("not a database of offline access"))
    }
    #expect(!FileManager.default.fileExists(atPath: fixture.key))
  }

  @Test("A first start that ended between its steps is finished by the next")
  func interruptedFirstStart() async throws {
    let steps: [(StateFixture) throws -> Void] = [
      // The folder is there and nothing else.
      {
        try FileManager.default.removeItem(atPath: $0.database); try FileManager.default.removeItem(atPath: $0.key)
      },
      // The database was made, its tables were not.
      {
        try $0.write([], to: $0.database); try FileManager.default.removeItem(atPath: $0.key)
      },
      // The tables were made, the key was not.
      {
        try $0.sql("DELETE FROM machine"); try FileManager.default.removeItem(atPath: $0.key)
      },
      // The key was half written beside its name.
      {
        try $0.sql("DELETE FROM machine"); try FileManager.default.moveItem(atPath: $0.key, toPath: $0.key + ".new")
      },
      // The key was made, the machine's state was not.
      { try $0.sql("DELETE FROM machine") },
    ]
    for (index, step) in steps.enumerated() {
      let fixture = try StateFixture()
      try await fixture.withStore { store throws in #expect(try await store.sample(of: alice) == nil) }
      try step(fixture)
      try await fixture.withStore { store throws in
        #expect(await store.failure() == nil, "step \(index)")
        try await store.enroll(alice, .sample(1))
      }
      try await fixture.withStore { store throws in
        #expect(try await store.sample(of: alice) == .sample(1), "step \(index)")
      }
      #expect(!FileManager.default.fileExists(atPath: fixture.key + ".new"))
    }
  }
}
