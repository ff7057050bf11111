// The socket under a D-Bus connection. This file also compiles as Embedded Swift.
#if canImport(Glibc)
  import Glibc
#else
  import CSystem  // Embedded Swift has no Glibc module
#endif

extension Link {
  static func newSocket() -> Int32 {
    socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
  }

  func connect(to path: String, until deadline: Deadline) throws(BusFailure) {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let fits = withUnsafeMutableBytes(of: &address.sun_path) { place in
      guard path.utf8.count < place.count else { return false }
      place.copyBytes(from: path.utf8)
      return true
    }
    guard fits else { throw .noBus }
    repeat {
      let left = deadline.remaining
      guard left > 0 else { throw .busSilent }
      // Where too many wait to be accepted, connect waits for as long as a send may; 0 would be for ever.
      var limit = timeval(tv_sec: Int(left / 1_000), tv_usec: Int(left % 1_000) * 1_000)
      setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
      let status = withUnsafePointer(to: &address) { place in
        place.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          systemConnect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      if status == 0 { return }
    } while lastError() == EINTR
    throw lastError() == EAGAIN ? .busSilent : .noBus
  }

  /// D-Bus Specification, Authentication Protocol: EXTERNAL, by the credentials that the kernel tells. No file
  /// descriptors are asked for, so none can be sent to us.
  ///
  /// What there is to say needs no answer in between, and so goes out with the first call.
  static func introduction() -> [UInt8] {
    var words: [UInt8] = []
    words.reserveCapacity(64)
    words.append(0)
    words.append(contentsOf: "AUTH EXTERNAL ".utf8)
    // The user id's digits in hexadecimal.
    for digit in String(geteuid()).utf8 { words.append(contentsOf: [UInt8(ascii: "3"), digit]) }
    words.append(contentsOf: "\r\nBEGIN\r\n".utf8)
    return words
  }

  /// Takes the one line that answers the introduction; false where it is not there yet.
  func takeWelcome() throws(BusFailure) -> Bool {
    guard let end = received.firstIndex(of: UInt8(ascii: "\n")) else {
      guard received.count < 512 else { throw .noBus }
      return false
    }
    guard received.starts(with: "OK ".utf8) else { throw .noBus }
    forgetReceived(end + 1)
    return true
  }

  /// Sends all of `bytes`.
  func write(_ bytes: [UInt8], until deadline: Deadline) throws(BusFailure) {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        systemSend(
          descriptor, buffer.baseAddress?.advanced(by: sent), buffer.count - sent,
          Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
      }
      if count > 0 {
        sent += count
        continue
      }
      guard count < 0, lastError() == EAGAIN || lastError() == EINTR else { throw .disconnected }
      guard deadline.remaining > 0 else { throw isBus ? .busSilent : .timeOut }
      wait(for: Int32(POLLOUT), until: deadline)
    }
  }

  /// Waits until something has come and takes it; false when nothing came in time.
  func read(until deadline: Deadline) throws(BusFailure) -> Bool {
    while true {
      // An interrupted wait needs no care: the deadline stays.
      guard wait(for: Int32(POLLIN), until: deadline) != 0 else {
        guard deadline.remaining > 0 else { return false }
        continue
      }
      let count = receive()
      if count > 0 { return true }
      guard count < 0, lastError() == EAGAIN || lastError() == EINTR else { throw .disconnected }
    }
  }

  /// Appends what has come to `received`; as recv(2).
  private func receive() -> Int {
    // As much as there is room for on the stack.
    withUnsafeTemporaryAllocation(byteCount: 1_024, alignment: 1) { buffer in
      guard let start = buffer.baseAddress else { return -1 }
      let count = recv(descriptor, start, buffer.count, Int32(MSG_DONTWAIT))
      guard count > 0 else { return count }
      received.append(contentsOf: UnsafeRawBufferPointer(start: start, count: count))
      explicit_bzero(start, count)
      return count
    }
  }

  /// Whether the other side has not closed the connection.
  func isOpen() -> Bool {
    wait(for: 0, until: Deadline(in: 0)) & (Int32(POLLHUP) | Int32(POLLERR)) == 0
  }

  @discardableResult
  private func wait(for events: Int32, until deadline: Deadline) -> Int32 {
    var poller = pollfd(fd: descriptor, events: Int16(truncatingIfNeeded: events), revents: 0)
    return poll(&poller, 1, deadline.remaining) > 0 ? Int32(poller.revents) : 0
  }
}

// Members of Link would hide the C library's functions of the same names.

private func systemConnect(_ descriptor: Int32, _ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> Int32 {
  connect(descriptor, address, length)
}

private func systemSend(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int, _ flags: Int32) -> Int {
  send(descriptor, bytes, count, flags)
}

#if canImport(Glibc)
  private func lastError() -> Int32 { errno }
#else
  private func lastError() -> Int32 { last_error() }
#endif
