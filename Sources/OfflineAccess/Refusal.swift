// Every "no" and every need of the service, by name. This file also compiles as Embedded Swift.

/// A refusal or a need: the reason a program acts on and the sentence a person acts on.
public struct Refusal: Error, Sendable {
  /// The named reasons. The raw value is the last part of the D-Bus error name.
  public enum Reason: String, CaseIterable, Sendable {
    case notActivated = "NotActivated"
    case alreadyActivated = "AlreadyActivated"
    case responseRequired = "ResponseRequired"
    case badResponse = "BadResponse"
    case responseReplayed = "ResponseReplayed"
    case pinRequired = "PinRequired"
    case badPin = "BadPin"
    case pinLocked = "PinLocked"
    case noSecurityKey = "NoSecurityKey"
    case wrongSecurityKey = "WrongSecurityKey"
    case securityKeyRefused = "SecurityKeyRefused"
    case touchTimeout = "TouchTimeout"
    case allowanceExhausted = "AllowanceExhausted"
    case allowanceExpired = "AllowanceExpired"
    case locked = "Locked"
    case clockUntrusted = "ClockUntrusted"
    case onlineProofRequired = "OnlineProofRequired"
    case onlineDenied = "OnlineDenied"
    case noSuchActivation = "NoSuchActivation"
    case noSuchUser = "NoSuchUser"
    case busy = "Busy"
    case canceled = "Canceled"
    case notSupported = "NotSupported"
    case failed = "Failed"
    // The following three travel under D-Bus's own standard names.
    case accessDenied = "AccessDenied"
    case invalidArguments = "InvalidArgs"
    case interactiveAuthorizationRequired = "InteractiveAuthorizationRequired"

    /// Whether the reason travels as `org.freedesktop.DBus.Error.X`.
    public var isStandard: Bool {
      switch self {
      case .accessDenied, .invalidArguments, .interactiveAuthorizationRequired: true
      default: false
      }
    }
  }

  public let reason: Reason
  /// A sentence that a person can act on. Holds no secret.
  public let sentence: String

  public init(_ reason: Reason, _ sentence: String) {
    self.reason = reason
    self.sentence = sentence
  }
}
