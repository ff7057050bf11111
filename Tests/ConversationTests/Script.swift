// A person and a service that follow a script, and a record of what was said and asked.
import BusClient
import BusInterface
import Conversation
import OfflineAccess

/// One thing that a person saw.
enum Line: Equatable {
  case prompt(String)
  case visiblePrompt(String)
  case info(String)
  case error(String)

  var text: String {
    switch self {
    case .prompt(let text), .visiblePrompt(let text), .info(let text), .error(let text): text
    }
  }
}

/// Gives the answers in order, then is gone.
struct ScriptedPerson: Person {
  var answers: [Result<String, PersonFailure>] = []
  /// Nobody is there any more after so many lines.
  var patience = Int.max
  /// What was given before.
  var password: String?
  private(set) var lines: [Line] = []

  init(_ answers: String..., patience: Int = .max) {
    self.answers = answers.map { .success($0) }
    self.patience = patience
  }

  mutating func ask(_ prompt: String, echo: Bool) throws(PersonFailure) -> String {
    try see(echo ? .visiblePrompt(prompt) : .prompt(prompt))
    guard !answers.isEmpty else { throw .gone }
    return try answers.removeFirst().get()
  }

  mutating func tell(_ text: String, isError: Bool) throws(PersonFailure) {
    try see(isError ? .error(text) : .info(text))
  }

  func isPassword(_ text: String) -> Bool { text == password }

  private mutating func see(_ line: Line) throws(PersonFailure) {
    guard lines.count < patience else { throw .gone }
    lines.append(line)
  }
}

/// Answers each call as scripted and writes it down.
final class ScriptedService: FactorService {
  enum Call: Equatable {
    case remainingAllowance(String)
    case authenticate(String, String, AuthenticateOptions)
    case touch(String, AuthenticateOptions)
    case online(String, response: String, pin: String = "")
    case activate(String, FactorMethod, String)
    case confirm(String, String, ConfirmOptions = ConfirmOptions())
    case confirmTouch(String, ConfirmOptions = ConfirmOptions())
    case methods
    case cancel(String)
  }

  var allowance: Result<Allowance, BusFailure>
  var outcomes: [Result<Allowance, BusFailure>] = []
  var challenge: Result<Challenge, BusFailure> = .failure(.refused(Refusal(.notSupported, "No.")))
  var confirmations: [Result<(complete: Bool, details: BusDictionary), BusFailure>] = []
  var methodNames = [FactorMethod.passcode.rawValue]
  /// Where an online service is asked first: what is sent during each call, and how it ends.
  var online: [(reports: [ProgressReport], outcome: Result<Allowance, BusFailure>)] = []
  /// Sent during each wait for a touch.
  var reports: [ProgressReport] = []
  private(set) var calls: [Call] = []

  init(_ allowance: Allowance, _ outcomes: Result<Allowance, BusFailure>...) {
    self.allowance = .success(allowance)
    self.outcomes = outcomes
  }

  func remainingAllowance(_ user: String) throws(BusFailure) -> Allowance {
    calls.append(.remainingAllowance(user))
    return try allowance.get()
  }

  func authenticate(
    _ user: String, response: String, options: AuthenticateOptions
  ) throws(BusFailure) -> Allowance {
    calls.append(.authenticate(user, response, options))
    return try outcomes.removeFirst().get()
  }

  func authenticate(
    _ user: String, response: String, options: AuthenticateOptions,
    progress: (ProgressReport) -> Void
  ) throws(BusFailure) -> Allowance {
    if !online.isEmpty {
      calls.append(.online(user, response: response, pin: options.pin))
      let step = online.removeFirst()
      for report in step.reports { progress(report) }
      return try step.outcome.get()
    }
    calls.append(.touch(user, options))
    for report in reports { progress(report) }
    return try outcomes.removeFirst().get()
  }

  func activate(_ user: String, method: FactorMethod, name: String) throws(BusFailure) -> Challenge {
    calls.append(.activate(user, method, name))
    return try challenge.get()
  }

  func confirm(
    _ activation: String, response: String, options: ConfirmOptions
  ) throws(BusFailure) -> (complete: Bool, details: BusDictionary) {
    calls.append(.confirm(activation, response, options))
    return try confirmations.removeFirst().get()
  }

  func confirm(
    _ activation: String, response: String, options: ConfirmOptions, progress: (ProgressReport) -> Void
  ) throws(BusFailure) -> (complete: Bool, details: BusDictionary) {
    calls.append(.confirmTouch(activation, options))
    for report in reports { progress(report) }
    return try confirmations.removeFirst().get()
  }

  func methods() throws(BusFailure) -> [String] {
    calls.append(.methods)
    return methodNames
  }

  func cancel(_ activation: String) throws(BusFailure) {
    calls.append(.cancel(activation))
  }

  /// The responses that reached Authenticate.
  var responses: [String] {
    calls.compactMap { if case .authenticate(_, let response, _) = $0 { response } else { nil } }
  }
}

extension Result where Success == Allowance, Failure == BusFailure {
  static func yes(_ message: String = "Offline access until 1 December 2026.") -> Self {
    var outcome = Allowance()
    outcome.message = message
    outcome.via = Via.offline.rawValue
    return .success(outcome)
  }

  static func no(_ reason: Refusal.Reason, _ sentence: String = "The service says no.") -> Self {
    .failure(.refused(Refusal(reason, sentence)))
  }
}

extension Allowance {
  static func passcode(
    _ state: AllowanceState = .ready, limit: LimitKind = .unlimited, remaining: UInt32? = nil,
    lastDay: String? = nil
  ) -> Allowance {
    var allowance = Allowance()
    allowance.activated = true
    allowance.method = FactorMethod.passcode.rawValue
    allowance.state = state.rawValue
    allowance.limit = limit.rawValue
    allowance.remaining = remaining
    allowance.lastDay = lastDay
    return allowance
  }

  static func securityKey(remaining: UInt32? = nil) -> Allowance {
    var allowance = passcode(limit: .logins, remaining: remaining)
    allowance.method = FactorMethod.securityKey.rawValue
    return allowance
  }

  static func absent(offer: Bool = false) -> Allowance {
    var allowance = Allowance()
    allowance.offer = offer ? "activate" : ""
    allowance.state = AllowanceState.notActivated.rawValue
    return allowance
  }
}

/// Runs a conversation and returns the verdict, what was shown, and the cause for the journal.
@discardableResult
func run(
  _ service: ScriptedService, _ person: ScriptedPerson, _ request: Request = Request(user: "alice")
) -> (verdict: Verdict, lines: [Line], cause: String) {
  var conversation = Conversation(request, with: person)
  let verdict = conversation.run { () throws(BusFailure) in service }
  return (verdict, conversation.person.lines, conversation.cause)
}
