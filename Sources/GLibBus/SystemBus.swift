import BusInterface
import CGIO
import OfflineAccess

/// Why the bus could not be used.
public struct BusError: Error, Sendable, CustomStringConvertible {
  /// The D-Bus error name, where the other side answered with one.
  public let name: String?
  public let description: String

  public init(_ description: String) {
    name = nil
    self.description = description
  }

  /// Takes over `error`.
  init(_ error: UnsafeMutablePointer<GError>?) {
    guard let error else {
      name = nil
      description = "unknown error"
      return
    }
    defer { g_error_free(error) }
    let remote = g_dbus_error_get_remote_error(error)
    name = remote.map { String(cString: $0) }
    g_free(remote)
    g_dbus_error_strip_remote_error(error)
    description = String(cString: error.pointee.message)
  }
}

/// The connection to the system bus.
@BusActor
public final class SystemBus {
  nonisolated static let busName = "org.freedesktop.DBus"

  /// Where callers come; nil before `connect`.
  private(set) var connection: OpaquePointer?
  /// For questions about callers alone: their answers do not wait behind the calls of a flood.
  private var credentials: OpaquePointer?
  /// Bounds what callers may have open.
  public let gate = CallGate()

  /// Shows one object each on a connection.
  var exports: [(OpaquePointer) throws(BusError) -> Void] = []
  var rootSocket: RootSocket?
  /// Connections that came by the root socket, by name.
  var peers: [String: Connection] = [:]
  var lastPeer = 0
  /// What is called when one of `peers` ends, by peer and the watch's number.
  var peerWatches: [String: [UInt32: @BusActor () -> Void]] = [:]
  private var lastPeerWatch: UInt32 = 0

  public init() {}

  /// Connects to the fixed address of the system bus and exports there what was exported so far. A bus that is
  /// slow to answer holds nobody up who comes by the root socket.
  ///
  /// - Parameter lost: called when the bus goes away.
  public func connect(lost: @escaping @BusActor () -> Void) async throws(BusError) {
    async let one = onBlockingThread { Self.open() }
    async let other = onBlockingThread { Self.open() }
    let (first, second) = (try await one.get(), try await other.get())
    (connection, credentials) = (first.pointer, second.pointer)
    // Before the name is taken, hence before anybody can call.
    gate.guardConnection(first.pointer)
    // The gate learns from these who left; the callback has nothing to add.
    g_dbus_connection_signal_subscribe(
      first.pointer, Self.busName, Self.busName, "NameOwnerChanged", "/org/freedesktop/DBus", nil,
      G_DBUS_SIGNAL_FLAGS_NONE, { _, _, _, _, _, _, _ in }, nil, nil)
    for one in [first, second] { connectSignal(one.pointer, "closed", lost) }
    for export in exports { try export(first.pointer) }
  }

  /// A GDBusConnection on its way through Swift's concurrency; its functions may be called from any thread.
  struct Connection: Sendable {
    nonisolated(unsafe) let pointer: OpaquePointer
  }

  private nonisolated static func open() -> Result<Connection, BusError> {
    Result { () throws(BusError) in try connected() }
  }

  private nonisolated static func connected() throws(BusError) -> Connection {
    var error: UnsafeMutablePointer<GError>?
    let stream = try CheckedStream.open()
    defer { g_object_unref(UnsafeMutableRawPointer(stream)) }
    guard
      let connection = g_dbus_connection_new_sync(
        stream, nil, G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION, nil, nil, &error)
    else { throw BusError(error) }
    return Connection(pointer: connection)
  }

  /// The user id behind a connection, by the bus's own credentials.
  public func userID(of uniqueName: String) async throws(BusError) -> UInt32 {
    let answer = try await call(
      Self.busName, "/org/freedesktop/DBus", Self.busName, "GetConnectionUnixUser", [.string(uniqueName)],
      over: credentials)
    guard case .uint32(let uid)? = answer.first else { throw BusError("the bus names no user of \(uniqueName)") }
    return uid
  }

  /// Calls a method and waits for its answer without blocking the main context.
  ///
  /// - Parameter timeout: milliseconds, or nil to wait for ever (the bus tells when a peer is gone).
  public func call(
    _ destination: String, _ path: String, _ interface: String, _ member: String, _ arguments: [Value],
    timeout: Int32? = 10_000
  ) async throws(BusError) -> [Value] {
    try await call(destination, path, interface, member, arguments, timeout: timeout, over: connection)
  }

  private func call(
    _ destination: String, _ path: String, _ interface: String, _ member: String, _ arguments: [Value],
    timeout: Int32? = 10_000, over connection: OpaquePointer?
  ) async throws(BusError) -> [Value] {
    guard let connection else { throw BusError("there is no connection to the bus yet") }
    let result: Result<[Value], BusError> = await withCheckedContinuation { continuation in
      let pending = Unmanaged.passRetained(PendingCall(continuation)).toOpaque()
      g_dbus_connection_call(
        connection, destination, path, interface, member, Value.tuple(arguments), nil, G_DBUS_CALL_FLAGS_NONE,
        timeout ?? .max, nil,
        { source, result, data in
          guard let data else { return }
          let pending = Unmanaged<PendingCall>.fromOpaque(data).takeRetainedValue()
          var error: UnsafeMutablePointer<GError>?
          guard let reply = g_dbus_connection_call_finish(source.map { OpaquePointer($0) }, result, &error) else {
            return pending.continuation.resume(returning: .failure(BusError(error)))
          }
          defer { g_variant_unref(reply) }
          pending.continuation.resume(returning: .success(Value.children(reply)))
        }, pending)
    }
    return try result.get()
  }

  private final class PendingCall: Sendable {
    let continuation: CheckedContinuation<Result<[Value], BusError>, Never>
    init(_ continuation: CheckedContinuation<Result<[Value], BusError>, Never>) { self.continuation = continuation }
  }

  /// Takes `name`.
  ///
  /// - Returns: false when somebody else has it.
  public func requestName(_ name: String) async throws(BusError) -> Bool {
    let doNotQueue: UInt32 = 4
    // 1: primary owner, 4: owner already (D-Bus Specification, RequestName).
    let answer = try await call(
      Self.busName, "/org/freedesktop/DBus", Self.busName, "RequestName", [.string(name), .uint32(doNotQueue)],
      timeout: nil)
    guard case .uint32(let code)? = answer.first else { return false }
    return code == 1 || code == 4
  }

  /// Gives `name` back. Calls that reached us before are in the main context's queue afterwards.
  public func releaseName(_ name: String) throws(BusError) {
    guard let connection else { return }
    var error: UnsafeMutablePointer<GError>?
    let reply = g_dbus_connection_call_sync(
      connection, Self.busName, "/org/freedesktop/DBus", Self.busName, "ReleaseName", Value.tuple([.string(name)]), nil,
      G_DBUS_CALL_FLAGS_NONE, 10_000, nil, &error)
    guard let reply else { throw BusError(error) }
    g_variant_unref(reply)
  }

  /// Sends everything that is waiting to be sent.
  public func flush() {
    if let connection { g_dbus_connection_flush_sync(connection, nil, nil) }
    for peer in peers.values { g_dbus_connection_flush_sync(peer.pointer, nil, nil) }
  }

  /// Whether nobody waits for an answer. Connections do not count: a greeter keeps one open while it waits for a
  /// code, for hours, and takes its next question to the next process.
  public var isIdle: Bool { gate.isEmpty }

  /// A caller that is watched.
  public enum Watch {
    case onBus(UInt32)
    case peer(String, UInt32)
    /// Nobody can leave, as there is no connection yet.
    case none
  }

  /// Watches one connection until the watch is stopped.
  ///
  /// - Parameter vanished: called when the connection leaves the bus, or has ended where it came by the root socket.
  public func watch(_ sender: String, vanished: @escaping @BusActor () -> Void) -> Watch {
    if peers[sender] != nil {
      lastPeerWatch += 1
      peerWatches[sender, default: [:]][lastPeerWatch] = vanished
      return .peer(sender, lastPeerWatch)
    }
    guard let connection else { return .none }
    let box = Unmanaged.passRetained(Callback(vanished)).toOpaque()
    let number = g_dbus_connection_signal_subscribe(
      connection, "org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged", "/org/freedesktop/DBus",
      sender, G_DBUS_SIGNAL_FLAGS_NONE,
      { _, _, _, _, _, _, data in
        // A unique name changes its owner once only: to nobody.
        if let data { Unmanaged<Callback>.fromOpaque(data).takeUnretainedValue().call() }
      }, box, { data in if let data { Unmanaged<Callback>.fromOpaque(data).release() } })
    return .onBus(number)
  }

  public func stopWatching(_ watch: Watch) {
    switch watch {
    case .onBus(let number): if let connection { g_dbus_connection_signal_unsubscribe(connection, number) }
    case .peer(let peer, let number): peerWatches[peer]?[number] = nil
    case .none: break
    }
  }
}

/// A callback on its way through C.
final class Callback: Sendable {
  private let body: @BusActor () -> Void
  init(_ body: @escaping @BusActor () -> Void) { self.body = body }
  func call() { onBus(body) }
}

/// Connects a GObject signal whose arguments do not matter.
func connectSignal(_ object: OpaquePointer, _ signal: String, _ body: @escaping @BusActor () -> Void) {
  let handler: @convention(c) (gpointer?, gboolean, gpointer?, gpointer?) -> Void = { _, _, _, data in
    if let data { Unmanaged<Callback>.fromOpaque(data).takeUnretainedValue().call() }
  }
  g_signal_connect_data(
    gpointer(object), signal, unsafeBitCast(handler, to: GCallback.self),
    Unmanaged.passRetained(Callback(body)).toOpaque(),
    { data, _ in if let data { Unmanaged<Callback>.fromOpaque(data).release() } }, GConnectFlags(rawValue: 0))
}
