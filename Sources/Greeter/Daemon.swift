import CGTK
import CLightDM
import FactorScene
import FactorView

/// LightDM's daemon, as its greeter sees it.
@MainActor
final class Daemon {
  private let greeter: UnsafeMutablePointer<LightDMGreeter>

  /// PAM says something. Nothing may be answered from within.
  var heard: @MainActor (String, SceneKeeper.Manner) -> Void = { _, _ in }
  /// PAM is done; see `isAuthenticated`.
  var ended: @MainActor () -> Void = {}
  /// The time is over after which a user is to be logged in without being asked.
  var autologinDue: @MainActor () -> Void = {}

  init() {
    greeter = lightdm_greeter_new()
    connectTexts()
    connect(greeter, LIGHTDM_GREETER_SIGNAL_AUTHENTICATION_COMPLETE) { [unowned self] in ended() }
    connect(greeter, LIGHTDM_GREETER_SIGNAL_AUTOLOGIN_TIMER_EXPIRED) { [unowned self] in autologinDue() }
  }

  private func connectTexts() {
    // Each text comes with a number: of the kind of prompt, or of the kind of message.
    typealias Handler =
      @convention(c) (UnsafeMutablePointer<LightDMGreeter>, UnsafePointer<CChar>, Int32, gpointer) -> Void
    let prompt: Handler = { _, text, kind, data in
      Daemon.hear(text, kind == Int32(LIGHTDM_PROMPT_TYPE_SECRET.rawValue) ? .hiddenPrompt : .visiblePrompt, data)
    }
    let message: Handler = { _, text, kind, data in
      Daemon.hear(text, kind == Int32(LIGHTDM_MESSAGE_TYPE_ERROR.rawValue) ? .error : .info, data)
    }
    // This object lives as long as the program.
    let data = Unmanaged.passUnretained(self).toOpaque()
    for (signal, handler) in [
      (LIGHTDM_GREETER_SIGNAL_SHOW_PROMPT, prompt), (LIGHTDM_GREETER_SIGNAL_SHOW_MESSAGE, message),
    ] {
      g_signal_connect_data(greeter, signal, unsafeBitCast(handler, to: GCallback.self), data, nil, GConnectFlags(0))
    }
  }

  private nonisolated static func hear(_ text: UnsafePointer<CChar>, _ manner: SceneKeeper.Manner, _ data: gpointer) {
    let words = String(cString: text), address = Int(bitPattern: data)
    MainActor.assumeIsolated {
      guard let pointer = UnsafeRawPointer(bitPattern: address) else { return }
      Unmanaged<Daemon>.fromOpaque(pointer).takeUnretainedValue().heard(words, manner)
    }
  }

  // MARK: Calls

  func connectToDaemon() throws(DaemonFailure) {
    try check { lightdm_greeter_connect_to_daemon_sync(greeter, $0) }
  }

  /// Begins an authentication and drops the one under way.
  func authenticate(_ person: Person) throws(DaemonFailure) {
    switch person {
    case .user(let name): try check { lightdm_greeter_authenticate(greeter, name, $0) }
    case .guest: try check { lightdm_greeter_authenticate_as_guest(greeter, $0) }
    case .automatic: try check { lightdm_greeter_authenticate_autologin(greeter, $0) }
    }
  }

  /// - Precondition: not called from `heard`; the daemon would wait for this program, and this for it.
  func respond(_ answer: String) throws(DaemonFailure) {
    try check { lightdm_greeter_respond(greeter, answer, $0) }
  }

  func cancel() throws(DaemonFailure) {
    guard lightdm_greeter_get_in_authentication(greeter) != 0 else { return }
    try check { lightdm_greeter_cancel_authentication(greeter, $0) }
  }

  func setLanguage(_ code: String) throws(DaemonFailure) {
    try check { lightdm_greeter_set_language(greeter, code, $0) }
  }

  /// Starts the session of whoever is authenticated; LightDM then ends this program.
  func startSession(_ key: String?) throws(DaemonFailure) {
    try check { lightdm_greeter_start_session_sync(greeter, key, $0) }
  }

  func cancelAutologin() { lightdm_greeter_cancel_autologin(greeter) }

  var isAuthenticated: Bool { lightdm_greeter_get_is_authenticated(greeter) != 0 }

  // MARK: What the configuration says

  var defaultSession: String? { text(lightdm_greeter_get_default_session_hint(greeter)) }
  var hidesUsers: Bool { lightdm_greeter_get_hide_users_hint(greeter) != 0 }
  var offersTyping: Bool { lightdm_greeter_get_show_manual_login_hint(greeter) != 0 }
  var hasGuest: Bool { lightdm_greeter_get_has_guest_account_hint(greeter) != 0 }
  var selectsGuest: Bool { lightdm_greeter_get_select_guest_hint(greeter) != 0 }
  var selectedUser: String? { text(lightdm_greeter_get_select_user_hint(greeter)) }
  var isLocked: Bool { lightdm_greeter_get_lock_hint(greeter) != 0 }

  private func check(
    _ call: (UnsafeMutablePointer<UnsafeMutablePointer<GError>?>) -> gboolean
  ) throws(DaemonFailure) {
    var error: UnsafeMutablePointer<GError>?
    guard call(&error) == 0 else { return }
    defer { if let error { g_error_free(error) } }
    throw DaemonFailure(words: error.map { String(cString: $0.pointee.message) } ?? "no reason was given")
  }
}

/// Whoever is to be authenticated.
enum Person: Equatable {
  case user(String)
  case guest
  /// Whom the configuration logs in after some seconds.
  case automatic

  var name: String? { if case .user(let name) = self { name } else { nil } }
}

/// What LightDM could not do.
struct DaemonFailure: Error {
  let words: String
}

/// A text of a C library; nil where it is none or empty.
func text(_ pointer: UnsafePointer<CChar>?) -> String? {
  guard let pointer, pointer.pointee != 0 else { return nil }
  return String(cString: pointer)
}
