// One D-Bus connection by libdbus alone. This file also compiles as Embedded Swift.
internal import CDBus

/// A D-Bus connection, closed when nobody holds it any more.
final class Link {
  let handle: OpaquePointer
  /// Whether the other side is a bus; otherwise it is the service itself.
  let isBus: Bool
  private let watches = WatchSet()

  init(_ address: String, isBus: Bool) throws(BusFailure) {
    // libdbus would make the whole process ignore SIGPIPE. It never raises it: MSG_NOSIGNAL.
    dbus_connection_set_change_sigpipe(0)
    guard let opened = dbus_connection_open_private(address, nil) else { throw .noBus }
    handle = opened
    self.isBus = isBus
    dbus_connection_set_exit_on_disconnect(handle, 0)
    guard watches.install(on: handle) else { throw .noMemory }
  }

  deinit {
    dbus_connection_close(handle)
    dbus_connection_unref(handle)
  }

  /// Whether the other side has not closed the connection.
  func isOpen() -> Bool {
    watches.wait(until: Deadline(in: 0))
    return dbus_connection_get_is_connected(handle) != 0
  }

  /// Sends one call and waits for its reply.
  ///
  /// - Parameter other: gets every other message that comes meanwhile.
  func exchange(
    _ message: borrowing Message, _ arguments: [BusValue], returning signature: String?, interactive: Bool = false,
    until deadline: Deadline, other: (borrowing Message) -> Void = { _ in }
  ) throws(BusFailure) -> [BusValue] {
    if interactive { dbus_message_set_allow_interactive_authorization(message.handle, 1) }
    let serial = try send(message, arguments)
    guard let reply = try reply(to: serial, returning: signature, until: deadline, other: other) else {
      throw .timeOut
    }
    return reply
  }

  /// Sends one call; its serial is what the reply bears.
  func send(_ message: borrowing Message, _ arguments: [BusValue]) throws(BusFailure) -> UInt32 {
    try message.append(arguments)
    var serial: dbus_uint32_t = 0
    guard dbus_connection_send(handle, message.handle, &serial) != 0 else { throw .noMemory }
    return serial
  }

  /// Waits for the reply that bears `serial`; the bus lets nobody but the called peer send it. Nil when it did
  /// not come in time.
  func reply(
    to serial: UInt32, returning signature: String?, until deadline: Deadline,
    other: (borrowing Message) -> Void = { _ in }
  ) throws(BusFailure) -> [BusValue]? {
    while true {
      while let popped = dbus_connection_pop_message(handle) {
        let incoming = Message(owning: popped)
        if incoming.isReply(to: serial) {
          if let failure = incoming.failure() { throw failure }
          if let signature, !incoming.hasSignature(signature) { throw .malformed }
          return try incoming.readArguments()
        }
        other(incoming)
        if deadline.remaining == 0 { return nil }
      }
      guard dbus_connection_get_is_connected(handle) != 0 else { throw .disconnected }
      guard deadline.remaining > 0 else { return nil }
      watches.wait(until: deadline)
    }
  }
}
