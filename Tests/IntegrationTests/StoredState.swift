import Foundation
import Testing

/// The service's database, as another program edits it.
enum StoredState {
  static let path = "\(Machine.stateFolder)/state.db"

  /// Runs SQL statements in one transaction, by Python's SQLite.
  @discardableResult
  static func edit(_ statements: String..., sourceLocation: SourceLocation = #_sourceLocation) throws -> [String] {
    try edit(statements, sourceLocation: sourceLocation)
  }

  @discardableResult
  static func edit(_ statements: [String], sourceLocation: SourceLocation = #_sourceLocation) throws -> [String] {
    let script = """
      import sqlite3, sys
      connection = sqlite3.connect(sys.argv[1], timeout=10)
      for statement in sys.argv[2:]:
          for row in connection.execute(statement): print("|".join(str(column) for column in row))
      connection.commit()
      connection.close()
      """
    let result = try run(["python3", "-c", script, path] + statements)
    try #require(result.status == 0, "\(result.errors)", sourceLocation: sourceLocation)
    return result.output.split(separator: "\n").map(String.init)
  }

  /// Each row but those of `user`, as text.
  static func rows(except user: String) throws -> [String] {
    try edit(
      "SELECT uid, name, hex(record) FROM enrollment WHERE NOT (name = '\(user)' AND uid BETWEEN 2 AND 3999999999)")
  }
}
