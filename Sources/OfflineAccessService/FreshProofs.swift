/// Yeses that are good for something else for a while: those of the present factor that users asked for by themselves,
/// as proof for Reactivate, and those of an authority, for a set-up.
struct FreshProofs {
  /// Seconds that a proof holds.
  let lifetime: Int64

  init(lifetime: Int64) { self.lifetime = lifetime }

  /// By user id, until when, by `Moment.uptime`.
  private var deadlines: [UInt32: Int64] = [:]

  mutating func add(_ uid: UInt32, at uptime: Int64) { deadlines[uid] = uptime + lifetime }

  /// Uses the proof of `uid` up.
  ///
  /// - Returns: whether there was a fresh one.
  mutating func take(_ uid: UInt32, at uptime: Int64) -> Bool {
    deadlines.removeValue(forKey: uid).map { $0 > uptime } ?? false
  }

  /// The end of the proof of `uid`, by `Moment.uptime`.
  func deadline(of uid: UInt32) -> Int64? { deadlines[uid] }

  /// Whether `uid` has a fresh proof.
  func holds(_ uid: UInt32, at uptime: Int64) -> Bool { deadlines[uid].map { $0 > uptime } ?? false }

  /// Forgets the proof of `uid`: the factor that gave it is no longer the user's.
  mutating func remove(_ uid: UInt32) { deadlines[uid] = nil }

  mutating func isEmpty(at uptime: Int64) -> Bool {
    deadlines = deadlines.filter { $0.value > uptime }
    return deadlines.isEmpty
  }
}
