import GLibBus
import OfflineAccess
import Passcode
import Testing

@testable import OfflineAccessService

/// A dictionary of the bus as its keys with types and values: `remaining` is `u 9`.
private func entries(_ value: Value) throws -> [String: String] {
  guard case .dictionary(let entries) = value else {
    Issue.record("no dictionary")
    return [:]
  }
  var texts: [String: String] = [:]
  for (key, value) in entries {
    let text =
      switch value {
      case .boolean(let value): "b \(value)"
      case .uint32(let value): "u \(value)"
      case .uint64(let value): "t \(value)"
      case .string(let value): "s \(value)"
      case .strings(let values): "as \(values.joined(separator: ";"))"
      default: "another type"
      }
    #expect(texts.updateValue(text, forKey: key) == nil, "\(key) comes twice")
  }
  return texts
}

@Suite("A report on the bus")
struct ReportEncodingTests {
  private static let alice = UserIdentity(uid: 1000, name: "alice")
  private static let noon = time("2026-03-10T12:00:00Z")

  private func report(
    _ limit: LimitKind, at clock: Int64 = noon, exempt: Bool = false, via: Via? = nil,
    _ change: (inout UserState) -> Void = { _ in }
  ) throws -> [String: String] {
    var policy = Policy()
    policy.limit = limit
    let calendar = SystemCalendar(zone: "UTC")
    var state = UserState(
      user: Self.alice,
      enrollment: Enrollment(
        user: Self.alice,
        factor: .passcode(PasscodeFactor(secret: Secret([1]), digits: 6, movement: .time(.init(period: 30)))),
        grant: Grant(day: calendar.day(at: Self.noon), used: 3)), clockMark: Self.noon)
    change(&state)
    let circumstances = Circumstances(policy: policy, moment: Moment(unixTime: clock, uptime: 0), calendar: calendar)
    return try entries(state.report(exempt: exempt, in: circumstances, via: via).value)
  }

  @Test("Under both limits every number is told, with the contract's types")
  func both() throws {
    #expect(
      try report(.both) == [
        "activated": "b true", "offer": "s ", "method": "s passcode", "state": "s ready", "limit": "s both",
        "remaining": "u 7", "counts": "as login;elevation", "last-day": "s 2026-03-17",
        "expires": "t \(time("2026-03-18T00:00:00Z"))",
        "message": "s 7 offline logins remaining, offline access until 17 March 2026.",
      ])
  }

  @Test("A number without a meaning for the limit is absent")
  func absent() throws {
    let always: Set = ["activated", "offer", "method", "state", "limit", "message"]
    #expect(Set(try report(.logins).keys) == always.union(["remaining", "counts"]))
    #expect(Set(try report(.days).keys) == always.union(["last-day", "expires"]))
    #expect(Set(try report(.unlimited).keys) == always)
    #expect(Set(try report(.unlimited, via: .offline).keys) == always.union(["via"]))
    #expect(Set(try report(.both) { $0.enrollment = nil }.keys) == always)
  }

  @Test("How a yes came about is told in an outcome", arguments: Via.allCases)
  func via(_ via: Via) throws {
    #expect(try report(.logins, via: via)["via"] == "s \(via.rawValue)")
  }

  @Test("Every state has its word")
  func states() throws {
    let locked = try report(.both) { $0.enrollment?.failures = Failures(count: 5, lockedUntil: Self.noon + 30) }
    #expect(locked["state"] == "s locked")
    #expect(locked["locked-until"] == "t \(Self.noon + 30)")
    #expect(try report(.both) { $0.enrollment?.grant.used = 10 }["state"] == "s exhausted")
    #expect(try report(.both, at: Self.noon + 10 * 86_400)["state"] == "s expired")
    #expect(try report(.both, at: Self.noon - 86_400)["state"] == "s clock-untrusted")
    let without = try report(.both) { $0.enrollment = nil }
    #expect(without["state"] == "s not-activated")
    #expect(without["activated"] == "b false")
    #expect(without["method"] == "s ")
  }

  @Test("An exempt user's report names no factor to ask for and no lock")
  func exempt() throws {
    let report = try report(.logins, exempt: true, via: .exempt) {
      $0.enrollment?.failures = Failures(count: 5, lockedUntil: Self.noon + 30)
    }
    #expect(report["method"] == "s ")
    #expect(report["state"] == "s ready")
    #expect(report["locked-until"] == nil)
  }
}

@Suite("A challenge on the bus")
struct ChallengeTests {
  private func challenge(_ movement: PasscodeFactor.Movement) throws -> [String: String] {
    let factor = PasscodeFactor(secret: Secret("12345678901234567890".utf8), digits: 6, movement: movement)
    return try entries(KeyURI(issuer: "Offline Access", account: "alice@laptop", factor: factor).challenge(expires: 99))
  }

  @Test("A set-up by time has all that an app or a person needs")
  func time() throws {
    #expect(
      try challenge(.time(.init(period: 30))) == [
        "method": "s passcode", "secret": "s GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ", "issuer": "s Offline Access",
        "account": "s alice@laptop", "digits": "u 6", "period": "u 30", "expires": "t 99",
        "uri": "s otpauth://totp/Offline%20Access:alice@laptop?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
          + "&issuer=Offline%20Access&algorithm=SHA1&digits=6&period=30",
      ])
  }

  @Test("A set-up by counter has no period")
  func counter() throws {
    let challenge = try challenge(.counter(next: 0))
    #expect(challenge["period"] == nil)
    #expect(challenge["uri"]?.hasPrefix("s otpauth://hotp/") == true)
  }
}

@Suite("A store that refuses")
struct StoreFailureTextTests {
  private static let failures: [StoreFailure] = [
    .unsafe("/private/path"), .damaged("/private/path"), .newerVersion(4711), .keyMissing, .keyMismatch,
    .olderCopy(found: 4711, reached: 4712), .diskFull,
    .readOnly, .inputOutput("/private/path"),
  ]

  @Test("Each cause is one that the user and the administrator can tell from the others")
  func distinct() {
    #expect(Set(Self.failures.map(\.cause)).count == Self.failures.count)
    #expect(Set(Self.failures.map(\.refusal.sentence)).count == Self.failures.count)
  }

  @Test("The user is refused with a plain sentence that names no file", arguments: failures)
  func plain(_ failure: StoreFailure) {
    #expect(failure.refusal.reason == .failed)
    #expect(failure.refusal.sentence.hasPrefix("Offline access is not available: "))
    #expect(failure.refusal.sentence.hasSuffix(". Tell the administrator."))
    #expect(!failure.refusal.sentence.contains("/"))
  }

  @Test("The journal names what exactly is wrong")
  func exact() {
    for failure in [StoreFailure.unsafe("/a is b"), .damaged("/a is b"), .inputOutput("/a is b")] {
      #expect(failure.cause.contains("/a is b"))
    }
    #expect(StoreFailure.newerVersion(4711).cause.contains("4711"))
  }
}
