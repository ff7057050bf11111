import GLibBus
import Glibc

/// The talk about one question of polkit's, from its first word to the verdict.
@BusActor
public final class Talk {
  /// How it ended. polkit itself learned of a yes from the helper.
  public enum Outcome: Sendable {
    case granted
    case denied
    /// The person left it.
    case dismissed
    /// Nobody waits for the answer any more.
    case withdrawn
    /// There is nobody who could check an answer.
    case noHelper
  }

  /// How often a person may try, as at sudo; behind a refusal that has to be read first, as often as they like.
  private static let tries = 3

  public let request: AuthenticationRequest
  private let presenter: any Presenter
  private let forecasts: Forecasts
  private let helpers: HelperSource
  private var helper: HelperChannel?
  /// Set once, and the end of everything.
  private var ending: Outcome?
  /// Whom the person has chosen in the middle of a try.
  private var replacement: Identity?

  /// Starts a helper that checks a user for polkit's question with a cookie; nil where this computer has none.
  typealias HelperSource = @BusActor (_ user: String, _ cookie: String) async -> HelperChannel?

  init(
    _ request: AuthenticationRequest, with presenter: any Presenter, forecasts: Forecasts,
    helpers: @escaping HelperSource
  ) {
    self.request = request
    self.presenter = presenter
    self.forecasts = forecasts
    self.helpers = helpers
  }

  /// Whether nothing that is typed has an effect any more.
  public var isOver: Bool { ending != nil }

  /// The person does not want to.
  public func dismiss() { stop(.dismissed) }

  /// polkit does not want to know any more.
  func withdraw() { stop(.withdrawn) }

  /// The person is to be checked as somebody else of those who may answer; the present try is left.
  public func start(over identity: Identity) {
    guard ending == nil, request.identities.contains(identity) else { return }
    replacement = identity
    interrupt()
  }

  private func stop(_ outcome: Outcome) {
    guard ending == nil else { return }
    ending = outcome
    interrupt()
  }

  private func interrupt() {
    helper?.close()
    presenter.withdraw()
  }

  /// Runs it to its end.
  func run() async -> Outcome {
    presenter.begin(self)
    let outcome = await outcome()
    presenter.end(outcome)
    return outcome
  }

  private func outcome() async -> Outcome {
    guard var identity = await firstIdentity() else { return ending ?? .dismissed }
    var left = Self.tries
    while true {
      let forecast = await forecasts.forecast(for: identity)
      if ending == nil, replacement == nil { presenter.tries(as: identity, forecast: forecast) }
      let verdict = await attempt(identity)
      // Of a try that was left the verdict is none.
      if ending == nil, replacement == nil {
        switch verdict {
        case .granted: return .granted
        case .noHelper: return .noHelper
        case .denied(let wasAsked):
          left -= 1
          let goesOn = await presenter.triesAgain(wasAsked: wasAsked, isLast: left <= 0)
          // While the refusal was read, somebody else may have been chosen.
          if !goesOn, ending == nil, replacement == nil { return .denied }
        }
      }
      if let ending { return ending }
      if let replacement {
        identity = replacement
        self.replacement = nil
      }
    }
  }

  private func firstIdentity() async -> Identity? {
    if request.identities.count == 1 { return request.identities.first }
    return await presenter.chooseIdentity(of: request.identities)
  }

  private enum Verdict {
    case granted
    case denied(wasAsked: Bool)
    case noHelper
  }

  private func attempt(_ identity: Identity) async -> Verdict {
    if ending != nil || replacement != nil { return .denied(wasAsked: false) }
    guard let helper = await helpers(identity.name, request.cookie) else { return .noHelper }
    self.helper = helper
    defer {
      helper.close()
      self.helper = nil
    }
    // While it was being opened the person may have left.
    if ending != nil || replacement != nil { return .denied(wasAsked: false) }
    var wasAsked = false
    while let line = await helper.next() {
      switch line {
      case .message(let text, let isError): presenter.tell(text, isError: isError)
      case .prompt(let text, let echo):
        // One that it does not wait at is not shown.
        guard helper.waitsForAnswer else { continue }
        wasAsked = true
        await ask(text, echo, helper)
      case .verdict(let isYes): return isYes ? .granted : .denied(wasAsked: wasAsked)
      }
    }
    return .denied(wasAsked: wasAsked)
  }

  /// Asks until there is an answer that can be sent, or nobody waits for one any more.
  private func ask(_ prompt: String, _ echo: Bool, _ helper: HelperChannel) async {
    helper.interrupted = { [weak presenter] in presenter?.withdraw() }
    defer { helper.interrupted = nil }
    while let answer = await presenter.ask(prompt, echo: echo) {
      // What the helper has asked in the meantime is not to be answered with this.
      guard helper.waitsForAnswer, !helper.answer(answer) else { return }
      presenter.tell(AgentTexts.tooLong, isError: true)
    }
  }
}
