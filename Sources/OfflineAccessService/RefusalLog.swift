import OfflineAccess

/// Which refusals the journal shows: all where people err, no flood where a program hammers.
struct RefusalLog {
  /// Refusals of one user that are shown in a minute; people do not reach it.
  private static let perMinute = 20
  private static let minute: Int64 = 60
  /// Users remembered at once, so that memory has a bound.
  private static let capacity = 1024

  private var windows: [UInt32?: (end: Int64, count: Int)] = [:]

  /// Whether one more refusal of `uid` at `uptime` is shown; says once when no more are.
  ///
  /// - Parameter uid: nil for callers whom the bus does not know any more; they count as one.
  mutating func shows(_ uid: UInt32?, at uptime: Int64) -> Bool {
    if windows.count >= Self.capacity { windows = windows.filter { $0.value.end > uptime } }
    var window = windows[uid] ?? (end: 0, count: 0)
    if window.end <= uptime { window = (end: uptime + Self.minute, count: 0) }
    window.count += 1
    if windows.count < Self.capacity || windows[uid] != nil { windows[uid] = window }
    if window.count == Self.perMinute + 1 {
      let who = uid.map { "user id \($0)" } ?? "unknown callers"
      let fields: Journal.Fields = uid.map { [.uid: String($0)] } ?? [:]
      Journal.note(.refused, "more refusals of \(who) are not shown for a minute", fields)
    }
    return window.count <= Self.perMinute
  }
}
