// One D-Bus connection. This file also compiles as Embedded Swift.
#if canImport(Glibc)
  import Glibc
#else
  import CSystem  // Embedded Swift has no Glibc module
#endif

/// A D-Bus connection, closed when nobody holds it any more.
///
/// Without libdbus, whose loading costs a host process more than all of the talk here. It would also connect by a
/// `connect` that waits for ever where the other side takes no connections any more, and start its waits anew after
/// every signal that the host process receives. Here everything has a deadline.
final class Link {
  /// Whether the other side is a bus; otherwise it is the service itself.
  let isBus: Bool
  let descriptor: Int32
  /// What has come and is not looked at yet.
  var received: [UInt8] = []
  /// Bytes to come of a message that is too long to be kept.
  private var unwanted = 0
  private var lastSerial: UInt32 = 0
  /// What is said before the first call and goes out with it.
  private var unsaid: [UInt8]
  private var isWelcome = false

  /// The longest message that is read. What the service says is far shorter, but anybody may send a signal over
  /// the bus, and it would fill the host's memory.
  private static let longestMessage = 1 << 20

  /// Room for any usual answer: what grows leaves copies behind.
  private static let usualLength = 2_048

  /// Connects to the socket at `path`.
  init(_ path: String, isBus: Bool, until deadline: Deadline) throws(BusFailure) {
    self.isBus = isBus
    unsaid = Self.introduction()
    descriptor = Self.newSocket()
    guard descriptor >= 0 else { throw .noBus }
    received.reserveCapacity(Self.usualLength)
    try connect(to: path, until: deadline)
  }

  deinit {
    forgetReceived(received.count)
    close(descriptor)
  }

  /// Milliseconds between two looks at whether the caller has given up.
  private static let pace: Int32 = 200

  /// Sends one call and waits for its reply.
  ///
  /// - Parameters:
  ///   - isGivenUp: ends the wait where it says so; asked several times a second.
  ///   - other: gets every other message that comes meanwhile.
  func exchange(
    _ call: Call, returning signature: String?, until deadline: Deadline, isGivenUp: (() -> Bool)? = nil,
    other: (Message) -> Void = { _ in }
  ) throws(BusFailure) -> [BusValue] {
    let serial = try send(call, until: deadline)
    while true {
      let slice = isGivenUp == nil ? deadline : Deadline(in: min(deadline.remaining, Self.pace))
      if let reply = try reply(to: serial, returning: signature, until: slice, other: other) { return reply }
      if deadline.remaining == 0 { throw .timeOut }
      if isGivenUp?() == true { throw .givenUp }
    }
  }

  /// Sends one call; its serial is what the reply bears.
  func send(_ call: Call, until deadline: Deadline) throws(BusFailure) -> UInt32 {
    lastSerial &+= 1
    var bytes = try call.encoded(serial: lastSerial)
    // It may hold a code.
    defer { bytes.wipe(first: bytes.count) }
    if !unsaid.isEmpty {
      bytes.insert(contentsOf: unsaid, at: 0)
      unsaid = []
    }
    try write(bytes, until: deadline)
    return lastSerial
  }

  /// Whether the other side has let us in by the deadline.
  func isLetIn(until deadline: Deadline) throws(BusFailure) -> Bool {
    try write(unsaid, until: deadline)
    unsaid = []
    while !isWelcome {
      guard try read(until: deadline) else { return false }
      isWelcome = try takeWelcome()
    }
    return true
  }

  /// Waits for the reply that bears `serial`; the bus lets nobody but the called peer send it. Nil when it did
  /// not come in time.
  func reply(
    to serial: UInt32, returning signature: String?, until deadline: Deadline,
    other: (Message) -> Void = { _ in }
  ) throws(BusFailure) -> [BusValue]? {
    while true {
      while let incoming = try nextMessage() {
        if incoming.isReply(to: serial) {
          if let failure = incoming.failure() { throw failure }
          if let signature, !incoming.hasSignature(signature) { throw .malformed }
          return try incoming.readArguments()
        }
        other(incoming)
        if deadline.remaining == 0 { return nil }
      }
      guard try read(until: deadline) else { return nil }
    }
  }

  /// Takes the first message out of what has come; nil where it is not complete.
  private func nextMessage() throws(BusFailure) -> Message? {
    if !isWelcome { isWelcome = try takeWelcome() }
    while isWelcome {
      let useless = min(unwanted, received.count)
      forgetReceived(useless)
      unwanted -= useless
      guard let length = Message.length(received) else { return nil }
      guard length > 0 else { throw .disconnected }
      if length > Self.longestMessage {
        unwanted = length
        continue
      }
      guard received.count >= length else { return nil }
      let message = Message(take(length))
      guard let message else { throw .disconnected }
      return message
    }
    return nil
  }

  /// Takes the first bytes of what has come out of it.
  private func take(_ count: Int) -> [UInt8] {
    guard count == received.count else {
      defer { forgetReceived(count) }
      return received.withUnsafeBytes { Array($0.prefix(count)) }
    }
    // Most often that is all of it, which needs no copy.
    var taken: [UInt8] = []
    taken.reserveCapacity(Self.usualLength)
    swap(&taken, &received)
    return taken
  }

  /// Drops the first bytes of what has come, which may hold a secret.
  func forgetReceived(_ count: Int) {
    guard count > 0 else { return }
    received.wipe(first: count)
    received.removeFirst(count)
  }
}
