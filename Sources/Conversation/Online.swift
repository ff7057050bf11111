// The online second factor at a prompt. This file also compiles as Embedded Swift.
#if canImport(OfflineAccess)
  import BusClient
  import BusInterface
  import OfflineAccess
#endif

/// What the service says while an online service is asked.
public struct OnlineReport: Equatable, Sendable {
  /// A sentence to show; may be empty.
  public var message = ""
  /// What to ask for before the next try; empty where nothing is.
  public var prompt = ""

  /// Nil for a report of something else.
  public init?(_ report: ProgressReport) {
    guard report.state == ProgressState.onlineWaiting.rawValue else { return nil }
    message = report.details.string(ProgressKey.message.rawValue) ?? ""
    prompt = report.details.string(ProgressKey.prompt.rawValue) ?? ""
  }
}

extension Conversation {
  /// Prompts of one conversation: a challenge may follow a challenge, and a phone may take its time. Wrong answers end
  /// it, so this bounds no guesses.
  static var rounds: Int { 8 }

  /// Lets the online service decide, and the offline factor where that is away.
  mutating func authenticateOnline<Service: FactorService>(
    _ service: Service, _ allowance: Allowance
  ) throws(Ending) -> Allowance {
    var response = ""
    var options = options()
    var told = ""
    for _ in 0..<Self.rounds {
      var prompt = ""
      var telling = TouchTelling(invitation: Texts.touch(allowance))
      let refusal: Refusal
      do throws(BusFailure) {
        return try service.authenticate(request.user, response: response, options: options) { report in
          guard let online = OnlineReport(report) else { return show(report, &telling) }
          prompt = online.prompt
          // Said once, however often it is waited for.
          if !online.message.isEmpty, online.message != told {
            told = online.message
            try? tell(online.message)
          }
        }
      } catch {
        guard case .refused(let reason) = error else { throw .service(error) }
        refusal = reason
      }
      switch refusal.reason {
      case .responseRequired:
        response = try prompt.isEmpty ? askPasscode(allowance) : ask(prompt, echo: false)
        // An empty answer to the offline prompt is for the service to refuse, not to ask again.
        if response.isEmpty, prompt.isEmpty { throw .service(.refused(refusal)) }
      case .pinRequired where options.pin.isEmpty:
        options.pin = try ask(Texts.pinPrompt, echo: false)
      default: throw .service(.refused(refusal))
      }
    }
    throw .service(.refused(Refusal(.onlineDenied, Texts.noEnd)))
  }
}
