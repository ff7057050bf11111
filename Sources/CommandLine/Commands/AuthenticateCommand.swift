import ArgumentParser
import BusClient
import Conversation
import OfflineAccess

struct AuthenticateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "authenticate", abstract: Texts.Help.authenticate, discussion: Texts.Help.authenticateDiscussion)

  @OptionGroup var subject: UserOption

  @Option(name: .long, help: ArgumentHelp(Texts.Help.purpose, valueName: "purpose"))
  var purpose = Purpose.login

  @Option(name: .long, help: ArgumentHelp(Texts.Help.service, valueName: "name"))
  var service = ""

  @OptionGroup var output: JSONFlag

  func run() throws {
    try conclude(asJSON: output.json) { () throws(Failure) in
      let person = TerminalPerson(asJSON: output.json)
      let request = Request(
        user: subject.user.isEmpty ? callerName() : subject.user, service: service, purpose: purpose,
        atTerminal: person.isAtTerminal)
      var conversation = Conversation(request, with: person)
      let record = OutcomeRecord()
      let verdict = conversation.run { () throws(BusFailure) in
        var client = FactorClient(try BusConnection())
        client.isGivenUp = HeldSignals.stopWaits
        return RecordingService(client: client, record: record)
      }
      let status = ExitStatus(verdict)
      if output.json {
        Output.json(Self.json(verdict, record.outcome, complaint: conversation.person.complaint))
      } else if verdict == .conversationFailed {
        Output.problem(Texts.cancelled)
      }
      return status
    }
  }

  static func json(_ verdict: Verdict, _ outcome: Allowance?, complaint: String) -> JSON {
    let name: String
    switch verdict {
    case .granted: return outcome.map { JSON($0.dictionary) } ?? [:]
    case .refused(let reason): name = reason.rawValue
    case .unavailable: name = Failure.unavailableName
    case .conversationFailed: name = Refusal.Reason.canceled.rawValue
    }
    return ["error": .string(name), "message": .string(complaint.isEmpty ? Texts.cancelled : complaint)]
  }
}

extension Purpose: ExpressibleByArgument {}

extension ExitStatus {
  /// The status that tells of a verdict; only `granted` is a yes.
  init(_ verdict: Verdict) {
    self =
      switch verdict {
      case .granted: .success
      case .refused(let reason): ExitStatus(reason)
      case .unavailable: .unavailable
      case .conversationFailed: .refused
      }
  }
}

/// The outcome that a conversation got: it tells the person, and a script wants it too.
private final class OutcomeRecord {
  var outcome: Allowance?
  /// From the start of a set-up on: a stop cancels that first.
  var held: HeldSignals?
}

/// The service, with a note taken of its yes.
private struct RecordingService: FactorService {
  let client: FactorClient
  let record: OutcomeRecord

  func remainingAllowance(_ user: String) throws(BusFailure) -> Allowance { try client.remainingAllowance(user) }

  func authenticate(
    _ user: String, response: String, options: AuthenticateOptions
  ) throws(BusFailure) -> Allowance {
    let outcome = try client.authenticate(user, response: response, options: options)
    record.outcome = outcome
    return outcome
  }

  func authenticate(
    _ user: String, response: String, options: AuthenticateOptions, progress: (ProgressReport) -> Void
  ) throws(BusFailure) -> Allowance {
    let outcome = try client.authenticate(user, response: response, options: options, progress: progress)
    record.outcome = outcome
    return outcome
  }

  func methods() throws(BusFailure) -> [String] { try client.methods() }

  func activate(_ user: String, method: FactorMethod, name: String) throws(BusFailure) -> Challenge {
    let challenge = try client.activate(user, method: method, name: name)
    record.held = HeldSignals()
    return challenge
  }

  func confirm(
    _ activation: String, response: String, options: ConfirmOptions
  ) throws(BusFailure) -> (complete: Bool, details: BusDictionary) {
    try client.confirm(activation, response: response, options: options)
  }

  func confirm(
    _ activation: String, response: String, options: ConfirmOptions, progress: (ProgressReport) -> Void
  ) throws(BusFailure) -> (complete: Bool, details: BusDictionary) {
    try client.confirm(activation, response: response, options: options, progress: progress)
  }

  func cancel(_ activation: String) throws(BusFailure) { try client.cancel(activation) }
}
