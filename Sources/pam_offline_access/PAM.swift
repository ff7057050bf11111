// The PAM module: one conversation, and its verdict as a PAM code. Compiled as Embedded Swift into a
// library without the Swift runtime, because it lives in other people's processes: it starts no
// thread, touches no signal handler, reads no environment, and keeps nothing between calls but which
// set-up is to be stored (ProvenSetUp.swift).
import CPAM
import CSystem

/// `auth`: every way but one ends in a denial, and none in PAM_IGNORE.
@c(pam_sm_authenticate)
public func authenticate(
  _ handle: OpaquePointer?, _ flags: Int32, _ count: Int32,
  _ arguments: UnsafeMutablePointer<UnsafePointer<CChar>?>?
) -> Int32 {
  guard let handle else { return PAM_SERVICE_ERR }
  guard memoryIsAtHand() else {
    pam_log(handle, LOG_ERR, "denied: out of memory")
    return PAM_BUF_ERR
  }
  // What an earlier try on this handle has proven is not this one's.
  ProvenSetUp.dropEarlier(handle)
  let options: ModuleOptions
  do throws(ModuleOptions.Unknown) {
    options = try ModuleOptions(arguments, count: count)
  } catch {
    log(handle, LOG_ERR, "denied: unknown option \"\(error.text)\"")
    return PAM_SERVICE_ERR
  }

  var userPointer: UnsafePointer<CChar>?
  let userCode = pam_get_user(handle, &userPointer, nil)
  guard userCode == PAM_SUCCESS, let userPointer else {
    log(handle, LOG_NOTICE, "denied: no user name")
    return userCode == PAM_BUF_ERR ? PAM_BUF_ERR : PAM_CONV_ERR
  }
  guard let user = String(validatingCString: userPointer) else {
    log(handle, LOG_NOTICE, "denied: the user name is not UTF-8")
    return PAM_USER_UNKNOWN
  }

  let service = item(handle, PAM_SERVICE)
  let request = Request(
    user: user, service: service, purpose: options.purpose ?? .usual(for: service),
    remote: item(handle, PAM_RHOST), atTerminal: isTextTerminal(item(handle, PAM_TTY)),
    quiet: options.quiet || flags & Int32(PAM_SILENT) != 0, storesLater: true)
  var conversation = Conversation(request, with: PAMPerson(handle))
  let verdict = conversation.run { () throws(BusFailure) in FactorClient(try BusConnection()) }
  if verdict != .granted {
    log(
      handle, verdict == .unavailable ? LOG_ERR : LOG_NOTICE,
      "denied \(request.purpose.rawValue) to user \(user): \(conversation.cause)")
  }
  if verdict == .granted, !conversation.proven.isEmpty,
    !ProvenSetUp.keep(handle, conversation.proven, of: user)
  {
    return PAM_BUF_ERR
  }
  return code(verdict, conversation.person)
}

/// Swift ends the process when its own small allocations fail, and a screen locker that ends unlocks
/// the screen. So there has to be room for a whole conversation before it begins. Small enough for
/// the heap, where the room then stays at hand.
func memoryIsAtHand() -> Bool {
  guard let room = malloc(96 * 1024) else { return false }
  // Else the compiler would drop the pair as of no effect.
  explicit_bzero(room, 1)
  free(room)
  return true
}

private func code(_ verdict: Verdict, _ person: PAMPerson) -> Int32 {
  switch verdict {
  case .granted: PAM_SUCCESS
  case .refused(.locked): PAM_MAXTRIES
  case .refused(.noSuchUser): PAM_USER_UNKNOWN
  case .refused: PAM_AUTH_ERR
  case .unavailable: PAM_AUTHINFO_UNAVAIL
  case .conversationFailed: person.failureCode
  }
}

/// An item that is text, "" where the host has not set it. A remote host's name may be anything a
/// name server says, so what is not UTF-8 is replaced, not refused.
func item(_ handle: OpaquePointer, _ type: Int32) -> String {
  var pointer: UnsafeRawPointer?
  guard pam_get_item(handle, type, &pointer) == PAM_SUCCESS, let pointer else { return "" }
  return String(cString: pointer.assumingMemoryBound(to: CChar.self))
}

/// Whether PAM_TTY names a text terminal rather than an X display.
private func isTextTerminal(_ name: String) -> Bool {
  for prefix in ["/dev/", "tty", "pts/", "ssh"] where name.hasPrefix(prefix) { return true }
  return false
}

/// One line in the journal, whatever the user's name is.
func log(_ handle: OpaquePointer, _ priority: Int32, _ text: String) {
  pam_log(handle, priority, MessageLimit.oneLine(text))
}

// MARK: - The other services

/// There are no credentials to set; what the user proved was proved in `auth`. But a set-up that was
/// proven there has to be stored by now, or the login fails.
@c(pam_sm_setcred)
public func setCredentials(
  _ handle: OpaquePointer?, _ flags: Int32, _ count: Int32,
  _ arguments: UnsafeMutablePointer<UnsafePointer<CChar>?>?
) -> Int32 {
  guard let handle, flags & Int32(PAM_DELETE_CRED) == 0 else { return PAM_SUCCESS }
  return ProvenSetUp.store(handle) ? PAM_SUCCESS : PAM_CRED_ERR
}

// No opinion on accounts, sessions and passwords, beyond a set-up that could not be stored. In a stack of
// its own PAM turns that into a denial, and beside other modules it changes nothing. A change of password
// is not a change of factor (that is reactivation, with its own proof), and an error here would only keep
// people from `passwd`.

@c(pam_sm_acct_mgmt)
public func manageAccount(
  _ handle: OpaquePointer?, _ flags: Int32, _ count: Int32,
  _ arguments: UnsafeMutablePointer<UnsafePointer<CChar>?>?
) -> Int32 {
  guard let handle else { return PAM_IGNORE }
  return ProvenSetUp.store(handle) ? PAM_IGNORE : PAM_AUTH_ERR
}

@c(pam_sm_open_session)
public func openSession(
  _ handle: OpaquePointer?, _ flags: Int32, _ count: Int32,
  _ arguments: UnsafeMutablePointer<UnsafePointer<CChar>?>?
) -> Int32 {
  guard let handle else { return PAM_IGNORE }
  return ProvenSetUp.store(handle) ? PAM_IGNORE : PAM_SESSION_ERR
}

@c(pam_sm_close_session)
public func closeSession(
  _ handle: OpaquePointer?, _ flags: Int32, _ count: Int32,
  _ arguments: UnsafeMutablePointer<UnsafePointer<CChar>?>?
) -> Int32 {
  PAM_IGNORE
}

@c(pam_sm_chauthtok)
public func changeToken(
  _ handle: OpaquePointer?, _ flags: Int32, _ count: Int32,
  _ arguments: UnsafeMutablePointer<UnsafePointer<CChar>?>?
) -> Int32 {
  PAM_IGNORE
}
