import OfflineAccess

/// A manual page in mdoc(7) with placeholders, each on a line of its own, like `@ERRORS@`.
enum Template {
  /// Why a template is refused. A page with a hole in it must not be installed.
  struct Failure: Error, Equatable, CustomStringConvertible {
    let line: Int
    let reason: String
    var description: String { "line \(line): \(reason)" }
  }

  /// What may stand between the two `@`.
  enum Placeholder: String, CaseIterable {
    /// The line that names the product and its version.
    case version = "VERSION"
    /// All keys of the configuration.
    case configuration = "CONFIGURATION"
    /// All errors of the bus.
    case errors = "ERRORS"
    /// Options of the bus's methods.
    case options = "OPTIONS"
    /// Keys of allowance and outcome.
    case allowance = "ALLOWANCE"
    /// Keys of a set-up's challenge.
    case challenge = "CHALLENGE"
    /// States of an allowance.
    case states = "STATES"
    /// States of the signal Progress.
    case progress = "PROGRESS"
    /// The ways to a yes.
    case ways = "WAYS"
    /// Events of the journal.
    case events = "EVENTS"
    /// Fields of the journal.
    case fields = "FIELDS"
    /// Steps of a set-up in the journal.
    case steps = "STEPS"

    /// The lines of mdoc that take its place.
    var lines: [String] {
      switch self {
      case .version: [Mdoc.macro("Os", Mdoc.quoted("Offline Access \(Product.version)"))]
      case .configuration: ConfigurationText.reference
      case .errors: ContractText.errors
      case .options: ContractText.options
      case .allowance: ContractText.allowance
      case .challenge: ContractText.challenge
      case .states: ContractText.states
      case .progress: ContractText.progress
      case .ways: ContractText.ways
      case .events: AuditText.events
      case .fields: AuditText.fields
      case .steps: AuditText.steps
      }
    }
  }

  /// The page of a template.
  static func expand(_ template: [String]) throws(Failure) -> String {
    var page: [String] = []
    for (index, line) in template.enumerated() {
      guard let name = name(in: line) else {
        page.append(line)
        continue
      }
      guard line == "@\(name)@" else {
        throw Failure(line: index + 1, reason: "@\(name)@ must stand on a line of its own")
      }
      guard let placeholder = Placeholder(rawValue: name) else {
        throw Failure(line: index + 1, reason: "unknown placeholder @\(name)@")
      }
      page += placeholder.lines
    }
    return page.map { $0 + "\n" }.joined()
  }

  /// The first thing in `line` that looks like a placeholder: capitals between two `@`.
  private static func name(in line: String) -> String? {
    let parts = line.split(separator: "@", omittingEmptySubsequences: false)
    guard parts.count > 2 else { return nil }
    return parts[1..<parts.count - 1].first { part in
      part.count > 1 && part.utf8.allSatisfy { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
    }.map(String.init)
  }
}
