// The way to the service by libdbus alone. This file also compiles as Embedded Swift.
internal import CDBus

#if canImport(OfflineAccess)
  import BusInterface
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
    var search = ServiceSearch()
    link = try search.connect()
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
    var search = ServiceSearch()
    link = try search.connect()
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
