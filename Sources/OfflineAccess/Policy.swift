/// What the administrator chose. The defaults here are the only ones.
public struct Policy: Equatable, Sendable {
  /// How passcodes move on.
  public enum PasscodeKind: String, CaseIterable, Sendable {
    /// By time, RFC 6238.
    case totp
    /// By a counter, RFC 4226.
    case hotp
  }
  /// Who may set up a factor where no online authority is configured.
  public enum StandingAlone: String, CaseIterable, Sendable {
    case administrator
    case firstLogin = "first-login"
  }
  /// What happens to a user without a factor.
  public enum FailureMode: String, CaseIterable, Sendable {
    case closed
    case open
  }
  /// A user or a group (`@name`) that needs no factor.
  public enum Exemption: Hashable, Sendable {
    case user(String)
    case group(String)
  }

  /// Seconds without a call after which the service ends; 0 never.
  public var idleExit = 30
  /// Users that may read every user's allowance: those that greeters run as.
  public var greeterUsers = ["lightdm", "gdm", "sddm", "greeter"]
  public var methods: [FactorMethod] = [.passcode, .securityKey]
  public var passcode = PasscodeKind.totp
  /// Shown by the authenticator app; empty stands for `Policy.defaultIssuer`.
  public var issuer = ""
  public var exempt: [Exemption] = [.user("root")]
  public var securityKeys = SecurityKeyPolicy()
  public var standingAlone = StandingAlone.administrator
  public var limit = LimitKind.logins
  public var logins = 10
  public var days = 7
  /// The purposes that draw down the number of logins.
  public var counts: Set<Purpose> = [.login, .elevation]
  /// A warning is added when this many logins or days, or fewer, are left.
  public var warnAt = 3
  public var failureMode = FailureMode.closed
  /// Consecutive failures that lock.
  public var attempts = 5
  public var authority = AuthorityPolicy()
  /// Offline logins that may be used while there is a network; nil for no limit of its own.
  public var whileConnected: Int?
  /// How often an offered set-up may be put off; nil for ever.
  public var postponements: Int?

  public static let defaultIssuer = "Offline Access"
  public init() {}
}
