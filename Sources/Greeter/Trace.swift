import CGTK
import FactorScene
import FactorView
import Glibc

/// Tells whoever tests or measures what is on the screen: a line for each change, once it is drawn, in the file that
/// the environment names. It holds the names of users and what PAM said, no answer and no key of an app.
@MainActor
enum Trace {
  static let variable = "OFFLINE_ACCESS_GREETER_TRACE"
  private static let descriptor: Int32 =
    getenv(variable).map { open($0, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600) } ?? -1
  /// Lines about what is not drawn yet.
  private static var waiting = ["ready"]
  private static var window: Widget?

  static var isWanted: Bool { descriptor >= 0 }

  /// Begins to watch the frames of a window that is on the screen.
  static func watch(_ window: Widget) {
    guard isWanted, let clock = gtk_widget_get_frame_clock(window) else { return }
    self.window = window
    connect(UnsafeMutableRawPointer(clock), "after-paint") { whenIdle(flush) }
    gtk_widget_queue_draw(window)
  }

  static func write(_ line: String) {
    guard isWanted else { return }
    // The focus is given in idle, too: before this.
    whenIdle {
      waiting.append(line)
      if let window { gtk_widget_queue_draw(window) }
    }
  }

  static func write(_ scene: Scene, user: String) {
    guard isWanted else { return }
    let notices = scene.notices.map { " | \($0.isError ? "error" : "info"): \($0.text)" }.joined()
    write("scene \(scene.content.word) \(user) | \(scene.title) | \(scene.detail())\(notices)")
  }

  private static func flush() {
    guard !waiting.isEmpty else { return }
    gdk_display_sync(gdk_display_get_default())
    let text = waiting.joined(separator: "\n") + "\n"
    waiting = []
    _ = text.withCString { Glibc.write(descriptor, $0, strlen($0)) }
  }
}

extension Scene.Content {
  /// One word for a program.
  var word: String {
    switch self {
    case .waiting: "waiting"
    case .question(let question):
      switch question.kind {
      case .password: "password"
      case .passcode: "passcode"
      case .pin: "pin"
      case .onlinePasscode: "online-passcode"
      case .approvalOrPasscode: "approval-or-passcode"
      case .other: "prompt"
      }
    case .securityKey(let picture): "key-\(picture.state.rawValue)"
    case .contacting: "contacting"
    case .approval: "approval"
    case .offer: "offer"
    case .phoneSetUp: "phone-set-up"
    case .accepted: "accepted"
    case .refused: "refused"
    }
  }
}
