import AuthorityProcess
import Glibc
import OfflineAccess

/// The online service: whether it can be asked, by a real call that proves nothing.
struct AuthorityChecks {
  /// Seconds by which its clock may differ from this one's: codes by time are good for about as long.
  private static let clockTolerance: Int64 = 60

  /// - Parameter policy: nil where the configuration is refused, which is told elsewhere.
  func run(_ policy: Policy?) -> [Check] {
    guard let authority = policy?.authority, authority.kind != .none else { return [] }
    guard geteuid() == 0 else { return [.unknown("authority", Texts.Doctor.onlyRootAsks(authority.kind.rawValue))] }
    if [authority.secretKeyFile, authority.secretFile].contains(where: {
      $0.hasPrefix(AuthorityPolicy.credentialPrefix)
    }),
      getenv("CREDENTIALS_DIRECTORY") == nil
    {
      return [.unknown("authority", Texts.Doctor.credentialUnreadable(authority.kind.rawValue))] + remarks(authority)
    }
    return checks(AuthorityProbe(authority), authority) + remarks(authority)
  }

  private func checks(_ probe: AuthorityProbe, _ authority: AuthorityPolicy) -> [Check] {
    let kind = authority.kind.rawValue
    let found = Texts.Doctor.authorityFound(kind, probe.reason, probe.detail)
    switch probe.finding {
    case .reachable:
      if let offset = probe.clockOffset, offset.magnitude > Self.clockTolerance.magnitude {
        return [.warn("authority", Texts.Doctor.authorityClock(kind, seconds: offset))]
      }
      return [.ok("authority", Texts.Doctor.authorityAnswers(kind))]
    case .unreachable:
      let cure = probe.isAlarm ? Texts.Doctor.authorityAlarm : Texts.Doctor.authorityAway
      return [.fail("authority", found, cure: cure)]
    case .misconfigured:
      let cure = probe.isAlarm ? Texts.Doctor.authorityAlarm : Texts.Doctor.authorityMisconfigured
      return [.fail("authority", found, cure: cure)]
    }
  }

  /// What an administrator may have chosen without meaning it.
  private func remarks(_ authority: AuthorityPolicy) -> [Check] {
    var checks: [Check] = []
    if authority.bypass == .allow { checks.append(.warn("authority-bypass", Texts.Doctor.bypassAllowed)) }
    if authority.whenMisconfigured == .offline {
      checks.append(.warn("authority-misconfigured", Texts.Doctor.misconfiguredGoesOffline))
    }
    if authority.kind == .privacyIDEA, authority.publicKeyFile.isEmpty {
      checks.append(.warn("authority-public-key", Texts.Doctor.repliesUnsigned))
    }
    return checks
  }
}
