import Foundation
import Testing

/// Soft keys that processes of the machine see as hidraw devices; all of them are gone with this object.
///
/// Tests/SoftKeyHost/Program.swift lists the commands. Only preloaded processes see the keys, and they need this
/// object to live: the preloaded library ends a process that cannot reach the other side.
final class SoftKeyHost {
  /// The folder that stands for /sys and parts of /dev.
  let folder: String
  /// The libraries that show it, as in LD_PRELOAD, to be in front of others.
  let libraries: String
  /// What lets a process see the keys.
  var environment: [String: String] { ["LD_PRELOAD": libraries, "UMOCKDEV_DIR": folder] }
  private let program: PromptDialogue

  init() throws {
    try Machine.require()
    // This very program is the bundle of all tests; the other programs are beside it.
    let bundle = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let path = URL(fileURLWithPath: bundle).deletingLastPathComponent().appendingPathComponent("soft-keys").path
    libraries = try "\(SoftKeyPreload.path):libumockdev-preload.so.0"
    program = try PromptDialogue([path])
    folder = try String(#require(trimmed(program.wait(for: "\n")).split(separator: "=").last))
  }

  deinit { _ = try? program.finish() }

  /// Gives a command and returns the answer without its "ok"; anything else fails the test.
  @discardableResult
  func tell(_ command: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
    program.answer(command)
    let answer = try trimmed(program.wait(for: "\n", sourceLocation: sourceLocation))
    try #require(answer == "ok" || answer.hasPrefix("ok "), "\(command): \(answer)", sourceLocation: sourceLocation)
    return String(answer.dropFirst(3))
  }

  /// Plugs a key in and returns its device node.
  @discardableResult
  func plug(_ name: String, _ options: String = "") throws -> String { try tell("plug \(name) \(options)") }

  func unplug(_ name: String) throws { try tell("unplug \(name)") }

  /// Touches a key as soon as it blinks.
  func touchWhenBlinking(_ name: String) throws {
    try tell("wait \(name) blinking")
    let before = try status(name)["touches"]
    try tell("touch \(name)")
    // It goes on blinking until it has felt the touch.
    try waitUntil("the touch is felt") { try status(name)["touches"] != before }
  }

  /// What `status` tells of a key.
  func status(_ name: String) throws -> [String: String] {
    let pairs = try tell("status \(name)").split(separator: " ").map { $0.split(separator: "=").map(String.init) }
    return Dictionary(uniqueKeysWithValues: pairs.map { ($0[0], $0[1]) })
  }

  /// Runs `body` while the bus starts the service where it sees the keys.
  func underService(_ body: () throws -> Void) throws {
    try Machine.stopService()
    let text = try String(contentsOfFile: Clock.activation, encoding: .utf8)
    defer {
      try? Machine.stopService()
      try? Clock.activate(text)
    }
    try Clock.activate(text.replacing("LD_PRELOAD=", with: "UMOCKDEV_DIR=\(folder) LD_PRELOAD=\(libraries):"))
    try body()
  }
}
