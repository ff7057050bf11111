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
  public static let all: [Setting] = [
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
      "Activation", "standing-alone", \.standingAlone,
      "Who sets up a factor where no online authority is configured: the administrator, or also the user after the password of the first login."
    ),
    choice(
      "Allowance", "limit", \.limit, "What bounds offline access: a number of logins, a last day, both, or nothing."),
    integer("Allowance", "logins", 1...1_000_000, \.logins, "Offline logins until an authority must renew them."),
    integer(
      "Allowance", "days", 1...3650, \.days,
      "Days after the day of the grant until an authority must renew it; the last one counts whole."),
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
    Setting(
      section: "Authority", key: "kind", values: "none",
      summary: "Online service that vouches for users; none: the administrator does.",
      parse: { (text, policy) throws(BadValue) in
        guard let kind = AuthorityKind(rawValue: text) else { throw BadValue(reason: "expected none") }
        guard kind == .none else { throw BadValue(reason: "this version supports no online authority; expected none") }
        policy.authority = kind
      }, render: { $0.authority.rawValue }),
  ]

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

// The kinds of setting.
extension Setting {
  private static func integer(
    _ section: String, _ key: String, _ range: ClosedRange<Int>, _ path: WritableKeyPath<Policy, Int> & Sendable,
    _ summary: String
  ) -> Setting {
    Setting(
      section: section, key: key, values: "\(range.lowerBound) to \(range.upperBound)", summary: summary,
      parse: { (text, policy) throws(BadValue) in
        // Digits only: Int also takes a plus sign, which no one writes on purpose.
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
          let value = Int(text), range.contains(value)
        else { throw BadValue(reason: "expected a whole number from \(range.lowerBound) to \(range.upperBound)") }
        policy[keyPath: path] = value
      }, render: { String($0[keyPath: path]) })
  }

  private static func choice<T: CaseIterable & RawRepresentable<String> & Sendable>(
    _ section: String, _ key: String, _ path: WritableKeyPath<Policy, T> & Sendable, _ summary: String
  ) -> Setting {
    let words = T.allCases.map(\.rawValue)
    return Setting(
      section: section, key: key, values: words.joined(separator: "|"), summary: summary,
      parse: { (text, policy) throws(BadValue) in
        guard let value = T(rawValue: text) else { throw BadValue(reason: "expected \(words.joined(separator: ", "))") }
        policy[keyPath: path] = value
      }, render: { $0[keyPath: path].rawValue })
  }

  private static func list<T: CaseIterable & RawRepresentable<String> & Sendable>(
    _ section: String, _ key: String, _ path: WritableKeyPath<Policy, [T]> & Sendable, _ summary: String,
    check: @escaping @Sendable ([T]) -> String?
  ) -> Setting {
    Setting(
      section: section, key: key, values: listValues(T.self), summary: summary,
      parse: { (text, policy) throws(BadValue) in
        let value = try items(text, of: T.self)
        if let reason = check(value) { throw BadValue(reason: reason) }
        policy[keyPath: path] = value
      }, render: { $0[keyPath: path].map(\.rawValue).joined(separator: ";") })
  }

  private static func names(
    _ section: String, _ key: String, _ path: WritableKeyPath<Policy, [String]> & Sendable, _ summary: String
  ) -> Setting {
    Setting(
      section: section, key: key, values: "list of USER", summary: summary,
      parse: { (text, policy) throws(BadValue) in policy[keyPath: path] = try names(in: text) },
      render: { $0[keyPath: path].joined(separator: ";") })
  }

  private static func listValues<T: CaseIterable & RawRepresentable<String>>(_: T.Type) -> String {
    "list of " + T.allCases.map(\.rawValue).joined(separator: ", ")
  }

  /// Items between semicolons; one at the end is allowed, as GLib writes it.
  private static func fields(_ text: String) -> [String] {
    var fields = text.split(separator: ";", omittingEmptySubsequences: false).map { field in
      String(field.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
    if fields.last == "" { fields.removeLast() }
    return fields
  }

  private static func items<T: CaseIterable & RawRepresentable<String>>(_ text: String, of: T.Type) throws(BadValue)
    -> [T]
  {
    var items: [T] = []
    for field in fields(text) {
      guard let item = T(rawValue: field) else {
        throw BadValue(reason: "“\(field)” is none of \(T.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      // A word twice means what it means once.
      if !items.contains(where: { $0.rawValue == field }) { items.append(item) }
    }
    return items
  }

  private static func names(in text: String) throws(BadValue) -> [String] {
    let names = fields(text)
    for name in names
    where name.isEmpty || name.unicodeScalars.contains(where: { $0.value <= 0x20 || $0 == ":" || $0.value == 0x7f }) {
      throw BadValue(reason: "“\(name)” is no name")
    }
    return names
  }
}
