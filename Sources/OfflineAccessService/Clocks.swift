import CGLib
import Glibc
import OfflineAccess

extension Moment {
  /// The system's clocks now.
  static func now() -> Moment {
    func seconds(_ clock: clockid_t) -> Int64 {
      var time = timespec()
      clock_gettime(clock, &time)
      return Int64(time.tv_sec)
    }
    return Moment(unixTime: seconds(CLOCK_REALTIME), uptime: seconds(CLOCK_BOOTTIME))
  }
}

/// Civil days by GLib's time zones.
struct SystemCalendar: LocalCalendar {
  /// An IANA name, or nil for the machine's zone.
  var zone: String?

  func day(at unixTime: Int64) -> Day {
    withZone { zone in
      guard let utc = g_date_time_new_from_unix_utc(gint64(unixTime)) else {
        return Day(number: Int(unixTime / 86_400))
      }
      defer { g_date_time_unref(utc) }
      guard let local = g_date_time_to_timezone(utc, zone) else { return Day(number: Int(unixTime / 86_400)) }
      defer { g_date_time_unref(local) }
      var (year, month, day): (Int32, Int32, Int32) = (0, 0, 0)
      g_date_time_get_ymd(local, &year, &month, &day)
      return Day(year: Int(year), month: Int(month), day: Int(day))
    }
  }

  func end(of day: Day) -> Int64 {
    withZone { zone in
      let (year, month, date) = day.advanced(by: 1).civil
      // Where a zone skips midnight, GLib takes the first moment after the gap.
      guard let midnight = g_date_time_new(zone, Int32(year), Int32(month), Int32(date), 0, 0, 0) else {
        return Int64(day.number + 1) * 86_400
      }
      defer { g_date_time_unref(midnight) }
      let end = Int64(g_date_time_to_unix(midnight))
      guard let before = g_date_time_add_seconds(midnight, -1) else { return end }
      defer { g_date_time_unref(before) }
      // Where a zone repeats midnight, GLib takes the second one; clocks went back right before it.
      let repeated = g_date_time_get_utc_offset(before) - g_date_time_get_utc_offset(midnight)
      return end - max(0, Int64(repeated) / 1_000_000)
    }
  }

  private func withZone<R>(_ body: (OpaquePointer?) -> R) -> R {
    let zone = zone.map { g_time_zone_new_identifier($0) ?? g_time_zone_new_utc() } ?? g_time_zone_new_local()
    defer { g_time_zone_unref(zone) }
    return body(zone)
  }
}
