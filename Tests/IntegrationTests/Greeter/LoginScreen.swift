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
    /// The part of the screen that is a monitor, as xrandr's --setmonitor has it; all of it where it is empty.
    var primaryMonitor = ""
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

  func waitForSession(of user: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    do {
      try waitUntil("the session of \(user) has begun") { Self.sessions.last == user }
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

// MARK: The stage

extension LoginScreen {
  /// The password first, as in Debian's common-auth, then the offline factor.
  static let stack = [
    "auth [success=1 default=ignore] pam_unix.so nodelay", "auth requisite pam_deny.so",
    "auth required pam_permit.so", "auth required pam_offline_access.so",
    "account required pam_unix.so", "session required pam_permit.so",
  ]

  private static func prepare(_ options: Options) throws {
    let files = FileManager.default
    try? files.removeItem(atPath: folder)
    try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
    chmod(folder, 0o755)
    if !options.keepsStack { try Machine.pamService("lightdm", stack) }
    try Machine.pamService(
      "lightdm-greeter", "auth required pam_permit.so", "account required pam_permit.so",
      "session required pam_permit.so")
    // LightDM's arguments about seats and consoles are not for Xvfb.
    try script(
      "xserver",
      "arguments=()",
      "while (($#)); do case $1 in -seat) shift ;; vt*|-novtswitch) ;; *) arguments+=(\"$1\") ;; esac; shift; done",
      "exec Xvfb \"${arguments[@]}\" -noreset -screen 0 \(options.size)x24 \(options.serverOptions)")
    try script("session", "id -un >>\(folder)/sessions", "[[ -e \(folder)/leave ]] || exec sleep infinity")
    let program = options.greeter.program
    try script(
      "greeter", "date +%s%N >\(folder)/started", "export OFFLINE_ACCESS_GREETER_TRACE=\(folder)/trace",
      options.primaryMonitor.isEmpty ? "" : "\(try Monitor.program()) \(options.primaryMonitor)",
      options.scale == 1 ? "" : "export GDK_SCALE=\(options.scale)",
      options.isAccessible
        ? "exec dbus-run-session -- bash -c 'echo \"$DBUS_SESSION_BUS_ADDRESS\" >\(folder)/bus; exec \(program)'"
        : "export NO_AT_BRIDGE=1; exec \(program)")
    // What a user may add to is read by LightDM as root.
    for name in ["sessions", "trace", "started", "bus"] {
      try Machine.write("", to: "\(folder)/\(name)")
      chmod("\(folder)/\(name)", 0o666)
    }
    try entry("/usr/share/xgreeters/staged.desktop", "\(folder)/greeter")
    try entry("/usr/share/xsessions/staged.desktop", "\(folder)/session")
    try Machine.write(
      ([
        "[LightDM]", "start-default-seat=true", "logind-check-graphical=false", "[Seat:*]",
        "xserver-command=\(folder)/xserver", "greeter-session=staged", "user-session=staged",
        "session-wrapper=/usr/bin/env",
        "greeter-hide-users=\(!options.showsUsers)", "greeter-show-manual-login=true",
      ]).joined(separator: "\n") + "\n", to: "\(folder)/lightdm.conf")
    try run("install", "-d", "-o", "lightdm", "-g", "lightdm", "/var/lib/lightdm", "/var/lib/lightdm-data")
      .expectSuccess()
    try? files.removeItem(atPath: "/tmp/.X0-lock")
  }

  private static func script(_ name: String, _ lines: String...) throws {
    try Machine.write((["#!/bin/bash"] + lines).joined(separator: "\n") + "\n", to: "\(folder)/\(name)", mode: 0o755)
  }

  private static func entry(_ path: String, _ program: String) throws {
    try Machine.write("[Desktop Entry]\nType=Application\nName=Staged\nExec=\(program)\n", to: path)
  }
}

/// A part of Xvfb's screen as its monitor, by RandR 1.5. Xvfb has one output, and GTK sees no monitor without one.
private enum Monitor {
  private static let source = """
    #include <stdio.h>
    #include <X11/extensions/Xrandr.h>
    int main(int count, char **arguments) {
      Display *display = XOpenDisplay(NULL);
      Window root = DefaultRootWindow(display);
      XRRMonitorInfo *monitor = XRRAllocateMonitor(display, 1);
      monitor->name = XInternAtom(display, "part", False);
      monitor->primary = True;
      monitor->outputs[0] = XRRGetScreenResources(display, root)->outputs[0];
      if (sscanf(arguments[count - 1], "%d/%dx%d/%d+%d+%d", &monitor->width, &monitor->mwidth, &monitor->height,
                 &monitor->mheight, &monitor->x, &monitor->y) != 6) return 1;
      XRRSetMonitor(display, root, monitor);
      XSync(display, False);
      return 0;
    }
    """

  static func program() throws -> String {
    let program = "\(LoginScreen.folder)/monitor"
    try Machine.write(source, to: program + ".c")
    try run("cc", "-o", program, program + ".c", "-lXrandr", "-lX11").expectSuccess()
    return program
  }
}
