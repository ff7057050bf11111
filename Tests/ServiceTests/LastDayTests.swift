import OfflineAccess
import Testing

@testable import OfflineAccessService

@Suite("The last day, by the machine's zone")
struct LastDayTests {
  /// Any counter's code is the counter.
  private struct Codes: PasscodeAlgorithm {
    func values(secret: Secret, counters: [UInt64], digits: Int) -> [UInt32] { counters.map { UInt32($0) } }
  }

  private static let alice = UserIdentity(uid: 1000, name: "alice")

  /// Why a right code is refused at `clock`, for a grant of `days` days on the day of `granted`.
  private func refusal(_ zone: String, granted: String, days: Int, at clock: Int64) -> Refusal.Reason? {
    var policy = Policy()
    policy.limit = .days
    policy.days = days
    let calendar = SystemCalendar(zone: zone)
    var state = UserState(
      user: Self.alice,
      enrollment: Enrollment(
        user: Self.alice,
        factor: .passcode(PasscodeFactor(secret: Secret([1]), digits: 6, movement: .counter(next: 7))),
        grant: Grant(day: calendar.day(at: time(granted)))), clockMark: 0)
    let circumstances = Circumstances(
      policy: policy, moment: Moment(unixTime: clock, uptime: 0), calendar: calendar)
    do throws(Refusal) {
      _ = try state.authenticate(response: "000007", purpose: .login, in: circumstances, by: Codes())
      return nil
    } catch {
      return error.reason
    }
  }

  @Test(
    "The second before local midnight passes and midnight does not",
    arguments: [
      // Across the start of summer time: seven days are an hour shorter.
      ("Europe/Berlin", "2026-03-25T12:00:00Z", 7, "2026-04-01T22:00:00Z"),
      // The last day is the day of 23 hours.
      ("Europe/Berlin", "2026-03-22T12:00:00Z", 7, "2026-03-29T22:00:00Z"),
      // Across its end: an hour longer.
      ("Europe/Berlin", "2026-10-20T12:00:00Z", 7, "2026-10-27T23:00:00Z"),
      // The last day is the day of 25 hours.
      ("Europe/Berlin", "2026-10-18T12:00:00Z", 7, "2026-10-25T23:00:00Z"),
      // Granted within the hour that comes twice, on either of its sides.
      ("Europe/Berlin", "2026-10-25T00:30:00Z", 1, "2026-10-26T23:00:00Z"),
      ("Europe/Berlin", "2026-10-25T01:30:00Z", 1, "2026-10-26T23:00:00Z"),
      // Granted a second before and at midnight.
      ("Europe/Berlin", "2026-01-10T22:59:59Z", 1, "2026-01-11T23:00:00Z"),
      ("Europe/Berlin", "2026-01-10T23:00:00Z", 1, "2026-01-12T23:00:00Z"),
      // The last day ends with a midnight that does not exist.
      ("America/Santiago", "2026-08-29T12:00:00Z", 7, "2026-09-06T04:00:00Z"),
      ("Asia/Beirut", "2026-03-21T12:00:00Z", 7, "2026-03-28T22:00:00Z"),
      // The last day starts with one.
      ("America/Santiago", "2026-08-30T12:00:00Z", 7, "2026-09-07T03:00:00Z"),
      // The last day ends with a midnight that comes twice.
      ("Atlantic/Azores", "2026-10-17T12:00:00Z", 7, "2026-10-25T00:00:00Z"),
      ("America/Havana", "2023-10-28T12:00:00Z", 7, "2023-11-05T04:00:00Z"),
      ("UTC", "2028-02-22T12:00:00Z", 7, "2028-03-01T00:00:00Z"),
    ] as [(String, String, Int, String)])
  func midnight(_ zone: String, _ granted: String, _ days: Int, _ end: String) {
    #expect(refusal(zone, granted: granted, days: days, at: time(end) - 1) == nil)
    #expect(refusal(zone, granted: granted, days: days, at: time(end)) == .allowanceExpired)
  }
}
