/// Yeses of the present factor that users asked for by themselves, as proof for Reactivate.
struct FreshProofs {
  /// Seconds that a proof holds.
  private static let lifetime: Int64 = 120
  /// By user id, until when, by `Moment.uptime`.
  private var deadlines: [UInt32: Int64] = [:]

  mutating func add(_ uid: UInt32, at uptime: Int64) { deadlines[uid] = uptime + Self.lifetime }

  /// Uses the proof of `uid` up.
  ///
  /// - Returns: whether there was a fresh one.
  mutating func take(_ uid: UInt32, at uptime: Int64) -> Bool {
    deadlines.removeValue(forKey: uid).map { $0 > uptime } ?? false
  }

  /// Forgets the proof of `uid`: the factor that gave it is no longer the user's.
  mutating func remove(_ uid: UInt32) { deadlines[uid] = nil }

  mutating func isEmpty(at uptime: Int64) -> Bool {
    deadlines = deadlines.filter { $0.value > uptime }
    return deadlines.isEmpty
  }
}
