import BusInterface
import OfflineAccess

/// The words of the bus contract, as the manual lists them. What each means stands in Meanings.swift.
enum ContractText {
  /// For `@ERRORS@`.
  static var errors: [String] { Mdoc.list(Refusal.Reason.allCases.map(item)) }

  private static func item(_ reason: Refusal.Reason) -> (term: String, body: [String]) {
    ("Er " + Mdoc.word(reason.busName), Mdoc.prose(reason.meaning))
  }

  /// For `@OPTIONS@`.
  static var options: [String] {
    Mdoc.list(
      OptionKey.allCases.map { key in
        let methods = key.methods.joined(separator: ", ")
        return ("Cm " + Mdoc.word(key.rawValue), Mdoc.prose("(\(methods)) \(key.meaning)"))
      })
  }

  /// For `@ALLOWANCE@`.
  static var allowance: [String] {
    Mdoc.list(AllowanceKey.allCases.map { typed($0.rawValue, $0.type, $0.meaning) })
  }

  /// For `@CHALLENGE@`.
  static var challenge: [String] {
    Mdoc.list(ChallengeKey.allCases.map { typed($0.rawValue, $0.type, $0.meaning) })
  }

  /// For `@STATES@`.
  static var states: [String] {
    Mdoc.list(AllowanceState.allCases.map { ("Cm " + Mdoc.word($0.rawValue), Mdoc.prose($0.meaning)) })
  }

  /// For `@PROGRESS@`.
  static var progress: [String] {
    Mdoc.list(ProgressState.allCases.map { ("Cm " + Mdoc.word($0.rawValue), Mdoc.prose($0.meaning)) })
  }

  /// For `@WAYS@`.
  static var ways: [String] {
    Mdoc.list(Via.allCases.map { ("Cm " + Mdoc.word($0.rawValue), Mdoc.prose($0.meaning)) })
  }

  private static func typed(_ key: String, _ type: String, _ meaning: String) -> (term: String, body: [String]) {
    ("Cm \(Mdoc.word(key)) Pq Li \(Mdoc.word(type))", Mdoc.prose(meaning))
  }
}
