// How the service is reached. This file also compiles as Embedded Swift.
internal import CDBus

#if canImport(OfflineAccess)
  import BusInterface
#endif
#if canImport(Glibc)
  import Glibc
#else
  import CSystem  // Embedded Swift has no Glibc module
#endif

/// Finds the way to the service: for root its own socket, which the bus is only asked to bring about; else the bus.
struct ServiceSearch {
  private let isRoot = geteuid() == 0
  private let deadline = Deadline(in: Patience.hello)
  /// Whether the socket took a connection and said nothing. Over the bus a service that is stuck may say why.
  private var socketIsSilent = false

  /// Milliseconds between two looks at the socket while the bus is waited for.
  private static let pause: Int32 = 20

  mutating func connect() throws(BusFailure) -> Link {
    if let link = try reachService() { return link }
    let bus = try Link(BusName.systemBusAddress, isBus: true)
    // The bus's Hello; dbus_bus_register would wait for 25 seconds.
    switch try ask(bus, "Hello", [], returning: "s") {
    case .service(let link): return link
    case .reply(let reply):
      guard case .string(let name) = reply.first, dbus_bus_set_unique_name(bus.handle, name) != 0 else {
        throw .noMemory
      }
    }
    return isRoot ? try startService(by: bus) : bus
  }

  private mutating func startService(by bus: Link) throws(BusFailure) -> Link {
    while true {
      do throws(BusFailure) {
        let arguments: [BusValue] = [.string(BusName.service), .uint32(0)]
        switch try ask(bus, "StartServiceByName", arguments, returning: "u") {
        case .service(let link): return link
        case .reply: return try reachService() ?? bus
        }
      } catch .unavailable(let words) {
        // Others have asked for it so often that the bus takes no more; it is on its way.
        guard words == BusFailure.busFull.cause, deadline.remaining > 0 else { throw .unavailable(words) }
        _ = try bus.reply(to: 0, returning: nil, until: Deadline(in: Self.pause))
        if let link = try reachService() { return link }
      }
    }
  }

  private enum Answer {
    case reply([BusValue])
    /// The service itself was reached meanwhile.
    case service(Link)
  }

  /// Asks the bus. The service listens at its socket before the bus knows its name, and a bus that has much to do
  /// does not hold root up.
  private mutating func ask(
    _ bus: Link, _ member: String, _ arguments: [BusValue], returning signature: String
  ) throws(BusFailure) -> Answer {
    let message = try Message(
      destination: BusDriver.name, path: BusDriver.path, interface: BusDriver.name, member: member)
    let serial = try bus.send(message, arguments)
    while true {
      let slice = isRoot ? min(deadline.remaining, Self.pause) : deadline.remaining
      if let reply = try bus.reply(to: serial, returning: signature, until: Deadline(in: slice)) {
        return .reply(reply)
      }
      if let link = try reachService() { return .service(link) }
      if deadline.remaining == 0 { throw .busSilent }
    }
  }

  /// The service's own socket; nil where it is not for us, not there or of no use.
  private mutating func reachService() throws(BusFailure) -> Link? {
    guard isRoot, !socketIsSilent, let link = try? Link("unix:path=" + BusName.rootSocket, isBus: false) else {
      return nil
    }
    let ping = try Message(
      destination: BusName.service, path: BusName.objectPath, interface: "org.freedesktop.DBus.Peer", member: "Ping")
    do throws(BusFailure) {
      let serial = try link.send(ping, [])
      if try link.reply(to: serial, returning: "", until: Deadline(in: min(deadline.remaining, Patience.ping))) != nil {
        return link
      }
      socketIsSilent = true
    } catch {
      // It was taken away just now.
    }
    return nil
  }
}
