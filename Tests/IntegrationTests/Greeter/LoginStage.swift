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
    let files = FileManager.default
    try? files.removeItem(atPath: folder)
    try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
    chmod(folder, 0o755)
    if !options.keepsStack { try Machine.pamService("lightdm", stack) }
    try offerAccounts(options.hasAccounts)
    try Machine.pamService(
      "lightdm-greeter", "auth required pam_permit.so", "account required pam_permit.so",
      "session required pam_permit.so")
    // LightDM's arguments about seats and consoles are not for Xvfb.
    try script(
      "xserver",
      "arguments=()",
      "while (($#)); do case $1 in -seat) shift ;; vt*|-novtswitch) ;; *) arguments+=(\"$1\") ;; esac; shift; done",
      "set -- \"${arguments[@]}\" -noreset \(options.serverOptions)",
      options.monitors.isEmpty
        ? "exec Xvfb \"$@\" -screen 0 \(options.size)x24"
        : "exec Xtigervnc \"$@\" -SecurityTypes None -localhost -rfbport \(port) -depth 24")
    try script(
      "session", "env >\(folder)/environment", "setxkbmap -query >\(folder)/keyboard", "id -un >>\(folder)/sessions",
      "[[ -e \(folder)/leave ]] || exec sleep infinity")
    let program = options.greeter.program
    try script(
      "greeter", "date +%s%N >\(folder)/started", "export OFFLINE_ACCESS_GREETER_TRACE=\(folder)/trace",
      try plug(options.monitors).joined(separator: "\n"),
      options.scale == 1 ? "" : "export GDK_SCALE=\(options.scale)",
      options.isAccessible
        ? "exec dbus-run-session -- bash -c 'echo \"$DBUS_SESSION_BUS_ADDRESS\" >\(folder)/bus; exec \(program)'"
        : "export NO_AT_BRIDGE=1; exec \(program)")
    // What a user may add to is read by LightDM as root.
    for name in ["sessions", "environment", "keyboard", "trace", "started", "bus"] {
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

  /// Lets the bus start AccountsService, or not.
  private static func offerAccounts(_ isWanted: Bool) throws {
    let files = FileManager.default
    let name = "org.freedesktop.Accounts.service"
    let (service, hidden) = ("/usr/share/dbus-1/system-services/\(name)", "/run/\(name)")
    let (from, to) = isWanted ? (hidden, service) : (service, hidden)
    if files.fileExists(atPath: from) { try files.moveItem(atPath: from, toPath: to) }
    guard !isWanted else { return }
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
