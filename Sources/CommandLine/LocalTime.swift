import Glibc
import OfflineAccess

/// Times and days as a person reads them, in the machine's time zone.
enum LocalTime {
  /// `1 December 2026, 14:05:30`.
  static func text(unixTime: Int64) -> String {
    var seconds = time_t(unixTime)
    var parts = tm()
    guard localtime_r(&seconds, &parts) != nil else { return String(unixTime) }
    let day = Day(year: Int(parts.tm_year) + 1900, month: Int(parts.tm_mon) + 1, day: Int(parts.tm_mday))
    func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return "\(day.spelledOut), \(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
  }

  /// An ISO date spelled out; any other text as it is.
  static func text(isoDay: String) -> String {
    let parts = isoDay.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 3, let year = parts[0], let month = parts[1], let day = parts[2],
      (1...12).contains(month), (1...31).contains(day)
    else { return isoDay }
    return Day(year: year, month: month, day: day).spelledOut
  }
}
