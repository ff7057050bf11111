/// One key of the configuration: how its text becomes policy. The list `all` is the only one, behind
/// the parser, `doctor` and the manual.
public struct Setting: Sendable {
  /// Why a value is refused, as the end of the sentence "KEY=VALUE: …".
  public struct BadValue: Error, Sendable { public let reason: String }

  public let section: String
  public let key: String
  /// What may stand behind the equals sign.
  public let values: String
  public let summary: String
  let parse: @Sendable (String, inout Policy) throws(BadValue) -> Void
  let render: @Sendable (Policy) -> String

  /// Takes `text` into `policy`.
  public func apply(_ text: String, to policy: inout Policy) throws(BadValue) { try parse(text, &policy) }
  /// The value that `policy` holds, as it would stand in a file.
  public func text(in policy: Policy) -> String { render(policy) }

  /// Keys in the order of the manual.
  public static let all: [Setting] =
    [
      integer(
        "Service", "idle-exit", 0...86_400, \.idleExit,
        "Seconds without a call after which the service ends; the bus starts it again. 0 keeps it running."),
      names(
        "Service", "greeter-users", \.greeterUsers,
        "Users that greeters run as: they may read every user's remaining allowance, and nothing else."),
      list("Factor", "methods", \.methods, "Kinds of factor that may be set up.") {
        $0.isEmpty ? "at least one is needed" : nil
      },
      choice(
        "Factor", "passcode", \.passcode,
        "Kind of passcode for factors set up from now on: by time (RFC 6238) or by counter (RFC 4226)."),
      Setting(
        section: "Factor", key: "issuer",
        values: "text without colon, at most 64 characters; empty: \(Policy.defaultIssuer)",
        summary: "Name that the authenticator app shows above the code.",
        parse: { (text, policy) throws(BadValue) in
          guard text.count <= 64,
            !text.unicodeScalars.contains(where: { $0 == ":" || $0.value < 0x20 || $0.value == 0x7f })
          else { throw BadValue(reason: "at most 64 characters, without colon and control characters") }
          policy.issuer = text
        }, render: { $0.issuer }),
      exemptions,
      choice(
        "SecurityKey", "verification", \.securityKeys.verification,
        "Whether a key has to know its user, by PIN or fingerprint, beside being touched: no, where it can, or always."),
      choice(
        "SecurityKey", "keys", \.securityKeys.admission,
        "Which keys may be set up and used: those of the families listed in /usr/share/offline-access/security-keys.conf, any that speaks FIDO2 or U2F, or only those that allow names."
      ),
      patterns(
        "SecurityKey", "allow", \.securityKeys.allowed,
        "Keys that are admitted beside the listed ones, by USB id (1050:0407), USB vendor (1050:*) or AAGUID."),
      patterns(
        "SecurityKey", "refuse", \.securityKeys.refused,
        "Keys that are refused whatever else is said, named in the same way."),
      path(
        "SecurityKey", "attestation-ca-file", \.securityKeys.attestationRoots,
        "Certificates (PEM) to one of which the attestation of a new key must lead; empty: no attestation is asked for."
      ),
      choice(
        "Activation", "standing-alone", \.standingAlone,
        "Who sets up a factor where no online authority is configured: the administrator, or also the user after the password of the first login."
      ),
      optionalInteger(
        "Activation", "later", 0...1000, \.postponements,
        "How often a user may put the set-up off that is offered after an online authentication; then it has to be done. Empty: as often as they like."
      ),
      choice(
        "Allowance", "limit", \.limit, "What bounds offline access: a number of logins, a last day, both, or nothing."),
      integer("Allowance", "logins", 1...1_000_000, \.logins, "Offline logins until an authority must renew them."),
      integer(
        "Allowance", "days", 1...3650, \.days,
        "Days after the day of the grant until an authority must renew it; the last one counts whole."),
      optionalInteger(
        "Allowance", "while-connected", 0...1_000_000, \.whileConnected,
        "How many of these logins may be used while this computer has a network and only the online service cannot be reached. Empty: all."
      ),
      Setting(
        section: "Allowance", key: "counts", values: listValues(Purpose.self),
        summary: "Purposes that draw down the number of logins. The others need the factor too, but cost nothing.",
        parse: { (text, policy) throws(BadValue) in policy.counts = Set(try items(text, of: Purpose.self)) },
        render: { policy in Purpose.allCases.filter(policy.counts.contains).map(\.rawValue).joined(separator: ";") }),
      integer("Allowance", "warn-at", 0...1000, \.warnAt, "Logins or days left from which on the user is warned."),
      choice(
        "Failure", "mode", \.failureMode,
        "What happens to a user without a factor: refused, or let in (logged and said). A user with a factor is never let in without it."
      ),
      integer(
        "Failure", "attempts", 1...100, \.attempts,
        "Consecutive failures that lock, for 30 seconds at first and for twice as long with each further failure, up to an hour."
      ),
    ] + authority

  private static let exemptions = Setting(
    section: "Factor", key: "exempt", values: "list of USER and @GROUP",
    summary: "Users and groups that need no second factor.",
    parse: { (text, policy) throws(BadValue) in
      policy.exempt = try names(in: text).map { (name) throws(BadValue) in
        guard name.first == "@" else { return .user(name) }
        guard name.count > 1 else { throw BadValue(reason: "a group's name is missing behind @") }
        return .group(String(name.dropFirst()))
      }
    },
    render: { policy in
      policy.exempt.map { exemption in
        switch exemption {
        case .user(let name): name
        case .group(let name): "@" + name
        }
      }.joined(separator: ";")
    })
}
