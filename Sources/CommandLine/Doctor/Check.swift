/// One thing that the doctor looked at.
struct Check: Equatable {
  enum Result: String, CaseIterable {
    case ok
    /// Works, but somebody should look at it.
    case warn
    /// Does not work, or does not protect.
    case fail
    /// Could not be looked at.
    case unknown
  }

  /// A word that stays the same, for scripts.
  let name: String
  let result: Result
  /// What was found, and what to do where it is not good.
  let sentence: String
  /// What to do, where several checks have the same cure: shown once for all of them.
  var cure: String?
  var details: [String] = []

  static func ok(_ name: String, _ sentence: String, details: [String] = []) -> Check {
    Check(name: name, result: .ok, sentence: sentence, details: details)
  }
  static func warn(_ name: String, _ sentence: String, details: [String] = []) -> Check {
    Check(name: name, result: .warn, sentence: sentence, details: details)
  }
  static func fail(_ name: String, _ sentence: String, cure: String? = nil, details: [String] = []) -> Check {
    Check(name: name, result: .fail, sentence: sentence, cure: cure, details: details)
  }
  static func unknown(_ name: String, _ sentence: String) -> Check {
    Check(name: name, result: .unknown, sentence: sentence)
  }

  var json: JSON {
    [
      "name": .string(name), "result": .string(result.rawValue),
      "message": .string(([sentence] + (cure.map { [$0] } ?? [])).joined(separator: " ")),
      "details": .array(details.map(JSON.string)),
    ]
  }
}
