/// polkit's actions, as named in data/.
public enum PolkitAction: String, CaseIterable, Sendable {
  /// Set up one's own offline access.
  case activate = "org.offlineaccess.Factor1.activate"
  /// Set up, replace, remove and renew anybody's.
  case manage = "org.offlineaccess.Factor1.manage"
}

/// What a call needs before it is carried out.
public enum Authorization: Equatable, Sendable {
  case granted
  /// Ask polkit for this action.
  case polkit(PolkitAction)
  case refused(Refusal.Reason)
}

/// Who may do what. The caller's user id comes from the bus, never from an argument. A subject of nil is
/// a user whom nobody knows: whoever may not act for others is not told so.
public enum AccessRules {
  /// root for anybody, everybody for themself.
  public static func authenticate(caller: UInt32, subject: UInt32?) -> Authorization {
    caller == 0 || caller == subject ? .granted : .refused(.accessDenied)
  }

  /// As `authenticate`; configured greeters too.
  public static func readAllowance(caller: UInt32, callerIsGreeter: Bool, subject: UInt32?) -> Authorization {
    callerIsGreeter ? .granted : authenticate(caller: caller, subject: subject)
  }

  /// - Parameter approved: an authority approved the subject just now.
  public static func activate(caller: UInt32, subject: UInt32?, approved: Bool, policy: Policy) -> Authorization {
    if policy.authority.kind != .none { return online(caller: caller, subject: subject, approved: approved) }
    if caller == 0 { return .granted }
    return caller == subject && policy.standingAlone == .firstLogin ? .polkit(.activate) : .polkit(.manage)
  }

  /// - Parameters:
  ///   - proven: the caller gave a fresh yes of the present factor.
  ///   - approved: an authority approved the subject just now.
  public static func reactivate(
    caller: UInt32, subject: UInt32?, proven: Bool, approved: Bool, policy: Policy
  ) -> Authorization {
    if policy.authority.kind != .none { return online(caller: caller, subject: subject, approved: approved) }
    if caller == 0 || (caller == subject && proven) { return .granted }
    return .polkit(.manage)
  }

  /// Nobody stands in for the authority, root neither.
  private static func online(caller: UInt32, subject: UInt32?, approved: Bool) -> Authorization {
    guard approved else { return .refused(.onlineProofRequired) }
    return caller == 0 || caller == subject ? .granted : .polkit(.manage)
  }

  public static func manage(caller: UInt32) -> Authorization {
    caller == 0 ? .granted : .polkit(.manage)
  }

  /// As `manage`; but only an authority's approval fills the allowance where there is one.
  public static func renew(caller: UInt32, subject: UInt32?, approved: Bool, policy: Policy) -> Authorization {
    policy.authority.kind != .none && !approved ? .refused(.onlineProofRequired) : manage(caller: caller)
  }
}
