import BusInterface
import Configuration
import Glibc
import OfflineAccess
import Testing

@testable import offline_access_manual

@Suite("The manual")
struct ManualTests {
  /// The repository.
  static let root = String(#filePath.dropLast("/Tests/ManualTests/ManualTests.swift".count))
  static let pages = [
    "offline-access.1", "offline-access.conf.5", "offline-access-greeter.8", "offline-access-helper.8",
    "offline-accessd.8", "pam_offline_access.8",
  ]

  static func text(_ path: String) throws -> String {
    let file = try #require(fopen("\(root)/\(path)", "r"), "\(path) cannot be read")
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
    return String(decoding: bytes, as: UTF8.self)
  }

  static func template(_ page: String) throws -> [String] {
    try text("docs/man/\(page).in").split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
  }

  /// What a command prints when it reads `input`.
  static func output(of command: String, reading input: String) throws -> String {
    let path = "/tmp/offline-access-manual-test.\(getpid()).\(UInt32.random(in: 0 ... .max))"
    let file = try #require(fopen(path, "wx"))
    fputs(input, file)
    fclose(file)
    defer { unlink(path) }
    let pipe = try #require(popen("\(command) < \(path) 2>&1", "r"))
    var bytes: [UInt8] = []
    while case let byte = fgetc(pipe), byte != EOF { bytes.append(UInt8(byte)) }
    pclose(pipe)
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test("every page is complete, and mandoc has nothing to say about it", arguments: pages)
  func lint(page: String) throws {
    let expanded = try Template.expand(try Self.template(page))
    #expect(expanded.contains(Product.version))
    #expect(try Self.output(of: "mandoc -T lint -W warning", reading: expanded).isEmpty)
  }

  @Test("a hole that nothing fills is refused with its line")
  func unknownPlaceholder() {
    #expect(throws: Template.Failure(line: 2, reason: "unknown placeholder @NONSENSE@")) {
      try Template.expand(["text", "@NONSENSE@"])
    }
    #expect(throws: Template.Failure.self) { try Template.expand(["see @ERRORS@ below"]) }
  }

  @Test("an address is no placeholder")
  func address() throws {
    #expect(try Template.expand(["alice@BOX.example@home"]) == "alice@BOX.example@home\n")
  }

  @Test("the installed configuration is what the code says")
  func configurationFile() throws {
    #expect(try Self.text("data/offline-access.conf") == ConfigurationText.file)
  }

  @Test("every key is in the manual, and every error, option and state of the bus")
  func words() throws {
    let configuration = try Template.expand(try Self.template("offline-access.conf.5"))
    for setting in Setting.all { #expect(configuration.contains(".It Cm \\&\(setting.key)\n"), "\(setting.key)") }
    let service = try Template.expand(try Self.template("offline-accessd.8"))
    for reason in Refusal.Reason.allCases { #expect(service.contains(".It Er \\&\(reason.busName)\n"), "\(reason)") }
    for member in FactorMember.allCases { #expect(service.contains(".It Fn \(member.rawValue) "), "\(member)") }
    for member in ActivationMember.allCases { #expect(service.contains(".It Fn \(member.rawValue)"), "\(member)") }
    for key in OptionKey.allCases { #expect(service.contains(".It Cm \\&\(key.rawValue)\n"), "\(key)") }
    for state in AllowanceState.allCases { #expect(service.contains(".It Cm \\&\(state.rawValue)\n"), "\(state)") }
    for state in ProgressState.allCases { #expect(service.contains(".It Cm \\&\(state.rawValue)\n"), "\(state)") }
    for event in AuditEvent.allCases { #expect(service.contains(".It Cm \\&\(event.rawValue)\n"), "\(event)") }
    for field in AuditField.allCases {
      #expect(service.contains(".It Cm \\&\(field.rawValue) Pq Li \\&\(field.journalName)\n"), "\(field)")
    }
    for step in ActivationStep.allCases { #expect(service.contains(".It Cm \\&\(step.rawValue)\n"), "\(step)") }
  }

  @Test("the PAM services that mean something by their name are in the module's page")
  func pamServices() throws {
    let source = try Self.text("Sources/pam_offline_access/ModuleOptions.swift")
    let body = try #require(source.split(separator: "static func usual").last)
    let names = body.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
      .filter { !$0.offset.isMultiple(of: 2) }.map { String($0.element) }
    #expect(names.count > 20)
    let page = try Self.text("docs/man/pam_offline_access.8.in")
    let words = Set(page.split { $0 == " " || $0 == "," || $0 == "\n" }.map(String.init))
    for name in names { #expect(!words.isDisjoint(with: [name, name + "*"]), "\(name)") }
  }
}
