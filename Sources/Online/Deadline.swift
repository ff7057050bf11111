import Glibc

/// A moment of a clock that cannot be set and runs on during suspend.
struct Deadline {
  private let end: Int64

  init(milliseconds: Int64) { end = Self.now() &+ milliseconds }

  var left: Int64 { max(0, end &- Self.now()) }
  var isOver: Bool { left == 0 }

  /// The earlier of this one and `milliseconds` from now.
  func within(milliseconds: Int64) -> Deadline { Deadline(milliseconds: min(left, milliseconds)) }

  private static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_BOOTTIME, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }
}

/// Seconds since 1970 by the wall clock, which may be wrong.
func wallClock() -> Int64 { Int64(time(nil)) }

/// Waits until `descriptor` can be read; false when `milliseconds` are over.
func waitForInput(_ descriptor: Int32, _ milliseconds: Int64) -> Bool {
  let end = Deadline(milliseconds: milliseconds)
  var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
  var ready: Int32
  repeat { ready = poll(&wait, 1, Int32(clamping: end.left)) } while ready < 0 && errno == EINTR
  return ready != 0
}
