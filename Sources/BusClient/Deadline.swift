// Time limits of calls. This file also compiles as Embedded Swift.
#if canImport(Glibc)
  import Glibc
#else
  import CSystem  // Embedded Swift has no Glibc module
#endif

/// How long a call may take, in milliseconds. A stopped service must not hold a login prompt for
/// more than ten seconds, and clients of D-Bus usually give up after 25.
public enum Patience {
  /// The bus's first answer.
  public static let hello: Int32 = 5_000
  /// To be let in at the service's own socket.
  public static let greeting: Int32 = 2_000
  public static let allowance: Int32 = 5_000
  /// A passcode, and whatever else the service answers by itself.
  public static let passcode: Int32 = 9_000
  /// A person touches a security key.
  public static let touch: Int32 = 25_000
  /// Somebody answers a polkit dialogue.
  public static let dialogue: Int32 = 300_000
  /// Taking back what was begun; not worth a wait.
  public static let cancel: Int32 = 1_000
}

/// A moment after which nothing is waited for. Setting the wall clock does not move it.
struct Deadline {
  private let end: Int64

  init(in milliseconds: Int32) {
    end = Self.now() &+ Int64(milliseconds)
  }

  /// Milliseconds left; 0 when the moment has passed.
  var remaining: Int32 {
    let left = end &- Self.now()
    return left <= 0 ? 0 : Int32(truncatingIfNeeded: min(left, Int64(Int32.max)))
  }

  private static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) &* 1_000 &+ Int64(time.tv_nsec) / 1_000_000
  }
}
