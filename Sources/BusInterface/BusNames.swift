// Names of the bus contract. The XML in dbus/ is the contract itself; a test holds both together.
// This file also compiles as Embedded Swift, there in one module with the vocabulary.
#if canImport(OfflineAccess)
  import OfflineAccess
#endif

/// Where the service is found on the system bus.
public enum BusName {
  public static let service = "org.offlineaccess.Factor1"
  public static let objectPath = "/org/offlineaccess/Factor1"
  public static let interface = "org.offlineaccess.Factor1"
  public static let activationParent = "/org/offlineaccess/Factor1/activation"
  public static let activationInterface = "org.offlineaccess.Factor1.Activation"
  public static let errorPrefix = "org.offlineaccess.Factor1.Error."
  public static let standardErrorPrefix = "org.freedesktop.DBus.Error."
  /// The system bus's socket; fixed, because a caller's environment must not choose it.
  public static let systemBusSocket = "/run/dbus/system_bus_socket"
  /// The service's own socket, for root alone, while it runs: the same objects by peer-to-peer D-Bus.
  public static let rootSocket = "/run/offline-access/root"
}

/// Members of the factor's interface.
public enum FactorMember: String, CaseIterable, Sendable {
  case activate = "Activate"
  case reactivate = "Reactivate"
  case authenticate = "Authenticate"
  case remainingAllowance = "RemainingAllowance"
  case deactivate = "Deactivate"
  case renew = "Renew"
}

/// Members of an activation's interface.
public enum ActivationMember: String, CaseIterable, Sendable {
  case confirm = "Confirm"
  case cancel = "Cancel"
}

/// The advisory signal of both interfaces.
public let progressSignal = "Progress"

/// Constant properties of the factor's interface.
public enum FactorProperty: String, CaseIterable, Sendable {
  case version = "Version"
  case methods = "Methods"
  case authority = "Authority"
}

/// Keys of the `a{sv}` options that callers may send.
public enum OptionKey: String, CaseIterable, Sendable {
  /// Activate, Reactivate: name shown for this machine in the authenticator app.
  case name
  /// Reactivate: the present passcode, as the fresh yes of the present factor.
  case response
  /// Authenticate: the PAM service.
  case service
  /// Authenticate: `login`, `unlock` or `elevation`.
  case purpose
  /// Authenticate, Reactivate: the remote host.
  case remote
  /// Authenticate, Reactivate, Confirm: the PIN of a security key.
  case pin
  /// Confirm: `yes` to prove the new factor without storing it.
  case trial
}

/// The one value of options that are there or not.
public let optionYes = "yes"

/// Keys of allowance and outcome.
public enum AllowanceKey: String, CaseIterable, Sendable {
  case activated
  case offer
  case method
  case state
  case limit
  case remaining
  case counts
  case lastDay = "last-day"
  case expires
  case lockedUntil = "locked-until"
  case message
  /// Outcome only.
  case via
  // Where an online authority is configured.
  case authority
  case later
  case lastOnline = "last-online"
  case lastOffline = "last-offline"
  case offlineReason = "offline-reason"
}

/// Keys of the details of Progress.
public enum ProgressKey: String, CaseIterable, Sendable {
  case message
  case prompt
}

/// Keys of an activation's challenge and of the details of Confirm.
public enum ChallengeKey: String, CaseIterable, Sendable {
  case method
  case uri
  case secret
  case issuer
  case account
  case digits
  case period
  case expires
  case steps
  case message
}

extension Refusal.Reason {
  /// The D-Bus error name of this reason.
  public var busName: String {
    (isStandard ? BusName.standardErrorPrefix : BusName.errorPrefix) + rawValue
  }

  /// The reason behind a D-Bus error name, or nil where the name is not of this contract.
  public init?(busName: String) {
    for prefix in [BusName.errorPrefix, BusName.standardErrorPrefix] where busName.hasPrefix(prefix) {
      if let reason = Self(rawValue: String(busName.dropFirst(prefix.count))),
        reason.isStandard == (prefix == BusName.standardErrorPrefix)
      {
        self = reason
        return
      }
    }
    return nil
  }
}
