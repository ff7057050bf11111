// A connection to the system bus by libdbus alone. This file also compiles as Embedded Swift.
internal import CDBus

#if canImport(OfflineAccess)
  import BusInterface
#endif

/// A private connection to the system bus. It starts no thread, touches no signal handler of the
/// host and asks no environment variable: under sudo and su the caller chose the environment.
/// Not for use from two threads at once.
public final class BusConnection {
  private let handle: OpaquePointer
  private let watches = WatchSet()
  /// The service's unique name while it is tracked, "" while nobody owns the service's name.
  private var serviceOwner: String?

  /// Connects to the system bus and introduces itself, in five seconds at most.
  public convenience init() throws(BusFailure) {
    try self.init(address: BusName.systemBusAddress)
  }

  init(address: String) throws(BusFailure) {
    // libdbus would make the whole process ignore SIGPIPE. It never raises it: MSG_NOSIGNAL.
    dbus_connection_set_change_sigpipe(0)
    guard let opened = dbus_connection_open_private(address, nil) else { throw .noBus }
    handle = opened
    dbus_connection_set_exit_on_disconnect(handle, 0)
    guard watches.install(on: handle) else { throw .noMemory }
    try introduce()
  }

  deinit {
    dbus_connection_close(handle)
    dbus_connection_unref(handle)
  }

  /// The bus's Hello; dbus_bus_register would wait for 25 seconds.
  private func introduce() throws(BusFailure) {
    let reply: [BusValue]
    do {
      reply = try callBus("Hello", [], returning: "s", timeout: Patience.hello)
    } catch .unavailable(let words) {
      throw words == BusFailure.timeOut.cause ? .busSilent : .unavailable(words)
    }
    guard case .string(let name) = reply.first,
      dbus_bus_set_unique_name(handle, name) != 0
    else { throw .noMemory }
  }

  /// Calls the service and waits for its reply. `signature`, where given, is the only one accepted.
  public func call(
    path: String = BusName.objectPath, interface: String = BusName.interface, member: String,
    arguments: [BusValue] = [], returning signature: String? = nil, interactive: Bool = false,
    timeout milliseconds: Int32 = Patience.passcode
  ) throws(BusFailure) -> [BusValue] {
    let message = try Message(
      destination: BusName.service, path: path, interface: interface, member: member)
    return try exchange(
      message, arguments, returning: signature, interactive: interactive,
      deadline: Deadline(in: milliseconds), progress: { _ in })
  }

  /// The same, handing over what the service reports while it waits for a person.
  public func call(
    path: String = BusName.objectPath, interface: String = BusName.interface, member: String,
    arguments: [BusValue] = [], returning signature: String? = nil, interactive: Bool = false,
    timeout milliseconds: Int32 = Patience.touch, progress: (ProgressReport) -> Void
  ) throws(BusFailure) -> [BusValue] {
    try trackServiceOwner()
    let message = try Message(
      destination: BusName.service, path: path, interface: interface, member: member)
    return try exchange(
      message, arguments, returning: signature, interactive: interactive,
      deadline: Deadline(in: milliseconds), progress: progress)
  }

  private func callBus(
    _ member: String, _ arguments: [BusValue], returning signature: String, timeout: Int32
  ) throws(BusFailure) -> [BusValue] {
    let message = try Message(
      destination: BusDriver.name, path: BusDriver.path, interface: BusDriver.name, member: member)
    return try exchange(
      message, arguments, returning: signature, interactive: false,
      deadline: Deadline(in: timeout), progress: { _ in })
  }

  /// Sends one call and waits for the reply that bears its serial; the bus lets nobody but the
  /// called peer send it.
  private func exchange(
    _ message: borrowing Message, _ arguments: [BusValue], returning signature: String?,
    interactive: Bool, deadline: Deadline, progress: (ProgressReport) -> Void
  ) throws(BusFailure) -> [BusValue] {
    try message.append(arguments)
    if interactive { dbus_message_set_allow_interactive_authorization(message.handle, 1) }
    var serial: dbus_uint32_t = 0
    guard dbus_connection_send(handle, message.handle, &serial) != 0 else { throw .noMemory }

    while true {
      while let popped = dbus_connection_pop_message(handle) {
        let incoming = Message(owning: popped)
        if incoming.isReply(to: serial) {
          if let failure = incoming.failure() { throw failure }
          if let signature, !incoming.hasSignature(signature) { throw .malformed }
          return try incoming.readArguments()
        }
        noteOwner(incoming)
        // Anybody may send a signal to anybody; only the service's counts.
        if let serviceOwner, incoming.sender == serviceOwner, let report = incoming.progressReport() {
          progress(report)
        }
        if deadline.remaining == 0 { throw .timeOut }
      }
      guard dbus_connection_get_is_connected(handle) != 0 else { throw .disconnected }
      guard deadline.remaining > 0 else { throw .timeOut }
      watches.wait(until: deadline)
    }
  }

  // MARK: Who the service is

  /// Learns the service's unique name and keeps it up to date; only needed for signals.
  private func trackServiceOwner() throws(BusFailure) {
    guard serviceOwner == nil else { return }
    let rule =
      "type='signal',sender='\(BusDriver.name)',interface='\(BusDriver.name)',"
      + "member='NameOwnerChanged',arg0='\(BusName.service)'"
    _ = try callBus("AddMatch", [.string(rule)], returning: "", timeout: Patience.hello)
    serviceOwner = ""
    do throws(BusFailure) {
      let reply = try callBus(
        "GetNameOwner", [.string(BusName.service)], returning: "s", timeout: Patience.hello)
      if case .string(let owner) = reply.first { serviceOwner = owner }
    } catch {
      // Not running yet. The call that follows starts it, and the bus tells who it is.
    }
  }

  private func noteOwner(_ message: borrowing Message) {
    guard serviceOwner != nil, message.isSignal("NameOwnerChanged", of: BusDriver.name),
      message.sender == BusDriver.name, message.hasSignature("sss"),
      let arguments = try? message.readArguments(), arguments.first == .string(BusName.service),
      case .string(let owner) = arguments.last
    else { return }
    serviceOwner = owner
  }
}
