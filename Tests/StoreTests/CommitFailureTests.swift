import CSQLite
import Foundation
import OfflineAccess
import Testing

@testable import Store

@Suite("A change that cannot be made durable")
struct CommitFailureTests {
  /// No file may grow beyond `size` bytes from now on; in a process of its own only.
  private static func limitFiles(to size: rlim_t) {
    signal(SIGXFSZ, SIG_IGN)
    var limit = rlimit(rlim_cur: size, rlim_max: rlim_t.max)
    setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
  }

  @Test("It is refused, nothing of it remains, and the same store works again once there is room")
  func noRoom() async {
    await #expect(processExitsWith: .success) {
      let fixture = try StateFixture()
      let store = SQLiteStore(folder: fixture.folder)
      try await store.enroll(alice, .sample(1))
      try await store.transact(alice) { $0.clockMark = 100 }

      CommitFailureTests.limitFiles(to: 1)
      for _ in 1...3 {
        let failure = await #expect(throws: StoreFailure.self) {
          try await store.transact(alice) { state in
            state.enrollment?.grant.used = 7
            state.clockMark = 200
          }
        }
        #expect(failure?.isDamage == false)
      }

      CommitFailureTests.limitFiles(to: .max)
      #expect(try await store.sample(of: alice) == .sample(1))
      #expect(try await store.clockMark() == 100)
      try await store.transact(alice) { $0.enrollment?.grant.used = 8 }
      store.close()
      try await fixture.withStore { store throws in #expect(try await store.sample(of: alice)?.grant.used == 8) }
    }
  }

  @Test(
    "A first start without room leaves nothing that the next would refuse", arguments: [0, 1, 5000, 40_000] as [UInt])
  func firstStart(_ size: UInt) async {
    await #expect(processExitsWith: .success) { [size] in
      let fixture = try StateFixture()
      let store = SQLiteStore(folder: fixture.folder)
      CommitFailureTests.limitFiles(to: rlim_t(size))
      await #expect(throws: StoreFailure.self) {
        for number in 0..<200 as Range<UInt8> { try await store.enroll(alice, .sample(number)) }
      }
      CommitFailureTests.limitFiles(to: .max)
      try await store.enroll(alice, .sample(3))
      store.close()
      try await fixture.withStore { store throws in #expect(try await store.sample(of: alice) == .sample(3)) }
    }
  }

  @Test("Full and read-only disks are told by name, whoever notices")
  func causes() {
    for (code, failure) in [(SQLITE_FULL, StoreFailure.diskFull), (SQLITE_READONLY, .readOnly)] {
      #expect(Database.failure(code, nil) == failure)
    }
    #expect(Database.failure(SQLITE_READONLY | 1 << 8, nil) == .readOnly)
    #expect(Database.failure(SQLITE_CORRUPT, nil).isDamage)
    #expect(Database.failure(SQLITE_NOTADB, nil).isDamage)
    #expect(StateFolder.failure(ENOSPC, "/x") == .diskFull)
    #expect(StateFolder.failure(EDQUOT, "/x") == .diskFull)
    #expect(StateFolder.failure(EROFS, "/x") == .readOnly)
    #expect(StateFolder.failure(EACCES, "/x") == .inputOutput("/x: Permission denied"))
  }

  @Test("A database that another program holds locked is waited for, then served")
  func locked() async throws {
    let fixture = try await StateFixture.withUsers()
    var other: OpaquePointer?
    defer { sqlite3_close_v2(other) }
    try #require(sqlite3_open_v2(fixture.database, &other, SQLITE_OPEN_READWRITE, nil) == SQLITE_OK)
    try #require(sqlite3_exec(other, "BEGIN IMMEDIATE", nil, nil, nil) == SQLITE_OK)
    try await fixture.withStore { store throws in
      async let change: Void = store.transact(alice) { $0.enrollment?.grant.used = 9 }
      try #require(sqlite3_exec(other, "ROLLBACK", nil, nil, nil) == SQLITE_OK)
      try await change
      #expect(try await store.sample(of: alice)?.grant.used == 9)
    }
  }
}
