import Foundation
import Glibc
import Testing

/// A login session as polkit sees one: the files of logind, without logind.
final class FakeSession {
  let user: String
  let name: String
  private let uid: String

  /// - Parameter isActive: whether it is the one in front, at the computer itself.
  init(_ user: String, isActive: Bool = true) throws {
    self.user = user
    uid = trimmed(try run("id", "-u", user).expectSuccess().output)
    name = "t\(uid)"
    for folder in ["sessions", "users", "seats"] {
      try FileManager.default.createDirectory(
        atPath: "/run/systemd/\(folder)", withIntermediateDirectories: true)
    }
    let state = isActive ? "active" : "online"
    try Machine.write(
      """
      UID=\(uid)
      USER=\(user)
      ACTIVE=\(isActive ? 1 : 0)
      IS_DISPLAY=1
      STATE=\(state)
      REMOTE=0
      TYPE=x11
      CLASS=user
      SEAT=seat0

      """, to: "/run/systemd/sessions/\(name)")
    try Machine.write(
      """
      NAME=\(user)
      STATE=\(state)
      DISPLAY=\(name)
      SESSIONS=\(name)
      ACTIVE_SESSIONS=\(isActive ? name : "")
      SEATS=seat0

      """, to: "/run/systemd/users/\(uid)")
    try Machine.write(
      "ACTIVE=\(name)\nACTIVE_UID=\(uid)\nSESSIONS=\(name)\nUIDS=\(uid)\n", to: "/run/systemd/seats/seat0")
    try Machine.write("0::/user.slice/user-\(uid).slice/session-\(name).scope\n", to: cgroup)
  }

  deinit {
    for file in ["sessions/\(name)", "users/\(uid)", "seats/seat0"] {
      try? FileManager.default.removeItem(atPath: "/run/systemd/\(file)")
    }
  }

  private var cgroup: String { "/run/cgroup-\(name)" }

  /// Runs what follows as the user and in the session: polkit looks for it in /proc/PID/cgroup.
  var prefix: [String] {
    [
      "sh", "-c", "mount --bind \(cgroup) /proc/$$/cgroup && exec \"$@\"", "session", "setpriv", "--reuid", uid,
      "--regid", uid, "--clear-groups", "env", "XDG_SESSION_ID=\(name)", "HOME=/tmp", "USER=\(user)",
    ]
  }
}
