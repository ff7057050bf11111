/// How the online authority is reached, and what its words count for. Which keys matter is up to the kind.
public struct AuthorityPolicy: Equatable, Sendable {
  /// What a bypass, a yes without a factor, counts for.
  public enum Bypass: String, CaseIterable, Sendable {
    case refuse
    case allow
  }
  /// What follows when the authority cannot be used as it is configured.
  public enum Misconfiguration: String, CaseIterable, Sendable {
    case refuse
    case offline
  }
  public enum Push: String, CaseIterable, Sendable {
    case no
    case yes
  }

  public var kind = AuthorityKind.none
  /// privacyIDEA: where it is, `https://NAME[:PORT][/PATH]`.
  public var url = ""
  /// privacyIDEA: the users' realm; empty for the server's own.
  public var realm = ""
  /// privacyIDEA: file of the key (PEM) that signs its replies.
  public var publicKeyFile = ""
  /// Duo: `NAME[:PORT]` of its API.
  public var host = ""
  /// Duo: the integration key.
  public var integrationKey = ""
  /// Duo: file of the secret key.
  public var secretKeyFile = ""
  /// RADIUS: `NAME[:PORT]` each, asked in turn.
  public var servers: [String] = []
  /// RADIUS: file of the shared secret.
  public var secretFile = ""
  /// HTTPS: file of the only certificates (PEM) that count; empty for the system's.
  public var caFile = ""
  /// HTTPS: keys (`sha256//BASE64`) one of which the server has to have; empty for any.
  public var pinnedKeys: [String] = []
  /// HTTPS: `http://NAME:PORT`; empty for none.
  public var proxy = ""
  /// The user's name there: `%u` the user, `%h` this machine, `%%` a percent sign.
  public var userTemplate = "%u"
  /// Whether an authentication begins with an empty code, so that the server may send a request to the phone.
  public var push = Push.no
  /// Seconds after which it counts as unreachable.
  public var timeout = AuthorityPolicy.longestTimeout
  public var bypass = Bypass.refuse
  public var whenMisconfigured = Misconfiguration.refuse

  /// What stands before the name of a credential of systemd's in a file's place.
  public static let credentialPrefix = "credential:"
  /// Nobody waits longer before being asked for anything.
  public static let longestTimeout = 8

  public init() {}

  /// The first key that `kind` needs and that is empty.
  public var missingKey: String? {
    let needed: [(String, Bool)] =
      switch kind {
      case .none: []
      case .privacyIDEA: [("url", url.isEmpty)]
      case .duo: [("host", host.isEmpty), ("ikey", integrationKey.isEmpty), ("skey-file", secretKeyFile.isEmpty)]
      case .radius: [("servers", servers.isEmpty), ("secret-file", secretFile.isEmpty)]
      }
    return needed.first { $0.1 }?.0
  }
}
