import Foundation
import Glibc
import Testing

// MARK: The stage

extension LoginScreen {
  /// The password first, as in Debian's common-auth, then the offline factor.
  static let stack = [
    "auth [success=1 default=ignore] pam_unix.so nodelay", "auth requisite pam_deny.so",
    "auth required pam_permit.so", "auth required pam_offline_access.so",
    "account required pam_unix.so", "session required pam_permit.so",
  ]

  static func prepare(_ options: Options) throws {
    try clear()
    if !options.keepsStack { try Machine.pamService("lightdm", stack) }
    try offerAccounts(options.hasAccounts)
    try Machine.pamService("lightdm-greeter", greeterStack)
    try prepareServer(options)
    try prepareSession()
    let program = options.greeter.program
    try script(
      "greeter", "date +%s%N >\(folder)/started", "export OFFLINE_ACCESS_GREETER_TRACE=\(folder)/trace",
      try plug(options.monitors).joined(separator: "\n"),
      options.scale == 1 ? "" : "export GDK_SCALE=\(options.scale)",
      options.isAccessible
        ? "exec dbus-run-session -- bash -c 'echo \"$DBUS_SESSION_BUS_ADDRESS\" >\(folder)/bus; exec \(program)'"
        : "export NO_AT_BRIDGE=1; exec \(program)")
    try offerToUsers("trace", "started", "bus")
    try entry("/usr/share/xgreeters/staged.desktop", "\(folder)/greeter")
    try Machine.write(
      ([
        "[LightDM]", "start-default-seat=true", "logind-check-graphical=false", "[Seat:*]",
        "xserver-command=\(folder)/xserver", "greeter-session=staged", "user-session=staged",
        "session-wrapper=/usr/bin/env",
        "greeter-hide-users=\(!options.showsUsers)", "greeter-show-manual-login=true",
      ]).joined(separator: "\n") + "\n", to: "\(folder)/lightdm.conf")
    try run("install", "-d", "-o", "lightdm", "-g", "lightdm", "/var/lib/lightdm", "/var/lib/lightdm-data")
      .expectSuccess()
    try? FileManager.default.removeItem(atPath: "/tmp/.X0-lock")
  }

  /// What the greeter of a display manager is let in by.
  static let greeterStack = [
    "auth required pam_permit.so", "account required pam_permit.so", "session required pam_permit.so",
  ]

  /// Begins with an empty folder.
  static func clear() throws {
    try? FileManager.default.removeItem(atPath: folder)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    chmod(folder, 0o755)
  }

  /// The X server for a display manager, whose arguments about seats and consoles are not for Xvfb.
  static func prepareServer(_ options: Options) throws {
    try script(
      "xserver",
      "arguments=()",
      "while (($#)); do case $1 in -seat|-background) shift ;; vt*|-novtswitch) ;; *) arguments+=(\"$1\") ;; esac",
      "shift; done",
      "set -- \"${arguments[@]}\" -noreset \(options.serverOptions)",
      options.monitors.isEmpty
        ? "exec Xvfb \"$@\" -screen 0 \(options.size)x24"
        : "exec Xtigervnc \"$@\" -SecurityTypes None -localhost -rfbport \(port) -depth 24")
  }

  /// A session that tells whose it is, in which language and with which keyboard.
  static func prepareSession() throws {
    try script(
      "session", "env >\(folder)/environment", "setxkbmap -query >\(folder)/keyboard", "id -un >>\(folder)/sessions",
      "[[ -e \(folder)/leave ]] || exec sleep infinity")
    try offerToUsers("environment", "keyboard", "sessions")
    try entry("/usr/share/xsessions/staged.desktop", "\(folder)/session")
  }

  /// Files that every user may add to; what is in them is read by root.
  private static func offerToUsers(_ names: String...) throws {
    for name in names {
      try Machine.write("", to: "\(folder)/\(name)")
      chmod("\(folder)/\(name)", 0o666)
    }
  }

  /// Lets the bus start AccountsService, or not.
  private static func offerAccounts(_ isWanted: Bool) throws {
    let files = FileManager.default
    let name = "org.freedesktop.Accounts.service"
    let (service, hidden) = ("/usr/share/dbus-1/system-services/\(name)", "/run/\(name)")
    let (from, to) = isWanted ? (hidden, service) : (service, hidden)
    if files.fileExists(atPath: from) { try files.moveItem(atPath: from, toPath: to) }
    // It lists 50 local users and no more.
    guard !isWanted else { return try Machine.removeEarlierUsers() }
    // Status 1 is that there was none.
    try run("pkill", "--signal", "KILL", "-x", "accounts-daemon")
    try waitUntil("AccountsService has ended") { try run("pgrep", "-x", "accounts-daemon").status == 1 }
  }

  /// Where Xvnc listens: of the X servers without a screen of their own it is the one with several outputs.
  private static let port = 5900

  /// The commands that plug in monitors, each as an output of RandR's. A screen without any is left alone.
  static func plug(_ monitors: [String]) throws -> [String] {
    guard !monitors.isEmpty else { return [] }
    return [
      "python3 \(try copy("monitors.py")) \(port) \(monitors.joined(separator: " "))",
      "xrandr --output VNC-\(monitors.count - 1) --primary",
    ]
  }

  /// A script of these tests where everybody can read it: the repository may lie in a folder that an ordinary user cannot
  /// enter.
  static func copy(_ name: String) throws -> String {
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(name)
    try Machine.write(try String(contentsOf: script, encoding: .utf8), to: "/run/\(name)")
    return "/run/\(name)"
  }

  private static func script(_ name: String, _ lines: String...) throws {
    try Machine.write((["#!/bin/bash"] + lines).joined(separator: "\n") + "\n", to: "\(folder)/\(name)", mode: 0o755)
  }

  private static func entry(_ path: String, _ program: String) throws {
    try Machine.write("[Desktop Entry]\nType=Application\nName=Staged\nExec=\(program)\n", to: path)
  }
}
