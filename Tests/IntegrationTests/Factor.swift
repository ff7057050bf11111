import Foundation
import Testing

/// The service, called as anybody can call it: by busctl.
struct Factor {
  /// The user that busctl runs as; nil is root.
  var user: String?
  /// Whether polkit may ask.
  var interactive = false

  static let root = Factor()

  func callAsFunction(_ member: String, _ arguments: String...) throws -> BusAnswer {
    try call("/org/offlineaccess/Factor1", "org.offlineaccess.Factor1", member, arguments)
  }

  func confirm(_ activation: String, _ response: String, _ options: [String: String] = [:]) throws -> BusAnswer {
    try call(
      activation, "org.offlineaccess.Factor1.Activation", "Confirm",
      ["sa{sv}", response, String(options.count)] + options.flatMap { [$0.key, "s", $0.value] })
  }

  func cancel(_ activation: String) throws -> BusAnswer {
    try call(activation, "org.offlineaccess.Factor1.Activation", "Cancel", [])
  }

  func call(_ path: String, _ interface: String, _ member: String, _ arguments: [String]) throws -> BusAnswer {
    let result = try run(
      [
        "busctl", "call", "--json=short", "--allow-interactive-authorization=\(interactive)",
        "org.offlineaccess.Factor1", path,
        interface, member,
      ] + arguments,
      as: user, environment: ["SYSTEMD_LOG_LEVEL": "debug"])
    return BusAnswer(result)
  }
}

// The members, with their plain arguments.
extension Factor {
  func authenticate(_ user: String, _ response: String, _ options: [String: String] = [:]) throws -> BusAnswer {
    try call(
      "/org/offlineaccess/Factor1", "org.offlineaccess.Factor1", "Authenticate",
      ["ssa{sv}", user, response, String(options.count)] + options.flatMap { [$0.key, "s", $0.value] })
  }

  func activate(_ user: String, _ method: String = "passcode", _ options: [String: String] = [:]) throws -> BusAnswer {
    try call(
      "/org/offlineaccess/Factor1", "org.offlineaccess.Factor1", "Activate",
      ["ssa{sv}", user, method, String(options.count)] + options.flatMap { [$0.key, "s", $0.value] })
  }

  func reactivate(_ user: String, _ method: String = "passcode", _ options: [String: String] = [:]) throws -> BusAnswer
  {
    try call(
      "/org/offlineaccess/Factor1", "org.offlineaccess.Factor1", "Reactivate",
      ["ssa{sv}", user, method, String(options.count)] + options.flatMap { [$0.key, "s", $0.value] })
  }

  func allowance(_ user: String) throws -> BusAnswer { try self("RemainingAllowance", "s", user) }
  func renew(_ user: String) throws -> BusAnswer { try self("Renew", "s", user) }
  func deactivate(_ user: String) throws -> BusAnswer { try self("Deactivate", "s", user) }
}

/// A return or a named error.
struct BusAnswer {
  /// The values of a return, as busctl writes them in JSON.
  let values: [Any]
  /// The last part of the error's name; nil for a return.
  let error: String?
  /// The error's sentence.
  let sentence: String

  init(_ result: CommandResult) {
    if result.status == 0 {
      let object = try? JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
      values = object?["data"] as? [Any] ?? []
      (error, sentence) = (nil, "")
      return
    }
    values = []
    // busctl prints the sentence only; its debug log carries the error's name.
    let name = result.errors.components(separatedBy: "error-name=").dropFirst().last.map {
      $0.prefix { !$0.isWhitespace }
    }
    error = name.map { String($0.split(separator: ".").last ?? $0) } ?? "exit \(result.status)"
    sentence =
      result.errors.split(separator: "\n").last { $0.hasPrefix("Call failed: ") }.map { String($0.dropFirst(13)) }
      ?? result.errors
  }

  /// The a{sv} that this answer carries, its variants unwrapped.
  var dictionary: [String: Any] {
    for value in values {
      if let dictionary = value as? [String: [String: Any]] { return dictionary.compactMapValues { $0["data"] } }
    }
    return [:]
  }

  subscript(key: String) -> String? { dictionary[key].map { "\($0)" } }
  /// The object path that this answer begins with.
  var path: String { values.first as? String ?? "" }
}

/// Expects a named refusal.
func expectRefused(
  _ answer: BusAnswer, _ reason: String, sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(answer.error == reason, "\(answer.sentence) \(answer.values)", sourceLocation: sourceLocation)
}

/// Expects a return.
@discardableResult
func expectYes(_ answer: BusAnswer, sourceLocation: SourceLocation = #_sourceLocation) -> BusAnswer {
  #expect(answer.error == nil, "\(answer.error ?? ""): \(answer.sentence)", sourceLocation: sourceLocation)
  return answer
}
