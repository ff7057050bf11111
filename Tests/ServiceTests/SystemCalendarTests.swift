import Foundation
import OfflineAccess
import Testing

@testable import OfflineAccessService

/// Seconds since 1970 of a moment like `2026-03-10T12:00:00Z`.
func time(_ text: String) -> Int64 {
  guard let date = try? Date(text, strategy: .iso8601) else { fatalError("no time: \(text)") }
  return Int64(date.timeIntervalSince1970)
}

@Suite("The machine's calendar")
struct SystemCalendarTests {
  /// With summer time and without, with offsets of quarters, and those that skip or repeat midnight.
  static let zones = [
    "UTC", "Europe/Berlin", "Europe/Lisbon", "America/New_York", "America/Santiago", "America/Havana",
    "Africa/Cairo", "Asia/Beirut", "Atlantic/Azores", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia",
    "Pacific/Kiritimati", "Pacific/Chatham",
  ]

  private func foundation(_ zone: String) throws -> Calendar {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = try #require(TimeZone(identifier: zone))
    return calendar
  }

  /// The changes of offset from 2014 to 2023: of years to come Foundation and the system may know
  /// different rules.
  private func transitions(_ zone: TimeZone) -> [Date] {
    let end = Date(timeIntervalSince1970: Double(time("2024-01-01T00:00:00Z")))
    var transitions: [Date] = []
    var date = Date(timeIntervalSince1970: Double(time("2014-01-01T00:00:00Z")))
    while let next = zone.nextDaylightSavingTimeTransition(after: date), next < end {
      transitions.append(next)
      date = next
    }
    return transitions
  }

  @Test("Days around every change of the clocks in ten years end when Foundation's next day starts", arguments: zones)
  func ends(_ zone: String) throws {
    let calendar = SystemCalendar(zone: zone)
    let foundation = try foundation(zone)
    let ordinary = (0..<12).map { Date(timeIntervalSince1970: Double(time("2023-01-15T12:00:00Z") + $0 * 30 * 86_400)) }
    let changes = transitions(foundation.timeZone).flatMap { change in [-86_400, 0, 86_400].map { change + $0 } }
    var wrong: [String] = []
    for date in ordinary + changes {
      let civil = foundation.dateComponents([.year, .month, .day], from: date)
      let day = Day(year: try #require(civil.year), month: try #require(civil.month), day: try #require(civil.day))
      let next = day.advanced(by: 1).civil
      let noon = try #require(
        foundation.date(from: DateComponents(year: next.year, month: next.month, day: next.day, hour: 12)))
      let expected = Int64(foundation.startOfDay(for: noon).timeIntervalSince1970)
      let end = calendar.end(of: day)
      if end != expected { wrong.append("\(day.iso) ends at \(end), not \(expected)") }
      // The first second of the next day, and the last of this one.
      if calendar.day(at: end - 1) != day || calendar.day(at: end) != day.advanced(by: 1) {
        wrong.append("\(day.iso) does not end at \(end)")
      }
    }
    #expect(wrong.isEmpty)
  }

  @Test("Every moment lies on Foundation's day", arguments: zones)
  func days(_ zone: String) throws {
    let calendar = SystemCalendar(zone: zone)
    let foundation = try foundation(zone)
    let ordinary = stride(from: time("2023-01-01T00:00:00Z"), to: time("2024-01-01T00:00:00Z"), by: 35 * 3600)
    let changes = transitions(foundation.timeZone).suffix(4).flatMap { change in
      stride(
        from: Int64(change.timeIntervalSince1970) - 7200, through: Int64(change.timeIntervalSince1970) + 7200, by: 600
      )
      .flatMap { [$0 - 1, $0] }
    }
    var wrong: [Int64] = []
    for moment in Array(ordinary) + changes {
      let expected = foundation.dateComponents(
        [.year, .month, .day], from: Date(timeIntervalSince1970: Double(moment)))
      let (year, month, day) = calendar.day(at: moment).civil
      if year != expected.year || month != expected.month || day != expected.day { wrong.append(moment) }
    }
    #expect(wrong.isEmpty)
  }

  @Test(
    "Known midnights, those that are skipped or repeated too",
    arguments: [
      ("Europe/Berlin", (2026, 1, 31), "2026-01-31T23:00:00Z"),
      ("Europe/Berlin", (2026, 3, 28), "2026-03-28T23:00:00Z"),
      ("Europe/Berlin", (2026, 3, 29), "2026-03-29T22:00:00Z"),
      ("Europe/Berlin", (2026, 10, 24), "2026-10-24T22:00:00Z"),
      ("Europe/Berlin", (2026, 10, 25), "2026-10-25T23:00:00Z"),
      // Clocks go from midnight to one: the day before ends as the new one begins, at one.
      ("America/Santiago", (2026, 9, 5), "2026-09-06T04:00:00Z"),
      ("Asia/Beirut", (2026, 3, 28), "2026-03-28T22:00:00Z"),
      ("America/Havana", (2023, 3, 11), "2023-03-12T05:00:00Z"),
      // Clocks go from one back to midnight, which so comes twice: the first one ends the day.
      ("America/Havana", (2023, 11, 4), "2023-11-05T04:00:00Z"),
      ("Atlantic/Azores", (2026, 10, 24), "2026-10-25T00:00:00Z"),
      // Clocks go from midnight back to eleven.
      ("America/Santiago", (2026, 4, 4), "2026-04-05T04:00:00Z"),
      ("Pacific/Kiritimati", (2026, 12, 31), "2026-12-31T10:00:00Z"),
    ] as [(String, (Int, Int, Int), String)])
  func midnights(_ zone: String, _ civil: (Int, Int, Int), _ end: String) {
    let day = Day(year: civil.0, month: civil.1, day: civil.2)
    #expect(SystemCalendar(zone: zone).end(of: day) == time(end))
  }

  @Test(
    "Days far away are counted as well",
    arguments: ["1600-02-29T00:00:00Z", "1969-12-31T23:59:59Z", "9999-12-30T00:00:00Z"])
  func far(_ text: String) {
    #expect(SystemCalendar(zone: "UTC").day(at: time(text)).iso == text.prefix(10))
  }

  @Test(
    "What is beyond GLib's years is still a day, in order",
    arguments: [-9_223_372_036_854, 9_223_372_036_854] as [Int64])
  func beyond(_ moment: Int64) {
    let calendar = SystemCalendar(zone: "Europe/Berlin")
    let today = calendar.day(at: time("2026-03-10T12:00:00Z"))
    #expect((calendar.day(at: moment) > today) == (moment > 0))
    #expect((calendar.end(of: Day(number: Int(moment / 86_400))) > 0) == (moment > 0))
  }

  @Test("The machine's own zone is used where none is named")
  func ownZone() {
    let moment = time("2026-07-01T12:00:00Z")
    let expected = Calendar.current.dateComponents(in: .current, from: Date(timeIntervalSince1970: Double(moment)))
    #expect(SystemCalendar().day(at: moment).civil.day == expected.day)
  }
}
