import Foundation
import Glibc
import Testing

/// The agent's window in a login session of its own, seen as by a person and heard as by one with a screen reader.
final class ReadWindow {
  static let title = "Authentication is required"
  let desktop: Desktop
  let session: FakeSession
  private let bus: PromptDialogue
  private let address: String
  private let agent: PromptDialogue

  init(_ user: String) throws {
    desktop = try Desktop.shared.get()
    session = try FakeSession(user)
    bus = try PromptDialogue(["dbus-daemon", "--session", "--nofork", "--print-address"], as: user)
    address = trimmed(try bus.wait(for: "\n"))
    agent = try desktop.start([IntegrationTests.Agent.program], in: session, bus: address)
  }

  deinit {
    kill(agent.pid, SIGTERM)
    kill(bus.pid, SIGTERM)
  }

  /// Waits until its title says that this is asked or told, and can be answered.
  func wait(_ headline: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    try desktop.wait(for: "^\(Self.title): \(headline)", sourceLocation: sourceLocation)
  }

  /// Answers the password that is asked for.
  func password(_ password: String = Machine.password) throws {
    try wait("Password")
    try desktop.answer(password)
  }

  func waitUntilGone() throws { try desktop.waitForNone(Self.title) }

  /// All that is showing, in its order.
  func showing() throws -> [Accessibility.Node] {
    let tree = try run(
      session.prefix + ["python3", "-B", try Accessibility.script(), "tree"],
      environment: ["DISPLAY": Desktop.display, "DBUS_SESSION_BUS_ADDRESS": address]
    ).expectSuccess()
    return try JSONDecoder().decode([Accessibility.Node].self, from: Data(tree.output.utf8))
  }

  /// The first words shown that contain `text`.
  func words(_ text: String) throws -> String? { try showing().map(\.name).first { $0.contains(text) } }

  /// Waits until words are shown that contain `text`.
  func wait(saying text: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    var shown: [Accessibility.Node] = []
    try waitUntil("the window says \"\(text)\"", sourceLocation: sourceLocation) {
      shown = try showing()
      return shown.contains { $0.name.contains(text) }
    }
  }

  /// Expects that there is nowhere to type.
  func expectNoField(sourceLocation: SourceLocation = #_sourceLocation) throws {
    let fields = try showing().filter { ["text", "password text"].contains($0.role) }
    #expect(fields.isEmpty, sourceLocation: sourceLocation)
  }
}
