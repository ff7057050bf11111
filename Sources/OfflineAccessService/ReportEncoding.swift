import BusInterface
import GLibBus
import OfflineAccess
import Passcode

extension AllowanceReport {
  /// The keys of RemainingAllowance and, with `via`, of an outcome.
  var value: Value {
    var entries: [(AllowanceKey, Value)] = [
      (.activated, .boolean(activated)),
      (.offer, .string(offersActivation ? "activate" : "")),
      (.method, .string(method?.rawValue ?? "")),
      (.state, .string(state.rawValue)),
      (.limit, .string(limit.rawValue)),
    ]
    if let remaining { entries.append((.remaining, .uint32(remaining))) }
    if let counts {
      entries.append((.counts, .strings(Purpose.allCases.filter(counts.contains).map(\.rawValue))))
    }
    if let lastDay { entries.append((.lastDay, .string(lastDay.iso))) }
    if let expires { entries.append((.expires, .uint64(UInt64(clamping: expires)))) }
    if let lockedUntil { entries.append((.lockedUntil, .uint64(UInt64(clamping: lockedUntil)))) }
    entries.append((.message, .string(message)))
    if let via { entries.append((.via, .string(via.rawValue))) }
    if authority != .none {
      entries.append((.authority, .string(authority.rawValue)))
      if let postponementsLeft { entries.append((.later, .uint32(postponementsLeft))) }
      if let time = standing.lastApproval { entries.append((.lastOnline, .uint64(UInt64(clamping: time)))) }
      if let time = standing.lastOffline {
        entries.append((.lastOffline, .uint64(UInt64(clamping: time))))
        entries.append((.offlineReason, .string(standing.offlineReason)))
      }
    }
    return .dictionary(entries.map { ($0.rawValue, $1) })
  }
}

/// The challenge of a security key's set-up that dies at `expires` (seconds since 1970 UTC).
func keyChallenge(expires: Int64) -> Value {
  .dictionary([
    (ChallengeKey.method.rawValue, .string(FactorMethod.securityKey.rawValue)),
    (ChallengeKey.steps.rawValue, .uint32(NewDevice.touches)),
    (ChallengeKey.expires.rawValue, .uint64(UInt64(clamping: expires))),
  ])
}

extension KeyURI {
  /// The challenge of a passcode set-up that dies at `expires` (seconds since 1970 UTC).
  func challenge(expires: Int64) -> Value {
    var entries: [(ChallengeKey, Value)] = [
      (.method, .string(FactorMethod.passcode.rawValue)),
      (.uri, .string(text)),
      (.secret, .string(Base32.grouped(encodedSecret))),
      (.issuer, .string(issuer)),
      (.account, .string(account)),
      (.digits, .uint32(UInt32(factor.digits))),
    ]
    if case .time(let time) = factor.movement { entries.append((.period, .uint32(UInt32(time.period)))) }
    entries.append((.expires, .uint64(UInt64(clamping: expires))))
    return .dictionary(entries.map { ($0.rawValue, $1) })
  }
}
