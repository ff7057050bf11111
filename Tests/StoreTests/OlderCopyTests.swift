import Foundation
import OfflineAccess
import Testing

@testable import Store

@Suite("An older copy of the database")
struct OlderCopyTests {
  /// A folder whose database was copied, then changed; the copy's bytes.
  private func outdated() async throws -> (StateFixture, copy: [UInt8]) {
    let fixture = try await StateFixture.withUsers()
    let copy = try fixture.bytes(fixture.database)
    try await fixture.withStore { try await $0.enroll(alice, .sample(3)) }
    return (fixture, copy)
  }

  @Test("It is told from the present one for every user, and is not written to; the present one serves again")
  func alone() async throws {
    let (fixture, copy) = try await outdated()
    let present = try fixture.bytes(fixture.database)
    try fixture.write(copy, to: fixture.database)
    try await fixture.withStore { store throws in
      for user in [alice, bob, carol] { #expect(await store.failure(for: user) == .olderCopy(found: 2, reached: 3)) }
      await #expect(throws: StoreFailure.olderCopy(found: 2, reached: 3)) { try await store.enroll(bob, .sample(4)) }
      await #expect(throws: StoreFailure.olderCopy(found: 2, reached: 3)) { try await store.erase(bob) }
      #expect(try fixture.bytes(fixture.database) == copy)
      try fixture.write(present, to: fixture.database)
      #expect(try await store.sample(of: alice) == .sample(3))
    }
  }

  @Test("It is told while the store is in use, put in place by a rename or written over the present one")
  func inUse() async throws {
    for renames in [true, false] {
      let (fixture, copy) = try await outdated()
      try await fixture.withStore { store throws in
        try await store.enroll(bob, .sample(4))
        if renames {
          try fixture.make(fixture.root + "/copy", copy)
          try #require(rename(fixture.root + "/copy", fixture.database) == 0)
        } else {
          // Another program's way to go back: SQLite itself is content with it.
          try fixture.sql("DELETE FROM machine; PRAGMA wal_checkpoint(TRUNCATE)")
        }
        let failure = await store.failure()
        #expect(failure == (renames ? .olderCopy(found: 2, reached: 4) : .damaged("the machine's state is gone")))
      }
    }
  }

  @Test("A log that is lost after a crash makes the database an older one")
  func lostLog() async throws {
    let fixture = try await StateFixture.withUsers()
    let crashed = try StateFixture()
    try await fixture.withStore { store throws in
      try await store.enroll(alice, .sample(3))
      try FileManager.default.copyItem(atPath: fixture.folder.path, toPath: crashed.folder.path)
    }
    try FileManager.default.removeItem(atPath: crashed.log)
    try await crashed.withStore { store throws in #expect(await store.failure() == .olderCopy(found: 2, reached: 3)) }
  }

  @Test("Emptied tables are commit 0, and older than any other")
  func emptied() async throws {
    let fixture = try await StateFixture.withUsers()
    try fixture.sql("DELETE FROM machine; DELETE FROM enrollment")
    try await fixture.withStore { store throws in #expect(await store.failure() == .olderCopy(found: 0, reached: 2)) }
  }

  @Test("A generation behind the database is what a power cut leaves: served, and caught up by the next commit")
  func behind() async throws {
    let fixture = try await StateFixture.withUsers()
    let earlier = try fixture.bytes(fixture.generation)
    let copy = try fixture.bytes(fixture.database)
    try await fixture.withStore { store throws in
      for number in 3..<6 as Range<UInt8> { try await store.enroll(alice, .sample(number)) }
    }
    try fixture.write(earlier, to: fixture.generation)
    try await fixture.withStore { store throws in
      #expect(try await store.sample(of: alice) == .sample(5))
      try await store.enroll(bob, .sample(6))
    }
    try fixture.write(copy, to: fixture.database)
    try await fixture.withStore { store throws in #expect(await store.failure() == .olderCopy(found: 2, reached: 6)) }
  }

  @Test("A slot that was torn in writing costs one step back, and both refuse", arguments: [0, 1])
  func torn(_ slot: Int) async throws {
    let fixture = try await StateFixture.withUsers()
    var content = try fixture.bytes(fixture.generation)
    try #require(content.count == 1024)
    let whole = content
    content[slot * 512 + 20] ^= 1
    try fixture.write(content, to: fixture.generation)
    try await fixture.withStore { store throws in #expect(try await store.sample(of: alice) == .sample(1)) }
    content[(1 - slot) * 512 + 20] ^= 1
    try fixture.write(content, to: fixture.generation)
    try await fixture.withStore { store throws in
      #expect(await store.failure() == .damaged("\(fixture.generation) does not hold what was written"))
      try fixture.write(whole, to: fixture.generation)
      #expect(try await store.sample(of: alice) == .sample(1))
    }
  }

  @Test("A generation that is gone, empty or another machine's is named and not made anew")
  func unusable() async throws {
    let fixture = try await StateFixture.withUsers()
    let other = try await StateFixture.withUsers()
    let content = try fixture.bytes(fixture.generation)
    try await fixture.withStore { store throws in
      #expect(try await store.sample(of: alice) == .sample(1))
      try FileManager.default.removeItem(atPath: fixture.generation)
      #expect(await store.failure() == .damaged("\(fixture.generation) is gone although the key is there"))
      #expect(!FileManager.default.fileExists(atPath: fixture.generation))
      for wrong in [[], try other.bytes(other.generation)] {
        try fixture.make(fixture.generation, wrong)
        #expect(await store.failure() == .damaged("\(fixture.generation) does not hold what was written"))
        try FileManager.default.removeItem(atPath: fixture.generation)
      }
      try fixture.make(fixture.generation, content)
      #expect(try await store.sample(of: alice) == .sample(1))
    }
  }

  @Test("The whole folder of an earlier time is not told: nothing in it could")
  func wholeFolder() async throws {
    let fixture = try await StateFixture.withUsers()
    let backup = try StateFixture()
    try FileManager.default.copyItem(atPath: fixture.folder.path, toPath: backup.folder.path)
    try await fixture.withStore { try await $0.enroll(alice, .sample(3)) }
    try await backup.withStore { store throws in #expect(try await store.sample(of: alice) == .sample(1)) }
  }

  @Test("Every change counts one commit, looking counts none")
  func counted() async throws {
    let fixture = try StateFixture()
    try await fixture.withStore { store throws in
      try await store.enroll(alice, .sample(1))
      try await store.transact(bob) { $0.clockMark = 7 }
      try await store.erase(alice)
      for _ in 0..<5 { #expect(try await store.sample(of: alice) == nil) }
    }
    let table = try EnrollmentTable(in: fixture.folder)
    let file = GenerationFile(
      in: fixture.folder, sealer: Sealer(key: try fixture.folder.readKey()),
      machineID: try fixture.folder.readMachineID())
    #expect(try file.read() == 3)
    withExtendedLifetime(table) {}
  }
}
