import Foundation
import Store
import Testing

/// The service as the tests were built: a debug build, which alone has fault points.
enum FaultyService {
  static let variable = "OFFLINE_ACCESS_FAULT"
  static let installed = "/usr/libexec/offline-accessd"
  private static let choice = "/run/offline-access-fault"

  static var program: String { get throws { try Machine.builtProgram("offline-accessd") } }

  /// Makes the bus start this one from now on. Machine.reset has to come first, `remove` last.
  static func install() throws {
    try start(installed, by: "\(variable)=\(choice) \(program)")
  }

  /// Makes the bus start the installed one again.
  static func remove() throws {
    try? FileManager.default.removeItem(atPath: choice)
    try start("\(variable)=\(choice) \(program)", by: installed)
  }

  private static func start(_ old: String, by new: String) throws {
    let text = try String(contentsOfFile: Clock.activation, encoding: .utf8)
    try Machine.write(text.replacingOccurrences(of: old, with: new), to: Clock.activation)
    try run("busctl", "call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "ReloadConfig")
      .expectSuccess()
    try Machine.stopService()
  }

  /// Chooses where the service dies, or what it neglects.
  static func choose(_ point: FaultPoint) throws {
    try Data(point.rawValue.utf8).write(to: URL(fileURLWithPath: choice), options: .atomic)
  }

  /// Whether a chosen step was not reached yet.
  static var isChosen: Bool { FileManager.default.fileExists(atPath: choice) }

  static func clear() throws { try FileManager.default.removeItem(atPath: choice) }
}

extension FaultPoint {
  /// Whether a call that gets as far as this step is done.
  var isAfterCommit: Bool { [.committed, .numbered, .answering, .replied].contains(self) }
}

extension IntegrationTests.Strength {
  @Suite("Fault points")
  struct FaultPoints {
    init() throws { try Machine.require() }

    // Under a sanitizer the installed program is a test build.
    @Test("test builds have them, the installed program has nothing of them", .enabled(if: !Machine.isSanitized))
    func installedProgram() throws {
      let names = [FaultyService.variable, "synchronous = OFF"]
      for (program, expected) in [(try FaultyService.program, true), (FaultyService.installed, false)] {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: program))
        for name in names { #expect((bytes.range(of: Data(name.utf8)) != nil) == expected, "\(name) in \(program)") }
      }
      try IntegrationTests.Strength.report(
        "Fault points", tried: "names of fault points looked for in the installed program",
        times: "\(names.count) names", outcome: "0 found; all in the test build")
    }
  }
}
