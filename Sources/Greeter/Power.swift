import CGTK
import CLightDM

/// What can be done with the computer as a whole.
enum PowerAction: CaseIterable {
  case suspend, hibernate, restart, shutDown

  var name: String {
    switch self {
    case .suspend: "Suspend"
    case .hibernate: "Hibernate"
    case .restart: "Restart"
    case .shutDown: "Shut down"
    }
  }

  /// Whether somebody's work could be lost, so that a second press is wanted.
  var isAskedTwice: Bool { self == .restart || self == .shutDown }

  /// Asks the system over its bus.
  var isPossible: Bool {
    switch self {
    case .suspend: lightdm_get_can_suspend() != 0
    case .hibernate: lightdm_get_can_hibernate() != 0
    case .restart: lightdm_get_can_restart() != 0
    case .shutDown: lightdm_get_can_shutdown() != 0
    }
  }

  /// - Returns: why it was not done; nil where it was.
  func perform() -> String? {
    var error: UnsafeMutablePointer<GError>?
    let isDone =
      switch self {
      case .suspend: lightdm_suspend(&error)
      case .hibernate: lightdm_hibernate(&error)
      case .restart: lightdm_restart(&error)
      case .shutDown: lightdm_shutdown(&error)
      }
    guard isDone == 0 else { return nil }
    defer { if let error { g_error_free(error) } }
    return error.map { String(cString: $0.pointee.message) } ?? "\(name) is not possible now"
  }
}
