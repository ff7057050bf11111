// What `doctor` says of the online service.
extension Texts.Doctor {
  static func authorityAnswers(_ kind: String) -> String { "The online service (\(kind)) answers." }
  static func authorityFound(_ kind: String, _ reason: String, _ detail: String) -> String {
    "The online service (\(kind)) cannot be asked: \(detail.isEmpty ? reason : "\(detail) (\(reason))")"
  }
  static func authorityClock(_ kind: String, seconds: Int64) -> String {
    "The online service (\(kind)) answers, but its clock is \(seconds.magnitude) seconds "
      + "\(seconds > 0 ? "ahead of" : "behind") this computer's. Codes by time may be refused."
  }
  static func onlyRootAsks(_ kind: String) -> String {
    "The online service (\(kind)) was not asked: only root can read what it takes. Run this with sudo."
  }
  static func credentialUnreadable(_ kind: String) -> String {
    "The online service (\(kind)) was not asked: systemd gives its secret to the service alone."
  }
  static let authorityAway =
    "Users fall back to offline access until it answers. Look at the network, and at the address in [Authority]."
  static let authorityAlarm =
    "Somebody else may answer in its place. Compare ca-file, pinned-key, public-key and this computer's clock with what the service's administrator says."
  static let authorityMisconfigured = "Nobody gets in who needs it before that is corrected in [Authority]."
  static let bypassAllowed = "bypass=allow: the online service can let users in without a second factor."
  static let misconfiguredGoesOffline =
    "misconfigured=offline: a wrong setting, or a reply that is not signed as it should, counts as unreachable."
  static let repliesUnsigned =
    "public-key= is empty: the replies of privacyIDEA are trusted because of TLS alone."
}
