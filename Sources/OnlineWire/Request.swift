/// How the authority is reached: what the administrator configured, with the contents of the files.
public struct AuthoritySettings: Equatable, Sendable {
  public var kind: AuthorityName
  /// privacyIDEA: the base, such as `https://mfa.example.org`.
  public var url = ""
  /// privacyIDEA: the realm of the users; empty for the server's default.
  public var realm = ""
  /// privacyIDEA: begin with an empty passcode, so that the server may send a push. To a token with a PIN that is a
  /// failure which the server counts until the next success.
  public var trigger = true
  /// privacyIDEA: PEM of the key that signs its replies; empty for none.
  public var publicKey: [UInt8] = []
  /// Duo: `NAME[:PORT]` of its API.
  public var host = ""
  /// Duo: the integration key.
  public var integrationKey = ""
  /// RADIUS: `NAME[:PORT]`, several divided by ";"; an IPv6 address with a port stands in brackets.
  public var servers = ""
  /// Duo's secret key or the shared secret of RADIUS.
  public var secret: [UInt8] = []
  /// PEM of the only certificates that a server's may lead to; empty for the system's.
  public var authorities: [UInt8] = []
  /// libcurl's form, `sha256//BASE64`, several divided by ";"; empty for none.
  public var pinnedKey = ""
  /// An HTTP proxy; empty for none. The environment is not asked.
  public var proxy = ""
  /// `%u` is the user, `%h` the machine, `%%` a percent sign.
  public var userTemplate = "%u"

  public init(kind: AuthorityName) { self.kind = kind }
}

/// One authentication: whom the authority is asked about.
public struct OnlineSubject: Equatable, Sendable {
  public var user: String
  public var machine = ""
  /// The host that the user comes from; empty for one who sits here.
  public var remote = ""
  public var purpose = ""

  public init(user: String) { self.user = user }
}

/// What the service asks of the process.
public enum OnlineRequest: Equatable, Sendable {
  /// Milliseconds for whatever the process does before its reply.
  public static let usualDeadline: Int64 = 8000

  case begin(RequestID, AuthoritySettings, OnlineSubject, deadline: Int64 = usualDeadline)
  /// Instead of `begin`: is the authority there, and are we known to it? It proves nothing about a user.
  case probe(RequestID, AuthoritySettings, deadline: Int64 = usualDeadline)
  /// What the user typed.
  case answer(RequestID, code: [UInt8])
  /// Wait for the push to be decided, at most so long. A message that comes meanwhile ends the wait.
  case wait(RequestID, milliseconds: Int64)
  /// No answer is wanted any more. Closing the socket says the same.
  case abandon

  public var frame: Frame {
    switch self {
    case .begin(let id, let settings, let subject, let deadline):
      Frame(
        RequestKind.begin.rawValue,
        Self.fields(id, settings, deadline) + [
          (.user, subject.user.bytes), (.machine, subject.machine.bytes), (.remote, subject.remote.bytes),
          (.purpose, subject.purpose.bytes),
        ])
    case .probe(let id, let settings, let deadline):
      Frame(RequestKind.probe.rawValue, Self.fields(id, settings, deadline))
    case .answer(let id, let code):
      Frame(RequestKind.answer.rawValue, [(.request, id.hex.bytes), (.code, code)])
    case .wait(let id, let milliseconds):
      Frame(RequestKind.wait.rawValue, [(.request, id.hex.bytes), (.milliseconds, String(milliseconds).bytes)])
    case .abandon: Frame(kind: RequestKind.abandon.rawValue)
    }
  }

  public init(_ frame: Frame) throws(FrameFault) {
    guard let kind = RequestKind(rawValue: frame.kind) else { throw .unexpected(frame.kind) }
    var fields = FieldSource(frame)
    switch kind {
    case .begin:
      let (id, settings, deadline) = try Self.common(&fields)
      var subject = OnlineSubject(user: try fields.needed(.user))
      subject.machine = try fields.text(.machine) ?? ""
      subject.remote = try fields.text(.remote) ?? ""
      subject.purpose = try fields.text(.purpose) ?? ""
      guard !subject.user.isEmpty else { throw .unexpected(FieldName.user.rawValue) }
      self = .begin(id, settings, subject, deadline: deadline)
    case .probe:
      let (id, settings, deadline) = try Self.common(&fields)
      self = .probe(id, settings, deadline: deadline)
    case .answer:
      let id = try fields.requestID()
      guard let code = fields.bytes(.code) else { throw .unexpected(FieldName.code.rawValue) }
      self = .answer(id, code: code)
    case .wait:
      let id = try fields.requestID()
      guard let milliseconds = try fields.milliseconds(.milliseconds) else {
        throw .unexpected(FieldName.milliseconds.rawValue)
      }
      self = .wait(id, milliseconds: milliseconds)
    case .abandon: self = .abandon
    }
    try fields.end()
  }

  /// What `begin` and `probe` share; empty settings are left out.
  private static func fields(
    _ id: RequestID, _ settings: AuthoritySettings, _ deadline: Int64
  ) -> [(FieldName, [UInt8]?)] {
    let optional: [(FieldName, [UInt8])] = [
      (.url, settings.url.bytes), (.realm, settings.realm.bytes), (.publicKey, settings.publicKey),
      (.host, settings.host.bytes), (.integrationKey, settings.integrationKey.bytes),
      (.servers, settings.servers.bytes), (.secret, settings.secret), (.authorities, settings.authorities),
      (.pinnedKey, settings.pinnedKey.bytes), (.proxy, settings.proxy.bytes),
      (.userTemplate, settings.userTemplate.bytes),
    ]
    return optional.map { ($0, $1.isEmpty ? nil : $1) } + [
      (.request, id.hex.bytes), (.kind, settings.kind.rawValue.bytes), (.deadline, String(deadline).bytes),
      (.trigger, settings.trigger.word),
    ]
  }

  private static func common(
    _ fields: inout FieldSource
  ) throws(FrameFault) -> (RequestID, AuthoritySettings, Int64) {
    let id = try fields.requestID()
    var settings = AuthoritySettings(kind: try fields.word(.kind))
    settings.url = try fields.text(.url) ?? ""
    settings.realm = try fields.text(.realm) ?? ""
    settings.trigger = try fields.flag(.trigger)
    settings.publicKey = fields.bytes(.publicKey) ?? []
    settings.host = try fields.text(.host) ?? ""
    settings.integrationKey = try fields.text(.integrationKey) ?? ""
    settings.servers = try fields.text(.servers) ?? ""
    settings.secret = fields.bytes(.secret) ?? []
    settings.authorities = fields.bytes(.authorities) ?? []
    settings.pinnedKey = try fields.text(.pinnedKey) ?? ""
    settings.proxy = try fields.text(.proxy) ?? ""
    settings.userTemplate = try fields.text(.userTemplate) ?? "%u"
    return (id, settings, try fields.milliseconds(.deadline) ?? usualDeadline)
  }
}
