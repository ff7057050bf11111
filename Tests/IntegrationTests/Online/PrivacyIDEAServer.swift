import Foundation
import OnlineWire
import Testing

/// The environment that tools/online-servers made.
enum OnlineServers {
  static func folder() throws -> String {
    let tool = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/../../../tools/online-servers"
    let folder = try trimmed(run(tool, "--path").expectSuccess().output)
    try #require(FileManager.default.fileExists(atPath: folder), "tools/online-servers has to run before, outside")
    return folder
  }

  static func python() throws -> String { try folder() + "/bin/python" }

  /// A script beside this file.
  static func script(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(name).path
  }
}

/// A Python program that answers lines by "ok ..." or "error ...".
final class OnlineHelper {
  /// What it said first, usually its port.
  let greeting: String
  private let program: PromptDialogue

  init(_ script: String, _ arguments: [String] = []) throws {
    let line = "log=$1; shift; exec \"$@\" 2>>\"$log\""
    program = try PromptDialogue(
      ["sh", "-c", line, "sh", "/run/\(script).log", try OnlineServers.python(), OnlineServers.script(script)]
        + arguments)
    greeting = try Self.checked(program.wait(for: "\n"), script)
  }

  @discardableResult
  func tell(_ command: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
    program.answer(command)
    return try Self.checked(program.wait(for: "\n", sourceLocation: sourceLocation), command)
  }

  private static func checked(_ line: String, _ command: String) throws -> String {
    let answer = trimmed(line)
    try #require(answer == "ok" || answer.hasPrefix("ok "), "\(command): \(answer)")
    return trimmed(answer.dropFirst(2))
  }
}

/// Servers that fail, each in its way.
enum FaultServer {
  private nonisolated(unsafe) static let started = Result { try OnlineHelper("fault_server.py") }

  /// Starts one more and returns its port.
  static func start(_ mode: String, _ certificate: String = "server") throws -> Int {
    var words = mode.split(separator: " ", maxSplits: 1).map(String.init)
    words.insert(contentsOf: try OnlinePKI.server(certificate), at: 1)
    return try #require(Int(try started.get().tell(words.joined(separator: " "))))
  }
}

/// A real privacyIDEA with TLS on loopback; one for all tests, which take users of their own.
enum PrivacyIDEAServer {
  private static let folder = "/run/privacyidea"
  /// The secret of RFC 4226, appendix D, and its first codes.
  static let secret = "3132333435363738393031323334353637383930"
  static let codes = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871"]

  private nonisolated(unsafe) static let started = Result { () throws -> OnlineHelper in
    try run("cp", "-r", try OnlineServers.folder() + "/server", folder).expectSuccess()
    return try OnlineHelper("privacyidea_server.py", [folder] + OnlinePKI.server())
  }

  @discardableResult
  static func tell(_ command: String) throws -> String { try started.get().tell(command) }

  static func port() throws -> Int { try #require(Int(started.get().greeting)) }

  static func settings(port: Int? = nil) throws -> AuthoritySettings {
    var settings = AuthoritySettings(kind: .privacyidea)
    settings.url = try "https://localhost:\(port ?? self.port())"
    settings.authorities = try OnlinePKI.authority()
    settings.publicKey = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/public.pem")))
    return settings
  }

  /// A user of the server's, by a name of its own.
  static func newUser() throws -> String {
    let name = "pi" + String(UInt32.random(in: 0...UInt32.max), radix: 36)
    try tell("user \(name)")
    return name
  }

  /// Runs `body` while a policy holds.
  static func underPolicy(_ scope: String, _ action: String, _ body: () throws -> Void) throws {
    try tell("policy test \(scope) \(action)")
    defer { _ = try? tell("nopolicy test") }
    try body()
  }
}
