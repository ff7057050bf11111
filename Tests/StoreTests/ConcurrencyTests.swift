import Dispatch
import Foundation
import OfflineAccess
import Passcode
import Store
import Synchronization
import Testing

@Suite("Many at once")
struct ConcurrencyTests {
  /// Days of UTC, for limits that count none.
  private struct NoCalendar: LocalCalendar {
    func day(at unixTime: Int64) -> Day { Day(number: Int(unixTime / 86_400)) }
    func end(of day: Day) -> Int64 { Int64(day.number + 1) * 86_400 }
  }

  private static let circumstances = Circumstances(
    policy: Policy(), moment: Moment(unixTime: 1_773_144_000, uptime: 0), calendar: NoCalendar())

  /// The first code of RFC 4226, appendix D.
  private static let token = Sample(secret: Array("12345678901234567890".utf8))
  private static let code = "755224"

  private func authenticate(_ store: SQLiteStore, _ user: UserIdentity) async throws(StoreFailure) -> Refusal.Reason? {
    let circumstances = Self.circumstances
    return try await store.transact(user) { state in
      do throws(Refusal) {
        _ = try state.authenticate(response: Self.code, purpose: .login, in: circumstances, by: HMACPasscode())
        return nil
      } catch {
        return error.reason
      }
    }
  }

  @Test("Of 64 calls with the same code exactly one gets a yes, and one login is drawn", arguments: 1...3)
  func sameCode(_ round: Int) async throws {
    let fixture = try StateFixture()
    try await fixture.withStore { store throws in
      try await store.enroll(alice, Self.token)
      let answers = try await withThrowingTaskGroup(of: Refusal.Reason?.self) { group in
        for _ in 0..<64 { group.addTask { try await authenticate(store, alice) } }
        return try await group.reduce(into: [Refusal.Reason?]()) { $0.append($1) }
      }
      #expect(answers.count { $0 == nil } == 1)
      #expect(answers.count { $0 == .responseReplayed } == 63)
    }
    try await fixture.withStore { store throws in
      let sample = try await store.sample(of: alice)
      #expect(sample?.grant.used == 1)
      #expect(sample?.movement == .counter(next: 1))
      #expect(sample?.failures == Failures())
    }
  }

  @Test("Of 64 users with a code each all get a yes")
  func manyUsers() async throws {
    let fixture = try StateFixture()
    try await fixture.withStore { store throws in
      let users = (0..<64).map { UserIdentity(uid: 3000 + $0, name: "user\($0)") }
      let answers = try await withThrowingTaskGroup(of: Refusal.Reason?.self) { group in
        for user in users {
          group.addTask {
            try await store.enroll(user, Self.token)
            return try await authenticate(store, user)
          }
        }
        return try await group.reduce(into: [Refusal.Reason?]()) { $0.append($1) }
      }
      #expect(answers.allSatisfy { $0 == nil })
    }
  }

  @Test("A thousand transactions over many users are all kept, in each user's order")
  func thousand() async throws {
    let fixture = try StateFixture()
    let users = (0..<20).map { UserIdentity(uid: 3000 + $0, name: "user\($0)") }
    try await fixture.withStore { store throws in
      for user in users { try await store.enroll(user, Self.token) }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for user in users {
          for _ in 0..<50 {
            group.addTask { try await store.transact(user) { state in state.enrollment?.grant.used += 1 } }
          }
        }
        try await group.waitForAll()
      }
    }
    try await fixture.withStore { store throws in
      for user in users { #expect(try await store.sample(of: user)?.grant.used == 50) }
    }
  }

  @Test("The clock's mark of one call is what the next call in the same commit finds")
  func clockMark() async throws {
    let fixture = try StateFixture()
    try await fixture.withStore { store throws in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for uid in 0..<200 as Range<UInt32> {
          group.addTask { try await store.transact(UserIdentity(uid: uid, name: "u")) { $0.clockMark += 1 } }
        }
        try await group.waitForAll()
      }
    }
    try await fixture.withStore { store throws in #expect(try await store.clockMark() == 200) }
  }

  @Test("One change makes one commit")
  func alone() async throws {
    let fixture = try StateFixture()
    try await fixture.withStore { store throws in
      try await store.enroll(alice, .sample(1))
      let before = try commits(fixture)
      for _ in 1...5 { try await store.transact(alice) { $0.enrollment?.grant.used += 1 } }
      #expect(try commits(fixture) - before == 5)
    }
  }

  @Test("Changes that wait for a commit share the next one")
  func grouped() async throws {
    let fixture = try StateFixture()
    let users = (0..<64).map { UserIdentity(uid: 3000 + $0, name: "user\($0)") }
    try await fixture.withStore { store throws in
      try await store.enroll(alice, .sample(1))
      let before = try commits(fixture)
      try await hold(store) {
        for user in users { $0.addTask { try await store.enroll(user, .sample(2)) } }
      }
      // One for what held the store up, one for what waited; what came as it was let go may need more.
      let made = try commits(fixture) - before
      #expect((2...8).contains(made), "\(made) commits")
      for user in users { #expect(try await store.sample(of: user) == .sample(2)) }
    }
  }

  @Test("A damaged record fails alone, whoever shares its commit")
  func damagedAmongOthers() async throws {
    let fixture = try await StateFixture.withUsers()
    try fixture.sql("UPDATE enrollment SET record = x'00' WHERE uid = 1000")
    let told = Told()
    try await fixture.withStore(report: { told.add($0) }) { store throws in
      try await hold(store) { group in
        for _ in 0..<10 {
          group.addTask { #expect(await store.failure(for: alice)?.isDamage == true) }
          group.addTask { try await store.transact(bob) { $0.enrollment?.grant.used += 1 } }
        }
      }
      #expect(try await store.sample(of: bob)?.grant.used == 10)
    }
    #expect(!told.all.isEmpty)
    #expect(told.all.allSatisfy { $0.isDamage })
  }

  /// Holds the store's thread up until every task that `add` adds to the group has started.
  private func hold(
    _ store: SQLiteStore, _ add: (inout CountedGroup) -> Void
  ) async throws {
    let held = DispatchSemaphore(value: 0)
    let (started, start) = AsyncStream.makeStream(of: Void.self)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        // Where the store refuses, nobody is held up and nobody may wait for it.
        defer { start.finish() }
        try await store.transact(carol) { state in
          start.yield()
          held.wait()
          state.clockMark += 1
        }
      }
      var iterator = started.makeAsyncIterator()
      await iterator.next()
      var counted = CountedGroup()
      add(&counted)
      for operation in counted.operations {
        group.addTask {
          start.yield()
          try await operation()
        }
      }
      for _ in counted.operations { await iterator.next() }
      held.signal()
      try await group.waitForAll()
    }
  }

  private struct CountedGroup {
    var operations: [@Sendable () async throws -> Void] = []
    mutating func addTask(_ operation: @escaping @Sendable () async throws -> Void) { operations.append(operation) }
  }

  /// Commits in the write-ahead log: frames that tell a size of the database (sqlite.org/fileformat2.html, 4.1).
  private func commits(_ fixture: StateFixture) throws -> Int {
    let log = try fixture.bytes(fixture.log)
    func number(at offset: Int) -> Int { log[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) } }
    let frame = 24 + number(at: 8)
    return stride(from: 32, to: log.count - frame + 1, by: frame).count { offset in
      log[offset + 8..<offset + 16] == log[16..<24] && number(at: offset + 4) != 0
    }
  }
}
