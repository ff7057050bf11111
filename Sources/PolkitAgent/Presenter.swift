import GLibBus
import OfflineAccess

/// Where a person is asked: a terminal or a window. It is asked one thing at a time.
@BusActor
public protocol Presenter: AnyObject {
  /// A question of polkit's begins. `talk` takes the person's decision to leave it, and another identity.
  func begin(_ talk: Talk)
  /// Lets the person choose who they are; nil when they do not want to, or the question was withdrawn.
  func chooseIdentity(of identities: [Identity]) async -> Identity?
  /// A try begins for `identity`.
  ///
  /// - Parameter forecast: what the elevation does to their offline access; nil where there is nothing to say.
  func tries(as identity: Identity, forecast: Forecast?)
  /// Shows a prompt and waits for the answer; nil when it was withdrawn.
  func ask(_ prompt: String, echo: Bool) async -> Secret?
  func tell(_ text: String, isError: Bool)
  /// The try was refused.
  ///
  /// - Parameters:
  ///   - wasAsked: whether anything was asked; where nothing was, a second try would end as the first.
  ///   - isLast: whether the person has tried often enough; only what they have to read first is still shown.
  /// - Returns: whether there is to be another one.
  func triesAgain(wasAsked: Bool, isLast: Bool) async -> Bool
  /// Nobody waits for what is being asked any more: it returns nil or false.
  func withdraw()
  func end(_ outcome: Talk.Outcome)
}
