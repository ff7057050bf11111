import CGIO
import Glibc

/// A socket of the service's own beside the bus, for root alone. The bus serves all connections in turn, so
/// whoever floods it holds up every login that has to go through it.
///
/// It speaks D-Bus from peer to peer and shows the same objects. Its folder is root's, and the kernel says who
/// connects.
final class RootSocket: Sendable {
  // Used on the main context only, where GLib calls back.
  nonisolated(unsafe) private let service: UnsafeMutablePointer<GSocketService>
  private let path: String
  private let guid: String
  /// Its folder, locked: of several processes one listens.
  private let folder: Int32
  private let accept: @BusActor (SystemBus.Connection) -> Void

  /// Connections that wait to be accepted. Where they are too many a login could not even be refused in time.
  private static let backlog: Int32 = 4096

  /// Listens at `path`, whose folder is made where it is missing.
  ///
  /// - Parameter accept: gets each connection of root's with a reference, before any message of it is looked at.
  @BusActor
  init(_ path: String, accept: @escaping @BusActor (SystemBus.Connection) -> Void) throws(BusError) {
    folder = try Self.lockFolder(of: path)
    unlink(path)
    guard let service = g_socket_service_new(), let guid = g_dbus_generate_guid() else {
      throw BusError("out of memory")
    }
    (self.path, self.service, self.accept) = (path, service, accept)
    self.guid = String(cString: guid)
    g_free(guid)
    let listener = UnsafeMutableRawPointer(service).assumingMemoryBound(to: GSocketListener.self)
    g_socket_listener_set_backlog(listener, Self.backlog)
    let address = g_unix_socket_address_new(path)
    defer { g_object_unref(address) }
    var error: UnsafeMutablePointer<GError>?
    guard
      g_socket_listener_add_address(
        listener, address, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, nil, nil, &error)
        != 0
    else { throw BusError(error) }
    let incoming: @convention(c) (gpointer?, gpointer?, gpointer?, gpointer?) -> gboolean = { _, stream, _, data in
      if let stream, let data { Unmanaged<RootSocket>.fromOpaque(data).takeUnretainedValue().greet(stream) }
      return 0
    }
    g_signal_connect_data(
      service, "incoming", unsafeBitCast(incoming, to: GCallback.self), Unmanaged.passRetained(self).toOpaque(),
      { data, _ in if let data { Unmanaged<RootSocket>.fromOpaque(data).release() } }, GConnectFlags(rawValue: 0))
    g_socket_service_start(service)
  }

  /// Takes no more connections; who comes later finds the bus.
  @BusActor
  func stop() {
    unlink(path)
    g_socket_service_stop(service)
    g_socket_listener_close(UnsafeMutableRawPointer(service).assumingMemoryBound(to: GSocketListener.self))
    close(folder)
  }

  private static func lockFolder(of path: String) throws(BusError) -> Int32 {
    let folder = String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)])
    mkdir(folder, 0o700)
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else { throw BusError("\(folder): \(String(cString: strerror(errno)))") }
    var info = stat()
    guard fstat(descriptor, &info) == 0, info.st_uid == 0, info.st_mode & 0o077 == 0 else {
      close(descriptor)
      throw BusError("\(folder) is not a folder for root alone")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      throw BusError("another process listens at \(path)")
    }
    return descriptor
  }

  /// Lets the peer prove on a thread of GLib's that it is who we are.
  private func greet(_ stream: UnsafeMutableRawPointer) {
    let flags = GDBusConnectionFlags(
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_SERVER.rawValue
        | G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_REQUIRE_SAME_USER.rawValue
        | G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING.rawValue)
    g_dbus_connection_new(
      stream.assumingMemoryBound(to: GIOStream.self), guid, flags, nil, nil,
      { _, result, data in
        guard let data else { return }
        let socket = Unmanaged<RootSocket>.fromOpaque(data).takeRetainedValue()
        // Whoever does not get through is told by the end of the connection.
        guard let connection = g_dbus_connection_new_finish(result, nil) else { return }
        let peer = SystemBus.Connection(pointer: connection)
        onBus { socket.accept(peer) }
      }, Unmanaged.passRetained(self).toOpaque())
  }
}

extension SystemBus {
  /// Serves root at a socket of the service's own, too: everything that was exported so far.
  public func serveRoot(at path: String) throws(BusError) {
    rootSocket = try RootSocket(path) { [self] peer in
      do throws(BusError) { try serve(peer) } catch {
        g_dbus_connection_close(peer.pointer, nil, nil, nil)
        g_object_unref(UnsafeMutableRawPointer(peer.pointer))
      }
    }
  }

  public func stopServingRoot() {
    rootSocket?.stop()
    rootSocket = nil
  }

  private func serve(_ peer: Connection) throws(BusError) {
    lastPeer += 1
    let name = "root.\(lastPeer)"
    PeerName.set(name, of: peer.pointer)
    gate.learn(0, of: name)
    gate.guardConnection(peer.pointer)
    for export in exports { try export(peer.pointer) }
    peers[name] = peer
    connectSignal(peer.pointer, "closed") { [self] in
      gate.forgetAll(of: name)
      for vanished in (peerWatches.removeValue(forKey: name) ?? [:]).values { vanished() }
      if let peer = peers.removeValue(forKey: name) { g_object_unref(UnsafeMutableRawPointer(peer.pointer)) }
    }
    g_dbus_connection_start_message_processing(peer.pointer)
  }
}

/// The name of a connection that has none from a bus.
enum PeerName {
  private static let key = "offline-access-peer"

  static func set(_ name: String, of connection: OpaquePointer) {
    g_object_set_data_full(
      UnsafeMutableRawPointer(connection).assumingMemoryBound(to: GObject.self), key, g_strdup(name), g_free)
  }

  static func of(_ connection: OpaquePointer) -> String? {
    g_object_get_data(UnsafeMutableRawPointer(connection).assumingMemoryBound(to: GObject.self), key).map {
      String(cString: $0.assumingMemoryBound(to: CChar.self))
    }
  }

  /// Who sent `message`, or nil where that is not known. What a peer says of itself does not count.
  static func sender(of message: OpaquePointer, on connection: OpaquePointer?) -> String? {
    connection.flatMap(of) ?? g_dbus_message_get_sender(message).map { String(cString: $0) }
  }
}
