import Foundation
import Testing

/// The screen as a screen reader has it: AT-SPI, asked by a program of pyatspi's.
struct Accessibility {
  struct Node: Decodable, Equatable {
    var role: String
    var name: String
    var description: String
    var states: [String]
    /// Left, top, width and height on the screen.
    var extents: [Int]

    var area: Area? {
      extents.count == 4 ? Area(left: extents[0], top: extents[1], width: extents[2], height: extents[3]) : nil
    }

    func isIn(_ state: String) -> Bool { states.contains(state) }
  }

  private let bus: String

  /// - Precondition: a `LoginScreen` that is accessible runs.
  init() throws {
    var address = ""
    try waitUntil("the greeter's session bus is known") {
      address = trimmed((try? String(contentsOfFile: "\(LoginScreen.folder)/bus", encoding: .utf8)) ?? "")
      return !address.isEmpty
    }
    bus = address
  }

  /// All that is showing, in its order.
  func showing() throws -> [Node] {
    let output = try reader("tree").output
    return try JSONDecoder().decode([Node].self, from: Data(output.utf8))
  }

  /// Waits until something of this role with this name is showing.
  func wait(for role: String, _ name: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let result = try reader("wait", role, name)
    #expect(result.status == 0, "\(result.output) \(result.errors)", sourceLocation: sourceLocation)
  }

  /// Waits until the focus is on something of this role, with this name where one is given.
  func wait(focused role: String, _ name: String? = nil) throws {
    try waitUntil("the focus is on the \(role) \(name ?? "")") {
      try showing().contains { $0.role == role && $0.name == name ?? $0.name && $0.isIn("focused") }
    }
  }

  /// Listens to what is announced.
  func listener() throws -> PromptDialogue {
    let listener = try PromptDialogue(command("listen"), environment: LoginScreen.environment)
    try listener.wait(for: "listening\n")
    return listener
  }

  private func reader(_ arguments: String...) throws -> CommandResult {
    try run(command(arguments), environment: LoginScreen.environment)
  }

  private func command(_ arguments: String...) throws -> [String] { try command(arguments) }
  private func command(_ arguments: [String]) throws -> [String] {
    let authority = "\(LoginScreen.folder)/authority"
    try run("install", "-o", "lightdm", "-m", "600", "/run/lightdm/root/:0", authority).expectSuccess()
    return [
      "runuser", "-u", "lightdm", "--", "env", "DBUS_SESSION_BUS_ADDRESS=\(bus)", "XAUTHORITY=\(authority)",
      "PYTHONDONTWRITEBYTECODE=1", "python3", try Self.script(),
    ] + arguments
  }

  static func script() throws -> String { try LoginScreen.copy("reader.py") }
}
