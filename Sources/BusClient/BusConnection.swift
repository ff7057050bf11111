// The way to the service. This file also compiles as Embedded Swift.
#if canImport(OfflineAccess)
  import BusInterface
#endif

/// A private connection to the service: by the system bus, and for root by the service's own socket where it
/// listens there, past the bus and whoever keeps that busy. It starts no thread, touches no signal handler of
/// the host and asks no environment variable: under sudo and su the caller chose the environment.
///
/// A call that the service leaves unanswered because it ends, on its own socket, goes to the next one. That is safe:
/// a code is good for one yes, however often it is sent; and a service that ends by itself takes up none that it
/// does not answer.
/// Not for use from two threads at once.
public final class BusConnection {
  private var link: Link
  /// The service's unique name while it is tracked, "" while nobody owns the service's name.
  private var serviceOwner: String?
  /// Milliseconds that it took to connect: the first call has so many less, as somebody waits for both.
  private var spent: Int32

  /// Connects, in five seconds at most.
  public init() throws(BusFailure) {
    let start = Deadline(in: Patience.passcode)
    var search = ServiceSearch(until: start)
    link = try search.connect()
    spent = Patience.passcode - start.remaining
  }

  /// Calls the service and waits for its reply. `signature`, where given, is the only one accepted.
  public func call(
    path: String = BusName.objectPath, interface: String = BusName.interface, member: String,
    arguments: [BusValue] = [], returning signature: String? = nil, interactive: Bool = false,
    timeout milliseconds: Int32 = Patience.passcode
  ) throws(BusFailure) -> [BusValue] {
    try exchange(
      BusName.service, path, interface, member, arguments, returning: signature, interactive: interactive,
      deadline: deadline(in: milliseconds), progress: { _ in })
  }

  /// The same, handing over what the service reports while it waits for a person.
  public func call(
    path: String = BusName.objectPath, interface: String = BusName.interface, member: String,
    arguments: [BusValue] = [], returning signature: String? = nil, interactive: Bool = false,
    timeout milliseconds: Int32 = Patience.touch, isGivenUp: (() -> Bool)? = nil, progress: (ProgressReport) -> Void
  ) throws(BusFailure) -> [BusValue] {
    let deadline = deadline(in: milliseconds)
    try renew(until: deadline)
    try trackServiceOwner(until: deadline)
    return try exchange(
      BusName.service, path, interface, member, arguments, returning: signature, interactive: interactive,
      deadline: deadline, isGivenUp: isGivenUp, progress: progress)
  }

  /// When a call has to be over, with all that it takes to reach the service.
  private func deadline(in milliseconds: Int32) -> Deadline {
    defer { spent = 0 }
    // Whoever waits longer waits for a person.
    return Deadline(in: milliseconds > Patience.passcode ? milliseconds : min(milliseconds, Patience.passcode - spent))
  }

  private func callBus(
    _ member: String, _ arguments: [BusValue], returning signature: String, until limit: Deadline
  ) throws(BusFailure) -> [BusValue] {
    try exchange(
      BusDriver.name, BusDriver.path, BusDriver.name, member, arguments, returning: signature, interactive: false,
      deadline: Deadline(in: min(limit.remaining, Patience.hello)), progress: { _ in })
  }

  private func exchange(
    _ destination: String, _ path: String, _ interface: String, _ member: String, _ arguments: [BusValue],
    returning signature: String?, interactive: Bool, deadline: Deadline, isGivenUp: (() -> Bool)? = nil,
    progress: (ProgressReport) -> Void
  ) throws(BusFailure) -> [BusValue] {
    var isRepeated = false
    while true {
      try renew(until: deadline)
      let call = Call(
        destination: destination, path: path, interface: interface, member: member, arguments: arguments,
        isInteractive: interactive)
      do throws(BusFailure) {
        return try link.exchange(call, returning: signature, until: deadline, isGivenUp: isGivenUp) { incoming in
          noteOwner(incoming)
          // Anybody may send a signal to anybody over the bus; only the service's counts.
          if !link.isBus || (serviceOwner != nil && incoming.sender == serviceOwner),
            let report = incoming.progressReport()
          {
            progress(report)
          }
        }
      } catch {
        guard !isRepeated, !link.isBus, error.cause == BusFailure.disconnected.cause else { throw error }
        isRepeated = true
      }
    }
  }

  /// A service that ended since the last call has closed its own socket; the bus would start the next one.
  private func renew(until deadline: Deadline) throws(BusFailure) {
    guard !link.isBus, !link.isOpen() else { return }
    var search = ServiceSearch(until: deadline)
    link = try search.connect()
  }

  // MARK: Who the service is

  /// Learns the service's unique name and keeps it up to date; only needed for signals.
  private func trackServiceOwner(until deadline: Deadline) throws(BusFailure) {
    guard link.isBus, serviceOwner == nil else { return }
    let rule =
      "type='signal',sender='\(BusDriver.name)',interface='\(BusDriver.name)',"
      + "member='NameOwnerChanged',arg0='\(BusName.service)'"
    _ = try callBus("AddMatch", [.string(rule)], returning: "", until: deadline)
    serviceOwner = ""
    do throws(BusFailure) {
      let reply = try callBus(
        "GetNameOwner", [.string(BusName.service)], returning: "s", until: deadline)
      if case .string(let owner) = reply.first { serviceOwner = owner }
    } catch {
      // Not running yet. The call that follows starts it, and the bus tells who it is.
    }
  }

  private func noteOwner(_ message: Message) {
    guard serviceOwner != nil, message.isSignal("NameOwnerChanged", of: BusDriver.name),
      message.sender == BusDriver.name, message.hasSignature("sss"),
      let arguments = try? message.readArguments(), arguments.first == .string(BusName.service),
      case .string(let owner) = arguments.last
    else { return }
    serviceOwner = owner
  }
}
