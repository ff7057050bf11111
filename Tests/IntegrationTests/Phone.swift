import Foundation
import Testing

/// An authenticator app: oathtool, knowing nothing but the provisioning URI.
struct Phone {
  let secret: String
  let isTime: Bool

  init(uri: String) throws {
    let parts = try #require(URLComponents(string: uri))
    #expect(parts.scheme == "otpauth")
    isTime = parts.host == "totp"
    secret = try #require(parts.queryItems?.first { $0.name == "secret" }?.value)
  }

  /// The code that a phone shows whose clock is `seconds` ahead of the service's.
  func code(ahead seconds: Int = 0) throws -> String { try code(at: Clock.now + seconds) }

  /// The code of a moment in seconds since 1970.
  func code(at time: Int) throws -> String {
    trimmed(try run("oathtool", "--totp", "-b", secret, "--now", "@\(time)").expectSuccess().output)
  }

  /// The code of a counter.
  func code(counter: Int) throws -> String {
    trimmed(try run("oathtool", "--hotp", "-b", secret, "-c", String(counter)).expectSuccess().output)
  }

  /// The codes of `count` counters from `counter` on.
  func codes(_ count: Int, from counter: Int) throws -> [String] {
    try run("oathtool", "--hotp", "-b", secret, "-c", String(counter), "-w", String(count - 1)).expectSuccess().output
      .split(separator: "\n").map(String.init)
  }

  /// The next code that the service has not seen: a time step later.
  func nextCode() throws -> String {
    try Clock.advance(30)
    return try code()
  }

  /// A code that is right in none of the minutes around: a phone may well show 000000.
  func wrongCode() throws -> String {
    let first = try Clock.now - 120
    let near = try run("oathtool", "--totp", "-b", secret, "--now", "@\(first)", "-w", "8").expectSuccess().output
    return try #require((0...9).map { String(repeating: "\($0)", count: 6) }.first { !near.contains($0) })
  }

  /// Sets up `user` by root and returns the phone; the code used for it is spent.
  static func activated(_ user: String) throws -> Phone {
    let challenge = expectYes(try Factor.root.activate(user))
    let phone = try Phone(uri: try #require(challenge["uri"]))
    let code = phone.isTime ? try phone.code() : try phone.code(counter: 0)
    expectYes(try Factor.root.confirm(challenge.path, code))
    return phone
  }
}
