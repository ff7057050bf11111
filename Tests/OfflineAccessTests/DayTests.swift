import Foundation
import OfflineAccess
import Testing

@Suite("Civil days")
struct DayTests {
  private static let gregorian: Calendar = {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = .gmt
    return calendar
  }()

  @Test("Every day of two centuries is that of Foundation's calendar", arguments: [1890..<1990, 1990..<2091])
  func foundation(_ years: Range<Int>) throws {
    func noon(of year: Int) throws -> Date {
      try #require(Self.gregorian.date(from: DateComponents(year: year, month: 1, day: 1, hour: 12)))
    }
    let end = try noon(of: years.upperBound)
    var date = try noon(of: years.lowerBound)
    var number = Int((date.timeIntervalSince1970 / 86_400).rounded(.down))
    var wrong: [Int] = []
    while date < end {
      let expected = Self.gregorian.dateComponents([.year, .month, .day], from: date)
      let (year, month, day) = Day(number: number).civil
      if year != expected.year || month != expected.month || day != expected.day
        || Day(year: year, month: month, day: day).number != number
      {
        wrong.append(number)
      }
      date += 86_400
      number += 1
    }
    #expect(wrong.isEmpty)
  }

  @Test(
    "Known days have known numbers",
    arguments: [
      ((1970, 1, 1), 0), ((1969, 12, 31), -1), ((1970, 3, 1), 59), ((2000, 2, 29), 11_016), ((2000, 3, 1), 11_017),
      ((2026, 12, 1), 20_788), ((2038, 1, 19), 24_855), ((1600, 3, 1), -135_080), ((1900, 3, 1), -25_508),
      ((2100, 3, 1), 47_541), ((9999, 12, 31), 2_932_896),
    ] as [((Int, Int, Int), Int)])
  func known(_ civil: (Int, Int, Int), _ number: Int) {
    #expect(Day(year: civil.0, month: civil.1, day: civil.2) == Day(number: number))
    #expect(Day(number: number).civil == civil)
  }

  @Test(
    "A leap day stands in every fourth year, but not in a full century, but in every fourth of those",
    arguments: [
      (1896, 29), (1900, 28), (1904, 29), (2000, 29), (2023, 28), (2024, 29), (2025, 28), (2100, 28), (2200, 28),
      (2400, 29),
    ])
  func leapDays(_ year: Int, _ lastOfFebruary: Int) {
    let eve = Day(year: year, month: 3, day: 1).advanced(by: -1)
    #expect(eve.civil == (year, 2, lastOfFebruary))
  }

  @Test(
    "A day is written for machines and for people",
    arguments: [
      ((2026, 12, 1), "2026-12-01", "1 December 2026"), ((2026, 1, 31), "2026-01-31", "31 January 2026"),
      ((2028, 2, 29), "2028-02-29", "29 February 2028"), ((987, 6, 5), "0987-06-05", "5 June 987"),
      ((12_345, 10, 11), "12345-10-11", "11 October 12345"),
    ] as [((Int, Int, Int), String, String)])
  func written(_ civil: (Int, Int, Int), _ iso: String, _ spelledOut: String) {
    let day = Day(year: civil.0, month: civil.1, day: civil.2)
    #expect(day.iso == iso)
    #expect(day.spelledOut == spelledOut)
  }

  @Test("Every month has its name")
  func months() {
    let names = (1...12).map { Day(year: 2026, month: $0, day: 1).spelledOut.split(separator: " ")[1] }
    #expect(
      names.joined(separator: " ")
        == "January February March April May June July August September October November December")
  }

  @Test("Days are ordered and advance over the ends of months and years")
  func advancing() {
    let eve = Day(year: 2026, month: 12, day: 31)
    #expect(eve.advanced(by: 1).iso == "2027-01-01")
    #expect(eve.advanced(by: -31).iso == "2026-11-30")
    #expect(eve.advanced(by: 0) == eve)
    #expect(eve < eve.advanced(by: 1))
    #expect(eve > Day(year: 2026, month: 12, day: 30))
  }
}
