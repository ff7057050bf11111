import Glibc
import OfflineAccess
import OnlineWire

extension OnlineRequest {
  /// Sends all of it; false when that fails, or takes longer than `patience` in milliseconds. What is short fits into
  /// the socket at once.
  func send(to socket: Int32, patience: Int64) -> Bool {
    guard var bytes = try? frame.encoded(longest: Frame.longestRequest) else { return false }
    defer { bytes.withUnsafeMutableBytes { Secret.wipe($0) } }
    var sent = 0
    let end = monotonicMilliseconds() + patience
    let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes { bytes in
        Glibc.send(socket, bytes.baseAddress.map { $0 + sent }, bytes.count - sent, flags)
      }
      if count > 0 {
        sent += count
      } else if count < 0, errno == EAGAIN, monotonicMilliseconds() < end {
        var ready = pollfd(fd: socket, events: Int16(POLLOUT), revents: 0)
        poll(&ready, 1, Int32(clamping: patience))
      } else if count == 0 || errno != EINTR {
        return false
      }
    }
    return true
  }
}

extension RequestID {
  /// One that nobody can guess.
  static func random() -> RequestID {
    var random = SystemRandomNumberGenerator()
    let bytes = (0..<length).map { _ in UInt8.random(in: .min ... .max, using: &random) }
    guard let id = RequestID(bytes) else { preconditionFailure("a request has \(length) bytes") }
    return id
  }
}

/// Milliseconds of a clock that nobody can set.
func monotonicMilliseconds() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
}
