// The talk with a person who needs a second factor. This file also compiles as Embedded Swift.
#if canImport(OfflineAccess)
  import BusClient
  import OfflineAccess
#endif

/// Who asks for what and from where.
public struct Request: Sendable {
  public var user: String
  public var service: String
  public var purpose: Purpose
  /// The remote host; "" at the computer itself.
  public var remote: String
  /// Whether lines appear in a fixed-width text terminal, where a QR code can be drawn.
  public var atTerminal: Bool
  /// Whether only prompts and errors are shown.
  public var quiet: Bool
  /// Whether a set-up is only proven here: whoever runs the conversation confirms it, once more than
  /// this factor has said yes to the person.
  public var storesLater: Bool

  public init(
    user: String, service: String = "", purpose: Purpose = .login, remote: String = "",
    atTerminal: Bool = false, quiet: Bool = false, storesLater: Bool = false
  ) {
    self.user = user
    self.service = service
    self.purpose = purpose
    self.remote = remote
    self.atTerminal = atTerminal
    self.quiet = quiet
    self.storesLater = storesLater
  }
}

/// How a conversation ended. Only `granted` is a yes.
public enum Verdict: Equatable, Sendable {
  case granted
  case refused(Refusal.Reason)
  case unavailable
  case conversationFailed
}

/// One run of questions and answers about one user. It asks for a passcode at most once: whoever
/// runs it asks again by running it again, and a screen locker that answers every prompt with the
/// same text must not use up two tries.
public struct Conversation<Someone: Person> {
  public internal(set) var person: Someone
  /// Why it was no yes, for a journal; holds no secret.
  public private(set) var cause = ""
  /// The set-up that was proven and is still to be confirmed by an empty response; "" without one.
  public internal(set) var proven = ""
  let request: Request
  let limit: MessageLimit

  public init(_ request: Request, with person: Someone) {
    self.request = request
    self.person = person
    limit = MessageLimit(user: request.user)
  }

  /// Runs the conversation. It talks to the service that `connect` finds.
  public mutating func run<Service: FactorService>(
    connect: () throws(BusFailure) -> Service
  ) -> Verdict {
    do throws(Ending) {
      try converse(connect)
      return .granted
    } catch {
      return verdict(error)
    }
  }

  /// Shows why it ended without a yes. Whether that could be shown changes nothing any more.
  private mutating func verdict(_ ending: Ending) -> Verdict {
    switch ending {
    case .service(.refused(let refusal)):
      cause = refusal.reason.rawValue
      try? tell(refusal.sentence, isError: true)
      return .refused(refusal.reason)
    case .service(.unavailable(let words)):
      cause = words
      try? tell(Texts.unavailable(words), isError: true)
      return .unavailable
    case .person(.gone):
      cause = "the conversation failed"
      return .conversationFailed
    case .person(.notText):
      cause = "the answer was no text"
      try? tell(Texts.notText, isError: true)
      return .refused(.badResponse)
    }
  }

  private mutating func converse<Service: FactorService>(
    _ connect: () throws(BusFailure) -> Service
  ) throws(Ending) {
    // On the bus "" is the caller, who is root in most hosts; here it can only be a mistake.
    guard !request.user.isEmpty, request.user.utf8.count <= MessageLimit.longestUser else {
      throw .service(.refused(Refusal(.noSuchUser, Texts.noUser)))
    }
    let service = try heard(connect)
    let user = request.user
    let allowance = try heard { () throws(BusFailure) in try service.remainingAllowance(user) }
    let outcome: Allowance
    do throws(Ending) {
      outcome = try authenticate(service, allowance)
    } catch {
      guard case .service(.refused(let refusal)) = error, refusal.reason == .notActivated else { throw error }
      // An online service may have approved the user since.
      let present =
        allowance.authority.isEmpty
        ? allowance : try heard { () throws(BusFailure) in try service.remainingAllowance(user) }
      guard present.offersActivation else { throw error }
      return try setUp(service, mayPutOff: present.authority.isEmpty)
    }
    // The service has said yes and taken it from the allowance; a host that cannot show a sentence
    // does not turn that into a no.
    // sudo wants no messages, and its users a set-up all the same.
    if outcome.offersActivation { return offer(service, outcome) }
    if !request.quiet { try? tell(outcome.message) }
  }

  private mutating func authenticate<Service: FactorService>(
    _ service: Service, _ allowance: Allowance
  ) throws(Ending) -> Allowance {
    if !allowance.authority.isEmpty { return try authenticateOnline(service, allowance) }
    if allowance.method == FactorMethod.securityKey.rawValue {
      return try touch(service, allowance)
    }
    let isAskedFor =
      allowance.method == FactorMethod.passcode.rawValue
      && allowance.state == AllowanceState.ready.rawValue
    if !isAskedFor {
      // Locked, used up, exempt, not set up: the service decides without a response. It may still
      // need one, since not every purpose draws on the allowance.
      do throws(Ending) {
        return try respond(service, "")
      } catch {
        guard case .service(.refused(let refusal)) = error, refusal.reason == .responseRequired
        else { throw error }
      }
    }
    // An empty answer goes to the service too: its refusal says what was expected and costs nothing.
    return try respond(service, askPasscode(allowance))
  }

  /// Asks for a passcode of the offline factor.
  ///
  /// Some hosts answer every prompt with the password. That is nobody's guess, and is not to lock their users; whoever
  /// has a passcode for a password is asked nothing in vain.
  mutating func askPasscode(_ allowance: Allowance) throws(Ending) -> String {
    let answer = try ask(Texts.passcodePrompt(allowance), echo: false)
    let mayBePasscode = answer.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    if !mayBePasscode, person.isPassword(answer) {
      throw .service(.refused(Refusal(.badResponse, Texts.passwordAgain)))
    }
    return answer
  }

  private func respond<Service: FactorService>(
    _ service: Service, _ response: String
  ) throws(Ending) -> Allowance {
    let user = request.user, options = options()
    return try heard { () throws(BusFailure) in
      try service.authenticate(user, response: response, options: options)
    }
  }

  func options() -> AuthenticateOptions {
    AuthenticateOptions(service: request.service, purpose: request.purpose, remote: request.remote)
  }
}
