import Foundation
import Testing

/// The service with an online service as its authority: a real privacyIDEA where nothing else is said.
enum OnlineService {
  static let program = "/usr/libexec/offline-access-online"
  static let folder = "/etc/offline-access/authority"

  /// Starts anew with the authority at `port` (the real one's where it is not given) and `more` settings of
  /// [Authority], behind which other sections may follow.
  static func reset(port: Int? = nil, _ more: String = "", other: String = "") throws {
    try Machine.reset(try configuration(port: port, more, other: other))
  }

  static func configuration(port: Int? = nil, _ more: String = "", other: String = "") throws -> String {
    let settings = try PrivacyIDEAServer.settings(port: port)
    try write(settings.publicKey, to: "key.pem")
    return try text(
      ["kind=privacyidea", "url=\(settings.url)", "public-key=\(folder)/key.pem"], more, other: other)
  }

  /// The configuration for a stand-in of Duo's at `port`.
  static func duo(port: String, _ more: String = "", other: String = "") throws -> String {
    try write("deadbeefdeadbeefdeadbeefdeadbeefdeadbeef\n".utf8, to: "skey", mode: 0o600)
    return try text(
      ["kind=duo", "host=localhost:\(port)", "ikey=DIXXXXXXXXXXXXXXXXXX", "skey-file=\(folder)/skey"], more,
      other: other)
  }

  /// The configuration for a real FreeRADIUS.
  static func radius(_ more: String = "", other: String = "") throws -> String {
    let settings = try FreeRADIUSServer.settings()
    try write(settings.secret, to: "secret", mode: 0o600)
    return try text(["kind=radius", "servers=\(settings.servers)", "secret-file=\(folder)/secret"], more, other: other)
  }

  private static func text(_ settings: [String], _ more: String, other: String) throws -> String {
    try write(try OnlinePKI.authority(), to: "ca.pem")
    let own = settings + (settings[0] == "kind=radius" ? [] : ["ca-file=\(folder)/ca.pem"])
    return "[Service]\nidle-exit=0\n\(other)\n[Authority]\n\(own.joined(separator: "\n"))\n\(more)\n"
  }

  static func write(_ bytes: some Sequence<UInt8>, to name: String, mode: Int = 0o644) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Machine.write(String(decoding: Array(bytes), as: UTF8.self), to: "\(folder)/\(name)", mode: mode)
  }

  /// A user of this machine and of the server.
  static func newUser() throws -> String {
    let name = try Machine.newUser()
    try PrivacyIDEAServer.tell("user \(name)")
    return name
  }

  /// The processes that talk with an authority now.
  static func talks() throws -> [Int32] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap(Int32.init).filter { pid in
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/exe")) == program
    }
  }
}

/// Somebody with an account here and at the server.
final class OnlineUser {
  let name: String
  /// The serial of their token there: a push token, or one by counter.
  let token: String
  private let digits: Int
  private var used = 0

  /// - Parameter digits: of a token by counter. Of eight they are never a code of a phone of ours.
  init(push: Bool = false, digits: Int = 6) throws {
    name = try OnlineService.newUser()
    self.digits = digits
    let command = push ? "push \(name)" : "\(digits == 8 ? "hotp8" : "hotp") \(name) \(PrivacyIDEAServer.secret)"
    token = try PrivacyIDEAServer.tell(command)
  }

  /// The next code of the token by counter.
  func code() throws -> String {
    defer { used += 1 }
    let arguments = ["oathtool", "--hotp", "-d", String(digits), PrivacyIDEAServer.secret, "-c", String(used)]
    return trimmed(try run(arguments).expectSuccess().output)
  }

  /// Authenticates online by a code.
  @discardableResult
  func approve(sourceLocation: SourceLocation = #_sourceLocation) throws -> BusAnswer {
    let outcome = expectYes(try Factor.root.authenticate(name, code()), sourceLocation: sourceLocation)
    #expect(outcome["via"] == "online", sourceLocation: sourceLocation)
    return outcome
  }

  /// Sets up a phone after an approval by a code.
  func activate() throws -> Phone {
    try approve()
    return try Phone.activated(name)
  }

  /// What the phone with the push token does with the open request, once there is one.
  func answerPush(_ answer: String = "accept") throws { try PrivacyIDEAServer.tell("phone \(token) \(answer)") }
}

/// A way to the real server that can be cut.
struct ServerRelay {
  private let program: OnlineHelper
  let port: Int

  init() throws {
    program = try OnlineHelper("relay.py", [String(try PrivacyIDEAServer.port())])
    port = try #require(Int(program.greeting))
  }

  func up() throws { try program.tell("up") }
  func down() throws { try program.tell("down") }
  func flap(_ count: Int) throws { try program.tell("flap \(count)") }
}
