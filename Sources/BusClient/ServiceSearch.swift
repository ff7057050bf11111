// How the service is reached. This file also compiles as Embedded Swift.
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
  private let deadline: Deadline
  /// Whether the socket took a connection and said nothing. Over the bus a service that is stuck may say why.
  private var socketIsSilent = false

  /// Milliseconds between two looks at the socket while the bus is waited for.
  private static let pause: Int32 = 20

  /// Searches for five seconds at most, and not beyond `limit`.
  init(until limit: Deadline) {
    deadline = Deadline(in: min(limit.remaining, Patience.hello))
  }

  mutating func connect() throws(BusFailure) -> Link {
    if let link = try reachService() { return link }
    let bus = try Link(BusName.systemBusSocket, isBus: true, until: deadline)
    switch try ask(bus, "Hello", [], returning: "s") {
    case .service(let link): return link
    case .reply(let reply):
      guard case .string = reply.first else { throw .malformed }
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
    let call = Call(
      destination: BusDriver.name, path: BusDriver.path, interface: BusDriver.name, member: member,
      arguments: arguments)
    let serial = try bus.send(call, until: deadline)
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
    guard isRoot, !socketIsSilent else { return nil }
    let patience = Deadline(in: min(deadline.remaining, Patience.greeting))
    do throws(BusFailure) {
      let link = try Link(BusName.rootSocket, isBus: false, until: patience)
      // A service that ends just now may let somebody in and answer no more: the call is then made again.
      if try link.isLetIn(until: patience) { return link }
    } catch {
      // It is not there, or was taken away just now, or takes nobody any more.
    }
    if patience.remaining == 0 { socketIsSilent = true }
    return nil
  }
}
