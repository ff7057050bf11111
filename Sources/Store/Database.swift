import CSQLite
import Glibc
import OfflineAccess

/// A SQLite connection, used by one thread at a time.
final class Database {
  private let handle: OpaquePointer

  /// Opens the database at `path`; an empty file is an empty database.
  init(path: String) throws(StoreFailure) {
    var handle: OpaquePointer?
    let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE
    let code = sqlite3_open_v2(path, &handle, flags, nil)
    guard code == SQLITE_OK, let handle else {
      let failure = Self.failure(code, handle)
      sqlite3_close_v2(handle)
      throw failure
    }
    self.handle = handle
    sqlite3_extended_result_codes(handle, 1)
    // A second instance exists for a moment when one ends while a new one starts.
    sqlite3_busy_timeout(handle, 5000)
  }

  deinit { sqlite3_close_v2(handle) }

  func execute(_ sql: String) throws(StoreFailure) {
    let code = sqlite3_exec(handle, sql, nil, nil, nil)
    guard code == SQLITE_OK else { throw Self.failure(code, handle) }
  }

  /// The integer that `sql` selects.
  func integer(_ sql: String) throws(StoreFailure) -> Int64 {
    try Statement(self, sql).query { $0.integer(0) } ?? 0
  }

  /// The text that `sql` selects.
  func text(_ sql: String) throws(StoreFailure) -> String {
    try Statement(self, sql).query { $0.text(0) } ?? ""
  }

  /// Ends a transaction that could not be committed; SQLite may have done so itself.
  func rollBack() {
    if sqlite3_get_autocommit(handle) == 0 { sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
  }

  /// A prepared statement, kept for the life of the connection.
  final class Statement {
    private let database: Database
    private let statement: OpaquePointer

    init(_ database: Database, _ sql: String) throws(StoreFailure) {
      var statement: OpaquePointer?
      let code = sqlite3_prepare_v3(database.handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
      guard code == SQLITE_OK, let statement else { throw Database.failure(code, database.handle) }
      self.database = database
      self.statement = statement
    }

    deinit { sqlite3_finalize(statement) }

    enum Value {
      case integer(Int64)
      case text(String)
      case blob([UInt8])
    }

    /// Runs with `values`; `row` reads the first row, if there is one.
    @discardableResult
    func query<R>(_ values: [Value] = [], row: (borrowing Row) -> R) throws(StoreFailure) -> R? {
      defer {
        sqlite3_reset(statement)
        sqlite3_clear_bindings(statement)
      }
      // SQLITE_TRANSIENT: SQLite copies what it is given.
      let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
      for (index, value) in values.enumerated() {
        let position = Int32(index + 1)
        let code =
          switch value {
          case .integer(let number): sqlite3_bind_int64(statement, position, number)
          case .text(let text): sqlite3_bind_text(statement, position, text, Int32(text.utf8.count), transient)
          case .blob(let bytes): sqlite3_bind_blob(statement, position, bytes, Int32(bytes.count), transient)
          }
        guard code == SQLITE_OK else { throw Database.failure(code, database.handle) }
      }
      switch sqlite3_step(statement) {
      case SQLITE_ROW: return row(Row(statement: statement))
      case SQLITE_DONE: return nil
      case let code: throw Database.failure(code, database.handle)
      }
    }

    func run(_ values: [Value] = []) throws(StoreFailure) {
      try query(values) { _ in }
    }
  }

  /// A result row, valid inside `query` only.
  struct Row: ~Copyable {
    fileprivate let statement: OpaquePointer

    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }
    func text(_ column: Int32) -> String { sqlite3_column_text(statement, column).map { String(cString: $0) } ?? "" }
    func blob(_ column: Int32) -> [UInt8] {
      let count = Int(sqlite3_column_bytes(statement, column))
      guard count > 0, let bytes = sqlite3_column_blob(statement, column) else { return [] }
      return [UInt8](UnsafeRawBufferPointer(start: bytes, count: count))
    }
  }

  /// SQLite's result code as a cause that an administrator can act on.
  static func failure(_ code: Int32, _ handle: OpaquePointer?) -> StoreFailure {
    let message = handle.map { String(cString: sqlite3_errmsg($0)) } ?? String(cString: sqlite3_errstr(code))
    return switch code & 0xff {
    case SQLITE_FULL: .diskFull
    case SQLITE_READONLY: .readOnly
    case SQLITE_CORRUPT, SQLITE_NOTADB: .damaged(message)
    default:
      // What SQLite calls an I/O error or "cannot open" may have a plain cause.
      switch handle.map({ sqlite3_system_errno($0) }) ?? 0 {
      case ENOSPC, EDQUOT: .diskFull
      case EROFS: .readOnly
      default: .inputOutput("\(message) (SQLite \(code))")
      }
    }
  }
}
