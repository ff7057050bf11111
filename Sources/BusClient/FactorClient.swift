// The contract's members as Swift functions. This file also compiles as Embedded Swift.
#if canImport(OfflineAccess)
  import BusInterface
  import OfflineAccess
#endif

/// What a front end tells the service beside the response; empty words are not sent.
public struct AuthenticateOptions: Sendable, Equatable {
  /// The PAM service.
  public var service: String
  public var purpose: Purpose?
  /// The remote host.
  public var remote: String
  /// The PIN of a security key.
  public var pin: String

  public init(service: String = "", purpose: Purpose? = nil, remote: String = "", pin: String = "") {
    self.service = service
    self.purpose = purpose
    self.remote = remote
    self.pin = pin
  }

  var dictionary: BusDictionary {
    var options = BusDictionary()
    if !service.isEmpty { options.append(OptionKey.service.rawValue, .string(service)) }
    if let purpose { options.append(OptionKey.purpose.rawValue, .string(purpose.rawValue)) }
    if !remote.isEmpty { options.append(OptionKey.remote.rawValue, .string(remote)) }
    if !pin.isEmpty { options.append(OptionKey.pin.rawValue, .string(pin)) }
    return options
  }
}

/// What a front end tells the service with a confirmation.
public struct ConfirmOptions: Sendable, Equatable {
  /// The PIN of a security key; not sent where it is empty.
  public var pin: String
  /// Whether the factor is only proven: `confirm` with an empty response and without this stores it.
  public var isTrial: Bool

  public init(pin: String = "", isTrial: Bool = false) {
    self.pin = pin
    self.isTrial = isTrial
  }

  var dictionary: BusDictionary {
    var options = BusDictionary()
    if !pin.isEmpty { options.append(OptionKey.pin.rawValue, .string(pin)) }
    if isTrial { options.append(OptionKey.trial.rawValue, .string(optionYes)) }
    return options
  }
}

/// The service as its callers see it. Each function blocks for at most its `Patience`. A user of ""
/// is the caller.
public struct FactorClient {
  public let connection: BusConnection
  /// Whether polkit may ask somebody for a password on the way; then calls wait for minutes.
  public var interactive: Bool
  /// Ends a wait for a touch where it says so; asked several times a second.
  public var isGivenUp: (() -> Bool)?

  public init(_ connection: BusConnection, interactive: Bool = false) {
    self.connection = connection
    self.interactive = interactive
  }

  public func remainingAllowance(_ user: String) throws(BusFailure) -> Allowance {
    try allowance(
      connection.call(
        member: FactorMember.remainingAllowance.rawValue, arguments: [.string(user)],
        returning: "a{sv}", timeout: Patience.allowance))
  }

  /// A return is a yes; a no is thrown. For answers that the service gives by itself.
  public func authenticate(
    _ user: String, response: String, options: AuthenticateOptions = AuthenticateOptions()
  ) throws(BusFailure) -> Allowance {
    try allowance(
      connection.call(
        member: FactorMember.authenticate.rawValue,
        arguments: [.string(user), .string(response), .dictionary(options.dictionary)],
        returning: "a{sv}", timeout: Patience.passcode))
  }

  /// The same where a touch of a security key may be waited for.
  public func authenticate(
    _ user: String, response: String, options: AuthenticateOptions = AuthenticateOptions(),
    progress: (ProgressReport) -> Void
  ) throws(BusFailure) -> Allowance {
    try allowance(
      connection.call(
        member: FactorMember.authenticate.rawValue,
        arguments: [.string(user), .string(response), .dictionary(options.dictionary)],
        returning: "a{sv}", timeout: Patience.touch, isGivenUp: isGivenUp, progress: progress))
  }

  /// Starts a set-up. `name` is this machine's name in the app; "" leaves it to the service.
  public func activate(
    _ user: String, method: FactorMethod, name: String = ""
  ) throws(BusFailure) -> Challenge {
    var options = BusDictionary()
    if !name.isEmpty { options.append(OptionKey.name.rawValue, .string(name)) }
    return try begin(.activate, user, method, options)
  }

  /// Starts to replace the factor. `response` is a passcode of the present one; "" goes without.
  public func reactivate(
    _ user: String, method: FactorMethod, name: String = "", response: String = ""
  ) throws(BusFailure) -> Challenge {
    var options = BusDictionary()
    if !name.isEmpty { options.append(OptionKey.name.rawValue, .string(name)) }
    if !response.isEmpty { options.append(OptionKey.response.rawValue, .string(response)) }
    return try begin(.reactivate, user, method, options)
  }

  /// The same with a touch of the present security key as proof, which is waited for.
  public func reactivateByTouch(
    _ user: String, method: FactorMethod, name: String = "", pin: String = "", progress: (ProgressReport) -> Void
  ) throws(BusFailure) -> Challenge {
    var options: BusDictionary = [OptionKey.response.rawValue: .string("")]
    if !name.isEmpty { options.append(OptionKey.name.rawValue, .string(name)) }
    if !pin.isEmpty { options.append(OptionKey.pin.rawValue, .string(pin)) }
    return try challenge(
      connection.call(
        member: FactorMember.reactivate.rawValue,
        arguments: [.string(user), .string(method.rawValue), .dictionary(options)],
        returning: "oa{sv}", timeout: Patience.touch, isGivenUp: isGivenUp, progress: progress))
  }

  /// Proves the new factor by a code. For a security key see the form with `progress`.
  public func confirm(
    _ activation: String, response: String, options: ConfirmOptions = ConfirmOptions()
  ) throws(BusFailure) -> (complete: Bool, details: BusDictionary) {
    try confirmation(
      connection.call(
        path: activation, interface: BusName.activationInterface,
        member: ActivationMember.confirm.rawValue,
        arguments: [.string(response), .dictionary(options.dictionary)],
        returning: "ba{sv}", timeout: Patience.passcode))
  }

  /// Proves the new factor by a touch, waiting for it.
  public func confirm(
    _ activation: String, response: String, options: ConfirmOptions = ConfirmOptions(),
    progress: (ProgressReport) -> Void
  ) throws(BusFailure) -> (complete: Bool, details: BusDictionary) {
    try confirmation(
      connection.call(
        path: activation, interface: BusName.activationInterface,
        member: ActivationMember.confirm.rawValue,
        arguments: [.string(response), .dictionary(options.dictionary)],
        returning: "ba{sv}", timeout: Patience.touch, isGivenUp: isGivenUp, progress: progress))
  }

  /// Drops a set-up.
  public func cancel(_ activation: String) throws(BusFailure) {
    _ = try connection.call(
      path: activation, interface: BusName.activationInterface,
      member: ActivationMember.cancel.rawValue, returning: "", timeout: Patience.cancel)
  }

  public func deactivate(_ user: String) throws(BusFailure) {
    _ = try connection.call(
      member: FactorMember.deactivate.rawValue, arguments: [.string(user)], returning: "",
      interactive: interactive, timeout: administration)
  }

  public func renew(_ user: String) throws(BusFailure) -> Allowance {
    try allowance(
      connection.call(
        member: FactorMember.renew.rawValue, arguments: [.string(user)], returning: "a{sv}",
        interactive: interactive, timeout: administration))
  }

  /// The value of a property, out of its variant.
  public func property(_ property: FactorProperty) throws(BusFailure) -> BusValue {
    let reply = try connection.call(
      interface: "org.freedesktop.DBus.Properties", member: "Get",
      arguments: [.string(BusName.interface), .string(property.rawValue)], returning: "v",
      timeout: Patience.allowance)
    guard let value = reply.first else { throw .malformed }
    return value
  }

  /// The kinds of factor that can be set up; words stay as they travelled.
  public func methods() throws(BusFailure) -> [String] {
    guard case .strings(let names) = try property(.methods) else { throw .malformed }
    return names
  }

  // MARK: Shared parts

  private var administration: Int32 { interactive ? Patience.dialogue : Patience.passcode }

  private func begin(
    _ member: FactorMember, _ user: String, _ method: FactorMethod, _ options: BusDictionary
  ) throws(BusFailure) -> Challenge {
    try challenge(
      connection.call(
        member: member.rawValue,
        arguments: [.string(user), .string(method.rawValue), .dictionary(options)],
        returning: "oa{sv}", interactive: interactive, timeout: administration))
  }

  private func challenge(_ reply: [BusValue]) throws(BusFailure) -> Challenge {
    guard reply.count == 2, case .objectPath(let path) = reply[0],
      case .dictionary(let dictionary) = reply[1]
    else { throw .malformed }
    return try Challenge(activation: path, dictionary)
  }

  private func allowance(_ reply: [BusValue]) throws(BusFailure) -> Allowance {
    guard reply.count == 1, case .dictionary(let dictionary) = reply[0] else { throw .malformed }
    return try Allowance(dictionary)
  }

  private func confirmation(
    _ reply: [BusValue]
  ) throws(BusFailure) -> (complete: Bool, details: BusDictionary) {
    guard reply.count == 2, case .boolean(let complete) = reply[0],
      case .dictionary(let details) = reply[1]
    else { throw .malformed }
    return (complete, details)
  }
}
