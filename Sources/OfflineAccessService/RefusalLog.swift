import OfflineAccess

/// Which lines of a kind the journal shows: all where people err, no flood where a program hammers.
struct LineLimit<Key: Hashable & Sendable>: Sendable {
  /// Lines of one kind that are shown in a minute; people do not reach it.
  static var perMinute: Int { 20 }
  private static var minute: Int64 { 60 }
  /// Kinds remembered at once, so that memory has a bound. What comes beyond counts as one kind.
  private static var capacity: Int { 1024 }

  enum Verdict {
    case shown
    /// The first one that is not shown.
    case firstHidden
    case hidden
  }

  private var windows: [Key?: (end: Int64, count: Int)] = [:]

  /// Counts one more line of `key` at `uptime`.
  mutating func next(_ key: Key, at uptime: Int64) -> Verdict {
    if windows.count >= Self.capacity { windows = windows.filter { $0.value.end > uptime } }
    let kind = windows.count < Self.capacity || windows[key] != nil ? key : nil
    var window = windows[kind] ?? (end: 0, count: 0)
    if window.end <= uptime { window = (end: uptime + Self.minute, count: 0) }
    window.count += 1
    windows[kind] = window
    return window.count <= Self.perMinute ? .shown : window.count == Self.perMinute + 1 ? .firstHidden : .hidden
  }
}

/// Which lines the journal shows that a user causes at will, by user id.
struct RefusalLog {
  private var limit = LineLimit<Int64>()
  /// Callers whom the bus does not know any more count as one.
  private static let unknown: Int64 = -1

  /// Whether one more line because of `uid` at `uptime` is shown; says once when no more are.
  mutating func shows(_ uid: UInt32?, at uptime: Int64) -> Bool {
    let verdict = limit.next(uid.map(Int64.init) ?? Self.unknown, at: uptime)
    if verdict == .firstHidden {
      let who = uid.map { "user id \($0)" } ?? "unknown callers"
      let fields: Journal.Fields = uid.map { [.uid: String($0)] } ?? [:]
      Journal.note(.refused, "more of \(who) is not shown for a minute", fields)
    }
    return verdict == .shown
  }
}
