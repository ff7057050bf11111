// The way to the service by libdbus alone. This file also compiles as Embedded Swift.
internal import CDBus

#if canImport(OfflineAccess)
  import BusInterface
#endif
#if canImport(Glibc)
  import Glibc
#else
  import CSystem  // Embedded Swift has no Glibc module
#endif

/// A private connection to the service: by the system bus, and for root by the service's own socket where it
/// listens there, past the bus and whoever keeps that busy. It starts no thread, touches no signal handler of
/// the host and asks no environment variable: under sudo and su the caller chose the environment.
/// Not for use from two threads at once.
public final class BusConnection {
  private var link: Link
  /// The service's unique name while it is tracked, "" while nobody owns the service's name.
  private var serviceOwner: String?

  /// Connects, in five seconds at most.
  public init() throws(BusFailure) {
    link = try Self.connect(until: Deadline(in: Patience.hello))
  }

  private static func connect(until deadline: Deadline) throws(BusFailure) -> Link {
    if let link = try reachService(until: deadline) { return link }
    let bus = try Link(BusName.systemBusAddress, isBus: true)
    // The bus's Hello; dbus_bus_register would wait for 25 seconds.
    switch try ask(bus, "Hello", [], returning: "s", until: deadline) {
    case .service(let link): return link
    case .reply(let reply):
      guard case .string(let name) = reply.first, dbus_bus_set_unique_name(bus.handle, name) != 0 else {
        throw .noMemory
      }
    }
    guard geteuid() == 0 else { return bus }
    // It listens at its socket before the bus knows its name.
    while true {
      do throws(BusFailure) {
        let arguments: [BusValue] = [.string(BusName.service), .uint32(0)]
        switch try ask(bus, "StartServiceByName", arguments, returning: "u", until: deadline) {
        case .service(let link): return link
        case .reply: return try reachService(until: deadline) ?? bus
        }
      } catch .unavailable(let words) {
        // Others have asked for it so often that the bus takes no more; it is on its way.
        guard words == BusFailure.busFull.cause, deadline.remaining > 0 else { throw .unavailable(words) }
        _ = try bus.reply(to: 0, returning: nil, until: Deadline(in: 20))
        if let link = try reachService(until: deadline) { return link }
      }
    }
  }

  private enum BusAnswer {
    case reply([BusValue])
    /// The service itself was reached meanwhile.
    case service(Link)
  }

  /// Asks the bus. A bus that has much to do does not hold root up who can reach the service without it.
  private static func ask(
    _ bus: Link, _ member: String, _ arguments: [BusValue], returning signature: String, until deadline: Deadline
  ) throws(BusFailure) -> BusAnswer {
    let message = try Message(
      destination: BusDriver.name, path: BusDriver.path, interface: BusDriver.name, member: member)
    let serial = try bus.send(message, arguments)
    while true {
      let slice = Deadline(in: min(deadline.remaining, geteuid() == 0 ? 20 : .max))
      if let reply = try bus.reply(to: serial, returning: signature, until: slice) { return .reply(reply) }
      if let link = try reachService(until: deadline) { return .service(link) }
      if deadline.remaining == 0 { throw .busSilent }
    }
  }

  /// The service's own socket; nil where it is not for us or not there, or was taken away just now.
  private static func reachService(until deadline: Deadline) throws(BusFailure) -> Link? {
    guard geteuid() == 0, let link = try? Link("unix:path=" + BusName.rootSocket, isBus: false) else { return nil }
    let ping = try Message(
      destination: BusName.service, path: BusName.objectPath, interface: "org.freedesktop.DBus.Peer", member: "Ping")
    do throws(BusFailure) {
      _ = try link.exchange(ping, [], returning: "", until: deadline)
    } catch {
      if deadline.remaining == 0 { throw error }
      return nil
    }
    return link
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
    try renew()
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

  private func exchange(
    _ message: borrowing Message, _ arguments: [BusValue], returning signature: String?,
    interactive: Bool, deadline: Deadline, progress: (ProgressReport) -> Void
  ) throws(BusFailure) -> [BusValue] {
    try renew()
    return try link.exchange(
      message, arguments, returning: signature, interactive: interactive, until: deadline
    ) { incoming in
      noteOwner(incoming)
      // Anybody may send a signal to anybody over the bus; only the service's counts.
      if !link.isBus || (serviceOwner != nil && incoming.sender == serviceOwner), let report = incoming.progressReport()
      {
        progress(report)
      }
    }
  }

  /// A service that ended since the last call has closed its own socket; the bus would start the next one.
  private func renew() throws(BusFailure) {
    guard !link.isBus, !link.isOpen() else { return }
    link = try Self.connect(until: Deadline(in: Patience.hello))
  }

  // MARK: Who the service is

  /// Learns the service's unique name and keeps it up to date; only needed for signals.
  private func trackServiceOwner() throws(BusFailure) {
    guard link.isBus, serviceOwner == nil else { return }
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
