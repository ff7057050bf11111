// A set-up between its proof and its storing.
import CPAM
import CSystem

/// A set-up that was proven in `auth`. It is stored only once the whole stack has said yes: behind
/// `auth required pam_unix.so` the dialogue also comes after a wrong password, and a stranger's phone
/// must not become the user's. It holds no secret; the service knows what was proven.
///
/// The stack's verdict comes from PAM itself, not from the host: some hosts say PAM_SUCCESS to pam_end
/// whatever came before (pamtester, CUPS).
final class ProvenSetUp {
  private enum State {
    case proven
    case stored
    case failed
    case dropped
  }

  private let handle: OpaquePointer
  private let activation: String
  private let user: String
  /// What the host wants to be called at the end of pam_authenticate.
  private let hostsFunction: pam_verdict_function?
  private var state = State.proven
  /// Whether the function that libpam calls is this module's for now.
  private var awaitsVerdict = false
  /// Ends of copies of this process, as in a child that a host forked, decide nothing.
  private let process = getpid()

  /// The name under which PAM keeps it for this module.
  private static var name: String { "pam_offline_access_set_up" }

  private init(_ handle: OpaquePointer, _ activation: String, of user: String) {
    self.handle = handle
    self.activation = activation
    self.user = user
    hostsFunction = pam_get_verdict_function(handle)
  }

  /// Leaves a set-up with PAM until the verdict, or until PAM ends.
  ///
  /// - Returns: false where PAM could not take it; then it is cancelled.
  static func keep(_ handle: OpaquePointer, _ activation: String, of user: String) -> Bool {
    let setUp = ProvenSetUp(handle, activation, of: user)
    let data = Unmanaged.passRetained(setUp)
    let code = pam_set_data(handle, name, data.toOpaque()) { _, data, _ in
      guard let data else { return }
      Unmanaged<ProvenSetUp>.fromOpaque(data).takeRetainedValue().drop()
    }
    guard code == PAM_SUCCESS else {
      log(handle, LOG_ERR, "denied: the set-up of user \(user) could not be kept")
      setUp.drop()
      data.release()
      return false
    }
    if pam_set_verdict_function(handle, verdictCame) == PAM_SUCCESS {
      setUp.awaitsVerdict = true
      receive(setUp)
    }
    return true
  }

  /// Cancels what an earlier try on this handle left.
  static func dropEarlier(_ handle: OpaquePointer) {
    guard let setUp = present(handle) else { return }
    setUp.giveBackFunction()
    setUp.drop()
  }

  /// Sees to it that what was proven is stored, as a host that goes on after `auth` has had its yes.
  ///
  /// - Returns: false where there was something to store and that failed, so that the login must not go on.
  static func store(_ handle: OpaquePointer) -> Bool {
    guard let setUp = present(handle) else { return true }
    setUp.store()
    return setUp.state != .failed
  }

  private static func present(_ handle: OpaquePointer) -> ProvenSetUp? {
    var data: UnsafeRawPointer?
    guard pam_get_data(handle, name, &data) == PAM_SUCCESS, let data else { return nil }
    return Unmanaged<ProvenSetUp>.fromOpaque(data).takeUnretainedValue()
  }

  // MARK: The verdict

  private static func receive(_ setUp: ProvenSetUp?) {
    let next = setUp.map { Unmanaged.passRetained($0).toOpaque() }
    if let before = pam_exchange_receiver(next) { Unmanaged<ProvenSetUp>.fromOpaque(before).release() }
  }

  fileprivate static func receiver() -> ProvenSetUp? {
    guard let receiver = pam_exchange_receiver(nil) else { return nil }
    return Unmanaged<ProvenSetUp>.fromOpaque(receiver).takeRetainedValue()
  }

  fileprivate func decide(_ status: Int32, after microseconds: UInt32, _ hostData: UnsafeMutableRawPointer?) {
    giveBackFunction()
    if status == PAM_SUCCESS { store() } else { drop() }
    // What libpam would have done.
    if let hostsFunction {
      hostsFunction(status, microseconds, hostData)
    } else if status != PAM_SUCCESS, microseconds > 0 {
      poll(nil, 0, Int32(clamping: microseconds / 1_000))
    }
  }

  private func giveBackFunction() {
    guard awaitsVerdict else { return }
    awaitsVerdict = false
    _ = pam_set_verdict_function(handle, hostsFunction)
  }

  // MARK: What becomes of it

  private func store() {
    guard state == .proven else { return }
    state = .failed
    guard memoryIsAtHand() else {
      pam_log(handle, LOG_ERR, "set-up not stored: out of memory")
      return
    }
    // The host may have asked for another user since.
    guard item(handle, PAM_USER) == user else {
      state = .proven
      return drop()
    }
    do throws(BusFailure) {
      if try FactorClient(try BusConnection()).confirm(activation, response: "").complete {
        state = .stored
      } else {
        log(handle, LOG_ERR, "set-up of user \(user) not stored: it is not complete")
      }
    } catch {
      log(handle, LOG_ERR, "set-up of user \(user) not stored: \(error.cause)")
    }
  }

  private func drop() {
    guard state == .proven, process == getpid() else { return }
    state = .dropped
    guard memoryIsAtHand() else { return }
    try? FactorClient(try BusConnection()).cancel(activation)
  }
}

/// Called by libpam at the end of pam_authenticate.
private let verdictCame: pam_verdict_function = { status, microseconds, hostData in
  ProvenSetUp.receiver()?.decide(status, after: microseconds, hostData)
}
