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

  init(
    action: String, message: String, icon: String, details: [(key: String, value: String)], cookie: String,
    identities: [Identity]
  ) {
    self.action = action
    self.message = message
    self.icon = icon
    self.details = details
    self.cookie = cookie
    self.identities = identities
  }

  /// Reads the arguments of BeginAuthentication; nil where they are not those, or nobody may answer.
  static func read(_ arguments: [Value]) async -> AuthenticationRequest? {
    guard arguments.count == 6, let action = arguments[0].text, let message = arguments[1].text,
      let icon = arguments[2].text, case .stringMap(let details) = arguments[3], let cookie = arguments[4].text,
      case .structures(let identities, _) = arguments[5]
    else { return nil }
    let users = await Identity.users(identities)
    guard !users.isEmpty, !cookie.isEmpty, !cookie.contains("\n") else { return nil }
    return AuthenticationRequest(
      action: action, message: message, icon: icon, details: details.map { (key: $0.0, value: $0.1) }, cookie: cookie,
      identities: users)
  }

  private func detail(_ key: String) -> String? {
    details.first { $0.key == key }.map { shown($0.value) }.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// What is to be run, where polkit hands on what the one who asks says of it, or that one is pkexec.
  public var program: String? {
    if let program = detail("command_line") ?? detail("program") { return program }
    guard let pid = detail("polkit.caller-pid").flatMap(UInt32.init), let caller = ProcessFile(pid),
      caller.name == "pkexec"
    else { return nil }
    return caller.commandLine.map(shown)
  }

  /// The process that asks, by its name and number.
  public var caller: String? {
    guard let pid = (detail("polkit.subject-pid") ?? detail("polkit.caller-pid")).flatMap(UInt32.init),
      let process = ProcessFile(pid)
    else { return nil }
    return "\(shown(process.name)) (\(pid))"
  }
}
