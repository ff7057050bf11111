import CSQLite
import Foundation
import OfflineAccess
import Store

let alice = UserIdentity(uid: 1000, name: "alice")
let bob = UserIdentity(uid: 1001, name: "bob")
let carol = UserIdentity(uid: 1002, name: "carol")

/// Whether this process may give files away.
let isRoot = geteuid() == 0

/// A state folder and a machine id of its own, gone with it.
final class StateFixture: Sendable {
  let root: String
  let folder: StateFolder

  var database: String { folder.path + "/state.db" }
  var log: String { database + "-wal" }
  var key: String { folder.path + "/sealing.key" }
  var generation: String { folder.path + "/generation" }
  var machineID: String { folder.machineIDFile }

  init() throws {
    root = FileManager.default.temporaryDirectory.path + "/offline-access-store-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    folder = StateFolder(path: root + "/state", machineIDFile: root + "/machine-id")
    try Data("0123456789abcdef0123456789abcdef\n".utf8).write(to: URL(fileURLWithPath: machineID))
  }

  deinit { try? FileManager.default.removeItem(atPath: root) }

  /// Opens a store for the time of `body`.
  func withStore<R>(
    report: @escaping @Sendable (StoreFailure) -> Void = { _ in }, _ body: (SQLiteStore) async throws -> R
  ) async throws -> R {
    let store = SQLiteStore(folder: folder, report: report)
    defer { store.close() }
    return try await body(store)
  }

  /// A folder in which alice and bob have a factor each, and no store is open.
  static func withUsers() async throws -> StateFixture {
    let fixture = try StateFixture()
    try await fixture.withStore { store throws in
      try await store.enroll(alice, .sample(1))
      try await store.enroll(bob, .sample(2))
    }
    return fixture
  }

  func bytes(_ path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) }

  func write(_ bytes: some Sequence<UInt8>, to path: String) throws {
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    defer { try? file.close() }
    try file.truncate(atOffset: 0)
    try file.write(contentsOf: Data(bytes))
  }

  /// Makes a private file.
  func make(_ path: String, _ bytes: [UInt8]) throws {
    let made = FileManager.default.createFile(
      atPath: path, contents: Data(bytes), attributes: [.posixPermissions: 0o600])
    guard made else { throw POSIXError(.EIO) }
  }

  /// What is told of a file.
  struct Entry: Equatable {
    let mode: mode_t
    let owner: uid_t
    let links: nlink_t
    let content: [UInt8]
  }

  /// Every file of the folder.
  func inventory() throws -> [String: Entry] {
    var inventory: [String: Entry] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
      let path = folder.path + "/" + name
      var status = stat()
      guard lstat(path, &status) == 0 else { throw POSIXError(.EIO) }
      let content = status.st_mode & S_IFMT == S_IFREG ? try bytes(path) : []
      inventory[name] = Entry(mode: status.st_mode, owner: status.st_uid, links: status.st_nlink, content: content)
    }
    return inventory
  }

  /// Runs SQL on the database as somebody with another program would.
  ///
  /// - Returns: the rows, their columns as text.
  @discardableResult
  func sql(_ text: String) throws -> [[String]] {
    var handle: OpaquePointer?
    defer { sqlite3_close_v2(handle) }
    guard sqlite3_open_v2(database, &handle, SQLITE_OPEN_READWRITE, nil) == SQLITE_OK else { throw SQLError("open") }
    let rows = Rows()
    let code = sqlite3_exec(
      handle, text,
      { rows, count, values, _ in
        let row = (0..<Int(count)).map { values?[$0].map { String(cString: $0) } ?? "NULL" }
        if let rows { Unmanaged<Rows>.fromOpaque(rows).takeUnretainedValue().all.append(row) }
        return 0
      }, Unmanaged.passUnretained(rows).toOpaque(), nil)
    guard code == SQLITE_OK else { throw SQLError(String(cString: sqlite3_errmsg(handle))) }
    return rows.all
  }

  private final class Rows { var all: [[String]] = [] }
  struct SQLError: Error {
    let message: String
    init(_ message: String) { self.message = message }
  }
}

extension SQLiteStore {
  func enroll(_ user: UserIdentity, _ sample: Sample) async throws(StoreFailure) {
    try await transact(user) { state in state.enrollment = sample.enrollment(of: user) }
  }

  func sample(of user: UserIdentity) async throws(StoreFailure) -> Sample? {
    try await transact(user) { state in state.enrollment.map(Sample.init) }
  }

  func clockMark(for user: UserIdentity = alice) async throws(StoreFailure) -> Int64 {
    try await transact(user) { $0.clockMark }
  }

  /// Why reading `user` fails; nil when it does not.
  func failure(for user: UserIdentity = alice) async -> StoreFailure? {
    do throws(StoreFailure) {
      _ = try await sample(of: user)
      return nil
    } catch {
      return error
    }
  }
}

/// An enrollment's content, comparable.
struct Sample: Equatable, Sendable {
  var secret: [UInt8]
  var digits = 6
  var movement = PasscodeFactor.Movement.counter(next: 0)
  var grant = Grant(day: Day(year: 2026, month: 3, day: 10))
  var failures = Failures()

  /// A factor with a secret that is told from any other.
  static func sample(_ number: UInt8) -> Sample {
    Sample(secret: (0..<20).map { number &* 37 &+ $0 &* 11 &+ 5 })
  }

  func enrollment(of user: UserIdentity) -> Enrollment {
    Enrollment(
      user: user, factor: .passcode(PasscodeFactor(secret: Secret(secret), digits: digits, movement: movement)),
      grant: grant, failures: failures)
  }
}

extension Sample {
  init(_ enrollment: Enrollment) {
    guard case .passcode(let factor) = enrollment.factor else { fatalError("not a passcode") }
    self.init(
      secret: factor.secret.withBytes { Array($0) }, digits: factor.digits, movement: factor.movement,
      grant: enrollment.grant, failures: enrollment.failures)
  }
}

extension StoreFailure {
  var isDamage: Bool { if case .damaged = self { true } else { false } }
  var isUnsafe: Bool { if case .unsafe = self { true } else { false } }
}
