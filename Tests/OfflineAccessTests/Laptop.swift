import Foundation
import OfflineAccess

/// Codes that a person can read: the device's number, then the last four digits of the counter.
struct ReadableCodes: PasscodeAlgorithm {
  func values(secret: Secret, counters: [UInt64], digits: Int) -> [UInt32] {
    let device = secret.withBytes { UInt32($0[0]) }
    return counters.map { device * 10_000 + UInt32($0 % 10_000) }
  }
}

/// Days of UTC.
struct UTCCalendar: LocalCalendar {
  func day(at unixTime: Int64) -> Day { Day(number: Int((Double(unixTime) / 86_400).rounded(.down))) }
  func end(of day: Day) -> Int64 { Int64(day.number + 1) * 86_400 }
}

/// Seconds since 1970 of a moment like `2026-03-10T12:00:00Z`.
func time(_ text: String) -> Int64 {
  guard let date = try? Date(text, strategy: .iso8601) else { fatalError("no time: \(text)") }
  return Int64(date.timeIntervalSince1970)
}

/// An authenticator app or token: a number of its own and how it moves.
struct Device {
  var number: UInt8 = 1
  var movement = PasscodeFactor.Movement.counter(next: 0)

  static let token = Device()
  static let app = Device(movement: .time(.init(period: 30)))

  var secret: Secret { Secret([number]) }
  var factor: PasscodeFactor { PasscodeFactor(secret: secret, digits: 6, movement: movement) }

  /// What it shows for `counter`: 0 and 17 of device 1 read "010000" and "010017".
  func code(_ counter: Int64) -> String {
    let tail = String(counter % 10_000)
    return (number < 10 ? "0" : "") + "\(number)" + String(repeating: "0", count: 4 - tail.count) + tail
  }
}

/// One user's laptop on 10 March 2026 at noon, offline, granted on that day.
final class Laptop {
  static let alice = UserIdentity(uid: 1000, name: "alice")
  static let noon = time("2026-03-10T12:00:00Z")

  var policy: Policy
  var clock = noon
  /// Why the offline factor stands in for an authority.
  var outage: Outage?
  /// Whether an authority has approved the user just now.
  var isApproved = false
  var state: UserState
  var device: Device
  /// The next counter of a token.
  var nextCode: Int64 = 0

  init(_ device: Device = .token, limit: LimitKind = .logins, change: (inout Policy) -> Void = { _ in }) {
    var policy = Policy()
    policy.limit = limit
    change(&policy)
    self.policy = policy
    self.device = device
    state = UserState(
      user: Self.alice,
      enrollment: Enrollment(
        user: Self.alice, factor: .passcode(device.factor), grant: Grant(day: UTCCalendar().day(at: Self.noon))),
      clockMark: Self.noon)
  }

  var circumstances: Circumstances {
    Circumstances(
      policy: policy, moment: Moment(unixTime: clock, uptime: 0), calendar: UTCCalendar(), outage: outage,
      isApproved: isApproved)
  }

  var report: AllowanceReport { state.report(exempt: false, in: circumstances) }

  /// What the app shows at the laptop's time, or steps before or after.
  func shown(_ offset: Int64 = 0) -> String { device.code(clock / 30 + offset) }

  func authenticate(_ response: String, for purpose: Purpose? = .login) throws(Refusal) -> AllowanceReport {
    try state.authenticate(response: response, purpose: purpose, in: circumstances, by: ReadableCodes())
  }

  /// Why `response` is refused; nil after a yes.
  @discardableResult
  func refusal(_ response: String, for purpose: Purpose? = .login) -> Refusal.Reason? {
    OfflineAccessTests.refusal { () throws(Refusal) in try authenticate(response, for: purpose) }?.reason
  }

  /// Authenticates with the next code of the token.
  @discardableResult
  func logIn(for purpose: Purpose? = .login) throws(Refusal) -> AllowanceReport {
    let report = try authenticate(device.code(nextCode), for: purpose)
    nextCode += 1
    return report
  }

  func renew() throws(Refusal) -> AllowanceReport { try state.renew(in: circumstances) }

  /// The same state as a later call finds it in the store.
  func reload() {
    state = UserState(
      user: state.user, enrollment: state.enrollment, standing: state.standing, clockMark: state.clockMark)
  }
}

/// The refusal that `body` throws; nil when it returns.
func refusal<R>(_ body: () throws(Refusal) -> R) -> Refusal? {
  do throws(Refusal) {
    _ = try body()
    return nil
  } catch {
    return error
  }
}

/// A code that no device shows.
let wrong = "999999"
