import GLibBus

/// A question of polkit's: who wants what, and who may answer for it.
public struct AuthenticationRequest: Sendable {
  /// The action's name, as `org.freedesktop.policykit.exec`.
  public let action: String
  /// What it is for, in the language that the agent registered with.
  public let message: String
  /// The name of an icon; "" where there is none.
  public let icon: String
  /// What the program that asks says of itself, and polkit of that program.
  public let details: [(key: String, value: String)]
  /// polkit's word for this question. Whoever knows it can answer for the users below, with a factor of theirs.
  let cookie: String
  /// Who may answer, at least one.
  public let identities: [Identity]
  /// What is to be run, where polkit hands on what the one who asks says of it, or that one is pkexec.
  public let program: String?
  /// The process that asks, by its name and number.
  public let caller: String?

  init(
    action: String, message: String, icon: String = "", details: [(key: String, value: String)] = [], cookie: String,
    identities: [Identity]
  ) {
    self.action = action
    self.message = message
    self.icon = icon
    self.details = details
    self.cookie = cookie
    self.identities = identities
    func detail(_ key: String) -> String? {
      details.first { $0.key == key }.map { shown($0.value) }.flatMap { $0.isEmpty ? nil : $0 }
    }
    func process(_ key: String) -> ProcessFile? { detail(key).flatMap(UInt32.init).flatMap(ProcessFile.init) }
    // Looked up now: until its turn comes, another process may have the number.
    let asking = process("polkit.caller-pid")
    program =
      detail("command_line") ?? detail("program") ?? (asking?.name == "pkexec" ? asking?.commandLine.map(shown) : nil)
    let subject = detail("polkit.subject-pid") == nil ? asking : process("polkit.subject-pid")
    caller = subject.map { "\(shown($0.name)) (\($0.pid))" }
  }

  /// The cookie in the arguments of BeginAuthentication; nil where there is none that could be handed to a helper.
  static func cookie(of arguments: [Value]) -> String? {
    guard arguments.count == 6, let cookie = arguments[4].text, !cookie.isEmpty, !cookie.contains("\n") else {
      return nil
    }
    return cookie
  }

  /// Reads the arguments of BeginAuthentication; nil where they are not those, or nobody may answer.
  static func read(_ arguments: [Value]) async -> AuthenticationRequest? {
    guard let cookie = cookie(of: arguments), let action = arguments[0].text, let message = arguments[1].text,
      let icon = arguments[2].text, case .stringMap(let details) = arguments[3],
      case .structures(let identities, _) = arguments[5]
    else { return nil }
    let users = await Identity.users(identities)
    guard !users.isEmpty else { return nil }
    return AuthenticationRequest(
      action: action, message: message, icon: icon, details: details.map { (key: $0.0, value: $0.1) }, cookie: cookie,
      identities: users)
  }
}
