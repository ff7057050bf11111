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

  public static func activate(caller: UInt32, subject: UInt32?, policy: Policy) -> Authorization {
    if policy.authority != .none { return .refused(.onlineProofRequired) }
    if caller == 0 { return .granted }
    return caller == subject && policy.standingAlone == .firstLogin ? .polkit(.activate) : .polkit(.manage)
  }

  /// - Parameter proven: the caller gave a fresh yes of the present factor.
  public static func reactivate(caller: UInt32, subject: UInt32?, proven: Bool, policy: Policy) -> Authorization {
    if policy.authority != .none { return .refused(.onlineProofRequired) }
    if caller == 0 || (caller == subject && proven) { return .granted }
    return .polkit(.manage)
  }

  public static func manage(caller: UInt32) -> Authorization {
    caller == 0 ? .granted : .polkit(.manage)
  }
}
