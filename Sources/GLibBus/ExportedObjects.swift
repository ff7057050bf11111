import BusInterface
import CGIO
import CLinux

/// The introspection data that objects are exported with, parsed once from the contract's XML.
@BusActor
public final class Interfaces {
  // Only read, and given back by deinit.
  private nonisolated(unsafe) let node: UnsafeMutablePointer<GDBusNodeInfo>

  public init(xml: String) throws(BusError) {
    var error: UnsafeMutablePointer<GError>?
    guard let node = g_dbus_node_info_new_for_xml(xml, &error) else { throw BusError(error) }
    self.node = node
  }

  deinit { g_dbus_node_info_unref(node) }

  func named(_ name: String) throws(BusError) -> UnsafeMutablePointer<GDBusInterfaceInfo> {
    guard let interface = g_dbus_node_info_lookup_interface(node, name) else {
      throw BusError("the contract has no interface \(name)")
    }
    return interface
  }
}

extension SystemBus {
  /// Exports an object at `path` with constant `properties`.
  public func export(
    _ path: String, _ interface: String, of interfaces: Interfaces, properties: [String: Value],
    handler: @escaping MethodHandler
  ) throws(BusError) {
    try export(path, interface, of: interfaces, properties: properties, foreign: named(handler))
  }

  /// The same for an interface that is not ours, with error names of its own.
  public func export(
    _ path: String, _ interface: String, of interfaces: Interfaces, properties: [String: Value] = [:],
    foreign handler: @escaping ForeignMethodHandler
  ) throws(BusError) {
    let exported = Unmanaged.passRetained(Exported(properties: properties, handler: handler)).toOpaque()
    // Kept for the connections that come later.
    let interface = g_dbus_interface_info_ref(try interfaces.named(interface))
    try addExport { (connection) throws(BusError) in
      var vtable = GDBusInterfaceVTable()
      vtable.method_call = handleMethodCall
      vtable.get_property = handleGetProperty
      var error: UnsafeMutablePointer<GError>?
      guard g_dbus_connection_register_object(connection, path, interface, &vtable, exported, nil, &error) != 0
      else { throw BusError(error) }
    }
  }

  private func addExport(_ export: @escaping (OpaquePointer) throws(BusError) -> Void) throws(BusError) {
    if let connection { try export(connection) }
    exports.append(export)
  }

  /// Exports every path below `parent` with one handler, so that a child which is gone (or never was)
  /// is answered by name instead of by "no such object". Children are not listed: who has one knows it.
  public func exportChildren(
    of parent: String, _ interface: String, of interfaces: Interfaces, handler: @escaping MethodHandler
  ) throws(BusError) {
    let exported = Exported(properties: [:], handler: named(handler))
    exported.interface = g_dbus_interface_info_ref(try interfaces.named(interface))
    let data = Unmanaged.passRetained(exported).toOpaque()
    try addExport { (connection) throws(BusError) in try Self.exportChildren(of: parent, data, on: connection) }
  }

  private static func exportChildren(
    of parent: String, _ exported: UnsafeMutableRawPointer, on connection: OpaquePointer
  ) throws(BusError) {
    var vtable = GDBusSubtreeVTable()
    vtable.enumerate = { _, _, _, _ in
      UnsafeMutableRawPointer(g_malloc0(gsize(MemoryLayout<OpaquePointer?>.size)))?.assumingMemoryBound(
        to: UnsafeMutablePointer<CChar>?.self)
    }
    vtable.introspect = { _, _, _, node, data in
      guard node != nil, let data else { return nil }
      let exported = Unmanaged<Exported>.fromOpaque(data).takeUnretainedValue()
      // GLib frees the array and drops one reference of each member.
      let list = g_malloc0(gsize(2 * MemoryLayout<OpaquePointer?>.size))
        .assumingMemoryBound(to: UnsafeMutablePointer<GDBusInterfaceInfo>?.self)
      list[0] = exported.interface.flatMap { g_dbus_interface_info_ref($0) }
      return list
    }
    vtable.dispatch = { _, _, _, _, node, userData, data in
      guard node != nil else { return nil }
      userData?.pointee = data
      return UnsafePointer(childVTable)
    }
    var error: UnsafeMutablePointer<GError>?
    guard
      g_dbus_connection_register_subtree(
        connection, parent, &vtable, G_DBUS_SUBTREE_FLAGS_DISPATCH_TO_UNENUMERATED_NODES, exported, nil, &error) != 0
    else { throw BusError(error) }
  }
}

// GLib keeps the pointer that a dispatch returns, so this lives for ever.
private nonisolated(unsafe) let childVTable: UnsafeMutablePointer<GDBusInterfaceVTable> = {
  let vtable = UnsafeMutablePointer<GDBusInterfaceVTable>.allocate(capacity: 1)
  vtable.initialize(to: GDBusInterfaceVTable())
  vtable.pointee.method_call = handleMethodCall
  return vtable
}()

/// What stands behind an exported object; lives as long as the process.
private final class Exported {
  let properties: [String: Value]
  let handler: ForeignMethodHandler
  var interface: UnsafeMutablePointer<GDBusInterfaceInfo>?

  init(properties: [String: Value], handler: @escaping ForeignMethodHandler) {
    self.properties = properties
    self.handler = handler
  }
}

/// A handler whose refusals go by their names on the bus.
private func named(_ handler: @escaping MethodHandler) -> ForeignMethodHandler {
  { call in await handler(call).mapError { ForeignRefusal(name: $0.reason.busName, sentence: $0.sentence) } }
}

private let handleMethodCall: GDBusInterfaceMethodCallFunc = {
  connection, sender, path, _, member, parameters, invocation, data in
  guard let sender = connection.flatMap(PeerName.of) ?? sender.map({ String(cString: $0) }), let path, let member,
    let invocation, let data
  else { return }
  let handler = Unmanaged<Exported>.fromOpaque(data).takeUnretainedValue().handler
  let call = MethodCall(
    sender: sender, path: String(cString: path), member: String(cString: member),
    parameters: parameters, invocation: invocation)
  onBus {
    call.answer(await handler(call))
    // Short strings, as codes are, are held in place and not in memory that is wiped when it is freed.
    linux_wipe_leftovers()
  }
}

private let handleGetProperty: GDBusInterfaceGetPropertyFunc = { _, _, _, _, property, _, data in
  guard let property, let data else { return nil }
  return Unmanaged<Exported>.fromOpaque(data).takeUnretainedValue().properties[String(cString: property)]?.variant()
}
