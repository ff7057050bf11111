import CSQLite
import Foundation
import OfflineAccess
import Store
import Synchronization
import Testing

@Suite("What a call costs does not depend on how many users there are")
struct ManyUsersTests {
  @Test("opening, a question, a failure and a yes take the same steps with 100,000 users as with one")
  func steps() async throws {
    let fixture = try StateFixture()
    try await fixture.withStore { store throws in try await store.enroll(alice, .sample(1)) }
    let one = try await work(in: fixture)
    try fixture.sql(
      "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 100000) "
        + "INSERT INTO enrollment SELECT 100000 + n, 'user' || n, randomblob(150) FROM number")
    #expect(try fixture.sql("SELECT count(*) FROM enrollment") == [["100001"]])
    let many = try await work(in: fixture)
    #expect(one.count == 4 && many.count == 4)
    for (name, few) in one {
      let all = try #require(many[name])
      #expect(few.steps > 20 && all.steps == few.steps, "\(name): \(few.steps) and \(all.steps) steps of SQLite")
      #expect(all.scanned == few.scanned, "\(name): \(few.scanned) and \(all.scanned) rows looked through")
      // The way to a row is longer by the levels of its tree, which are three at most.
      #expect(all.pages <= few.pages + 3, "\(name): \(few.pages) and \(all.pages) pages read")
    }
  }

  /// What SQLite did for each kind of transaction.
  private func work(in fixture: StateFixture) async throws -> [String: Work] {
    let meter = Meter(database: fixture.database)
    defer { meter.stop() }
    var found: [String: Work] = [:]
    try await fixture.withStore { store throws in
      _ = try await store.sample(of: alice)
      found["opening"] = meter.take()
      _ = try await store.sample(of: alice)
      found["a question"] = meter.take()
      try await store.transact(alice) { state in state.enrollment?.failures.count += 1 }
      found["a failure"] = meter.take()
      try await store.transact(alice) { state in
        state.enrollment?.failures.count = 0
        state.clockMark += 30
      }
      found["a yes"] = meter.take()
    }
    return found
  }
}

private struct Work {
  var steps = 0
  var scanned = 0
  var pages = 0
}

/// Counts what SQLite does on the connections to one database, from their opening on.
private final class Meter: Sendable {
  private static let meters = Mutex<[String: Meter]>([:])
  private let database: String
  private let work = Mutex(Work())

  init(database: String) {
    self.database = database
    // SQLite calls this at each opening in this process, those of tests beside this one too.
    let opened: @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?, UnsafeRawPointer?) -> Int32 = {
      handle, _, _ in
      let path = sqlite3_db_filename(handle, "main").map { String(cString: $0) } ?? ""
      if let meter = Meter.meters.withLock({ meters in meters.first { path.hasSuffix($0.key) }?.value }) {
        meter.watch(handle)
      }
      return SQLITE_OK
    }
    Self.meters.withLock { $0[database] = self }
    sqlite3_auto_extension(unsafeBitCast(opened, to: (@convention(c) () -> Void).self))
  }

  func stop() { _ = Self.meters.withLock { $0.removeValue(forKey: database) } }

  /// What was done since the last look.
  func take() -> Work {
    work.withLock { work in
      defer { work = Work() }
      return work
    }
  }

  private func watch(_ handle: OpaquePointer?) {
    sqlite3_trace_v2(
      handle, UInt32(SQLITE_TRACE_PROFILE),
      { _, context, statement, _ in
        if let context {
          Unmanaged<Meter>.fromOpaque(context).takeUnretainedValue().add(statement.map { OpaquePointer($0) })
        }
        return 0
      }, Unmanaged.passRetained(self).toOpaque())
  }

  private func add(_ statement: OpaquePointer?) {
    var (pages, highest): (Int32, Int32) = (0, 0)
    sqlite3_db_status(sqlite3_db_handle(statement), SQLITE_DBSTATUS_CACHE_MISS, &pages, &highest, 1)
    work.withLock { work in
      work.steps += Int(sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 1))
      work.scanned += Int(sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_FULLSCAN_STEP, 1))
      work.pages += Int(pages)
    }
  }
}
