// Who is spoken to and who answers for the factor. This file also compiles as Embedded Swift.
#if canImport(OfflineAccess)
  import BusClient
  import OfflineAccess
#endif

/// Somebody who reads lines and answers prompts: a PAM conversation, or a program at a pipe.
public protocol Person {
  /// Shows a prompt and waits for the answer.
  mutating func ask(_ prompt: String, echo: Bool) throws(PersonFailure) -> String
  mutating func tell(_ text: String, isError: Bool) throws(PersonFailure)
  /// Whether `text` is the password that was given before.
  func isPassword(_ text: String) -> Bool
}

extension Person {
  public func isPassword(_ text: String) -> Bool { false }
}

/// Why there is no answer.
public enum PersonFailure: Error, Equatable, Sendable {
  /// Nobody is there any more, or whoever is there cannot show this.
  case gone
  /// The answer is no text: not UTF-8, or far too long.
  case notText
}

/// The part of the service that a conversation needs.
public protocol FactorService {
  func remainingAllowance(_ user: String) throws(BusFailure) -> Allowance
  func authenticate(
    _ user: String, response: String, options: AuthenticateOptions
  ) throws(BusFailure) -> Allowance
  /// The same where a touch may be waited for.
  func authenticate(
    _ user: String, response: String, options: AuthenticateOptions,
    progress: (ProgressReport) -> Void
  ) throws(BusFailure) -> Allowance
  /// The kinds of factor that can be set up, as their `FactorMethod`s.
  func methods() throws(BusFailure) -> [String]
  func activate(_ user: String, method: FactorMethod, name: String) throws(BusFailure) -> Challenge
  func confirm(
    _ activation: String, response: String, options: ConfirmOptions
  ) throws(BusFailure) -> (complete: Bool, details: BusDictionary)
  /// The same where a touch is waited for.
  func confirm(
    _ activation: String, response: String, options: ConfirmOptions, progress: (ProgressReport) -> Void
  ) throws(BusFailure) -> (complete: Bool, details: BusDictionary)
  func cancel(_ activation: String) throws(BusFailure)
}

extension FactorClient: FactorService {}
