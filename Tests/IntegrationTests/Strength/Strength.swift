import Foundation
import Testing

extension IntegrationTests {
  /// What is tried again and again, in numbers: all of it by `make strength`, a short form within `make test`.
  @Suite(.serialized)
  enum Strength {
    /// Whether everything is tried as often as the table promises.
    static let isFull = ProcessInfo.processInfo.environment["OFFLINE_ACCESS_STRENGTH"] == "full"
    private static let table = ProcessInfo.processInfo.environment["OFFLINE_ACCESS_STRENGTH_TABLE"]

    /// How often to try: `full` times by `make strength`, else `short` times.
    /// What a login takes at most while somebody floods; a machine that runs much else beside tells less.
    static let slowestLogin: Duration = isFull ? .seconds(1) : .seconds(8)

    static func times(_ full: Int, short: Int) -> Int { isFull ? full : short }

    /// Adds a row to the table that `make strength` prints; call it when all expectations were made.
    ///
    /// - Parameters:
    ///   - group: "Races", "Power cut" and so on: rows of one group stand together.
    ///   - tried: what was tried, in a few words.
    ///   - times: how often, with its unit: "200 rounds".
    ///   - outcome: what came of it, counted and never assumed.
    static func report(_ group: String, tried: String, times: String, outcome: String) throws {
      guard let table else { return }
      let row = [group, tried, times, outcome].joined(separator: "\t") + "\n"
      if !FileManager.default.fileExists(atPath: table) { try Machine.write("", to: table) }
      try Machine.append(row, to: table)
    }
  }
}
