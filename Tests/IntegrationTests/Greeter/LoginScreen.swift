import Foundation
import Glibc
import Testing

extension IntegrationTests {
  /// A real LightDM with a real X server, typed at and looked at from outside.
  @Suite("The login screen", .serialized)
  enum LoginScreens {
    /// Makes a user with a home of their own, as a session needs one.
    static func newUser() throws -> String {
      let user = try Machine.newUser()
      try run("install", "-d", "-o", user, "-g", user, "-m", "700", "/home/\(user)").expectSuccess()
      try run("sed", "-i", "s#^\\(\(user):.*\\):/tmp:#\\1:/home/\(user):#", "/etc/passwd").expectSuccess()
      return user
    }
  }
}

/// A LightDM with one seat, whose screen is Xvfb's.
final class LoginScreen {
  /// Which greeter LightDM runs.
  enum Greeter {
    case ours
    /// lightdm-gtk-greeter as Debian has it.
    case gtk

    var program: String { self == .ours ? "/usr/sbin/offline-access-greeter" : "/usr/sbin/lightdm-gtk-greeter" }
  }

  struct Options {
    var greeter = Greeter.ours
    /// Pixels of the screen.
    var size = "1280x800"
    /// Pixels on one side of a point, GDK_SCALE.
    var scale = 1
    var showsUsers = true
    /// Whether a bus for screen readers runs.
    var isAccessible = false
    /// Whether the stack of PAM is the test's own.
    var keepsStack = false
    /// The parts of the screen that are monitors, WIDTHxHEIGHT+X+Y; the last one is the primary. Without any, all of it.
    var monitors: [String] = []
    /// Whether AccountsService is there, which knows at once what a user chose. LightDM alone reads it when it starts.
    var hasAccounts = false
    /// More arguments of the X server.
    var serverOptions = ""
  }

  static let folder = "/run/login-screen"
  private let process: PromptDialogue
  private let greeter: Greeter
  private var hasEnded = false
  /// Bytes of the trace that were read.
  private var seen = 0

  init(_ options: Options = Options()) throws {
    try Machine.require()
    greeter = options.greeter
    try Self.prepare(options)
    // LightDM hears by a signal that the X server is ready, and a test's own child would have signals blocked.
    process = try PromptDialogue([
      "env", "--unset=XDG_VTNR", "bash", "-c",
      "exec lightdm --config \(Self.folder)/lightdm.conf --debug </dev/null >/dev/null 2>&1",
    ])
    if greeter == .ours { try wait(for: "ready") } else { try waitForWindow() }
  }

  deinit {
    guard !hasEnded else { return }
    kill(process.pid, SIGTERM)
    _ = try? process.finish()
  }

  // MARK: The screen

  /// Waits for a line of the trace that begins like this; lines before it are passed over.
  @discardableResult
  func wait(
    for beginning: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> String {
    try wait(forAnyOf: [beginning], sourceLocation: sourceLocation)
  }

  @discardableResult
  func wait(forAnyOf beginnings: [String], sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
    let deadline = Date().addingTimeInterval(60)
    while true {
      let trace = trace.dropFirst(seen)
      var position = seen
      for part in trace.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast() {
        position += part.count + 1
        let line = String(decoding: part, as: UTF8.self)
        guard beginnings.contains(where: line.hasPrefix) else { continue }
        seen = position
        return line
      }
      try #require(
        Date() < deadline,
        "none of \(beginnings) in:\n\(String(decoding: trace, as: UTF8.self))\n\(Self.log)",
        sourceLocation: sourceLocation)
      Thread.sleep(forTimeInterval: 0.005)
    }
  }

  /// Waits for a scene about a user.
  @discardableResult
  func wait(
    _ scene: String, of user: String, saying words: String..., sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> String {
    let line = try wait(for: "scene \(scene) \(user) ", sourceLocation: sourceLocation)
    for word in words { #expect(line.contains(word), "\(line)", sourceLocation: sourceLocation) }
    return line
  }

  func type(_ text: String) throws { try tool("xdotool", "type", "--delay", "4", text) }
  func press(_ keys: String...) throws { try tool(["xdotool", "key"] + keys) }

  /// Types a line.
  func answer(_ text: String) throws {
    if !text.isEmpty { try type(text) }
    try press("Return")
  }

  /// Types a name where it is asked for at first.
  func name(_ user: String) throws {
    try wait(for: "name")
    try answer(user)
  }

  /// Leaves whatever is asked, as the Escape key does step by step, and types another name.
  func select(_ user: String) throws {
    skip()
    // One more than needed does nothing: a name cannot be left.
    repeat { try press("Escape") } while try wait(forAnyOf: ["name", "scene password", "scene waiting"]) != "name"
    try answer(user)
    try wait("password", of: user)
  }

  /// Passes over all lines that there are.
  private func skip() { seen = trace.count }

  private var trace: Data { FileManager.default.contents(atPath: "\(Self.folder)/trace") ?? Data() }

  /// Waits for a line of the whole trace, read or not: for what comes at no certain moment.
  func waitAnywhere(_ words: String) throws {
    try waitUntil("\(words) is in the trace") { String(decoding: trace, as: UTF8.self).contains(words) }
  }

  /// Takes a picture of the screen.
  func picture(_ name: String = "screen") throws -> String {
    let path = "\(Self.folder)/\(name).png"
    try tool("import", "-window", "root", path)
    return path
  }

  /// Takes a picture for the manual, small enough to be kept.
  func keep(_ name: String) throws {
    let folder = try #require(Self.screenshots)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try tool("convert", picture(), "-strip", "+dither", "-colors", "96", "PNG8:\(folder)/\(name).png")
  }

  /// Where `make screenshots` wants its pictures; nil at all other times.
  static let screenshots = ProcessInfo.processInfo.environment["OFFLINE_ACCESS_SCREENSHOTS"]

  /// What the QR code on the screen says, as any phone's camera would read it.
  func decodedQR() throws -> String {
    let result = try run("zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", picture())
    #expect(result.status == 0, "no QR code could be read")
    return trimmed(result.output)
  }

  @discardableResult
  func tool(_ command: String...) throws -> CommandResult { try tool(command) }
  @discardableResult
  func tool(_ command: [String]) throws -> CommandResult {
    try run(command, environment: Self.environment).expectSuccess()
  }

  // MARK: What comes of it

  /// Users whose sessions began, in their order.
  static var sessions: [String] {
    let text = (try? String(contentsOfFile: "\(folder)/sessions", encoding: .utf8)) ?? ""
    return text.split(separator: "\n").map(String.init)
  }

  static func waitForSession(of user: String) throws {
    try waitUntil("the session of \(user) has begun") { sessions.last == user }
  }

  func waitForSession(of user: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    do {
      try Self.waitForSession(of: user)
    } catch {
      Issue.record("\(Self.log)", sourceLocation: sourceLocation)
      throw error
    }
  }

  /// From now on sessions end by themselves.
  func endSessions() throws { try Machine.write("", to: "\(Self.folder)/leave") }

  var pid: pid_t { process.pid }

  /// Waits until LightDM ends by itself.
  func end() throws -> PromptDialogue.Ending {
    hasEnded = true
    return try process.finish()
  }

  /// The greeter that runs.
  func greeterPID() throws -> pid_t {
    var found: pid_t?
    try waitUntil("the greeter runs") {
      let name = URL(fileURLWithPath: greeter.program).lastPathComponent
      found = pid_t(trimmed(try run("pgrep", "--newest", "-f", "^(\(greeter.program)|\(name))$").output))
      return found != nil
    }
    return try #require(found)
  }

  /// Where the greeter's windows are, in the order of their names: WIDTHxHEIGHT+X+Y NAME.
  func windows() throws -> [String] {
    let found = try run(
      "xdotool", "search", "--onlyvisible", "--class", "offline-access-greeter", environment: Self.environment)
    return try found.output.split(separator: "\n").map { window in
      let name = try trimmed(tool("xdotool", "getwindowname", String(window)).output)
      let geometry = try tool("xdotool", "getwindowgeometry", "--shell", String(window)).output
      func value(_ key: String) throws -> Substring {
        try #require(geometry.split(separator: "\n").first { $0.hasPrefix("\(key)=") }).dropFirst(key.count + 1)
      }
      return try "\(value("WIDTH"))x\(value("HEIGHT"))+\(value("X"))+\(value("Y")) \(name)"
    }.sorted()
  }

  /// Plugs monitors in or out; see `Options.monitors`.
  func plug(_ monitors: [String]) throws {
    for command in try Self.plug(monitors) { try tool("bash", "-c", command) }
  }

  private func waitForWindow() throws {
    try waitUntil("the greeter's window is there\n\(Self.log)") {
      let result = try run(
        "xdotool", "search", "--onlyvisible", "--class", "lightdm-gtk-greeter", environment: Self.environment)
      return result.status == 0 && !trimmed(result.output).isEmpty
    }
  }

  static let environment = ["DISPLAY": ":0", "XAUTHORITY": "/run/lightdm/root/:0"]

  private static var log: String {
    let text = (try? String(contentsOfFile: "/var/log/lightdm/lightdm.log", encoding: .utf8)) ?? ""
    let greeter = (try? String(contentsOfFile: "/var/log/lightdm/seat0-greeter.log", encoding: .utf8)) ?? ""
    let trace = (try? String(contentsOfFile: "\(folder)/trace", encoding: .utf8)) ?? ""
    return text.split(separator: "\n").suffix(15).joined(separator: "\n") + "\n\(greeter.suffix(1500))\n\(trace)"
  }
}
