// Touches of a security key. This file also compiles as Embedded Swift.
#if canImport(OfflineAccess)
  import BusClient
  import OfflineAccess
#endif

/// What a person was told of a wait for a touch, so that each thing is said when it newly comes.
public struct TouchTelling {
  /// What to say when the key can be touched; "" once it was said.
  private var invitation: String
  /// What to say of a key that is not the right one.
  private let wrongKey: String
  private var last: ProgressState?

  init(invitation: String, wrongKey: String = Texts.wrongKey) {
    self.invitation = invitation
    self.wrongKey = wrongKey
  }

  /// For one touch of a set-up.
  public init(_ step: UInt32, of steps: UInt32) {
    self.init(invitation: Texts.touch(step, of: steps), wrongKey: Texts.notTheNewKey)
  }

  /// For the present key, before it is replaced.
  public static func present() -> Self { Self(invitation: Texts.touchPresent) }

  /// What to say before the wait begins.
  public mutating func invite() -> String {
    let text = invitation
    invitation = ""
    return text
  }

  /// The text for a report; nil where there is nothing new, or a newer service's word.
  public mutating func text(for report: ProgressReport) -> String? {
    guard let state = ProgressState(rawValue: report.state), state != last else { return nil }
    last = state
    switch state {
    case .keyNeeded:
      invitation = Texts.touchNow
      return Texts.keyNeeded
    case .wrongKey:
      invitation = Texts.touchNow
      return wrongKey
    case .retry:
      invitation = Texts.touchNow
      return Texts.keyRetry
    case .touchNeeded:
      let text = invite()
      return text.isEmpty ? nil : text
    case .touchAccepted, .pinNeeded, .onlineWaiting: return nil
    }
  }
}

extension Conversation {
  /// Lets the user's present key decide.
  mutating func touch<Service: FactorService>(
    _ service: Service, _ allowance: Allowance
  ) throws(Ending) -> Allowance {
    var telling = TouchTelling(invitation: Texts.touch(allowance))
    // Told before the wait begins where there will be one for sure: the service refuses at once whoever
    // is not at the computer, and what is used up or locked.
    if request.remote.isEmpty, allowance.state == AllowanceState.ready.rawValue {
      try tell(telling.invite())
    }
    do throws(Ending) {
      return try waitForTouch(service, pin: "", telling)
    } catch {
      guard case .service(.refused(let refusal)) = error, refusal.reason == .pinRequired
      else { throw error }
    }
    let pin = try ask(Texts.pinPrompt, echo: false)
    telling = TouchTelling(invitation: Texts.touchNow)
    try tell(telling.invite())
    return try waitForTouch(service, pin: pin, telling)
  }

  private mutating func waitForTouch<Service: FactorService>(
    _ service: Service, pin: String, _ telling: TouchTelling
  ) throws(Ending) -> Allowance {
    var options = options()
    options.pin = pin
    var telling = telling
    do throws(BusFailure) {
      return try service.authenticate(request.user, response: "", options: options) { report in
        show(report, &telling)
      }
    } catch {
      throw .service(error)
    }
  }

  /// Advisory: what cannot be shown changes nothing.
  mutating func show(_ report: ProgressReport, _ telling: inout TouchTelling) {
    if let text = telling.text(for: report) { try? tell(text) }
  }
}
