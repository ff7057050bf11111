import CGIO

extension SystemBus {
  /// Tells who owns `name`: now, and whenever that changes.
  ///
  /// - Parameter changed: gets the owner's unique name, or nil while there is none.
  public func watchOwner(
    of name: String, changed: @escaping @BusActor (String?) -> Void
  ) async throws(BusError) {
    guard let connection else { throw BusError("there is no connection to the bus yet") }
    let watch = Unmanaged.passRetained(OwnerWatch(changed)).toOpaque()
    g_dbus_connection_signal_subscribe(
      connection, Self.busName, Self.busName, "NameOwnerChanged", "/org/freedesktop/DBus", name,
      G_DBUS_SIGNAL_FLAGS_NONE,
      { _, _, _, _, _, parameters, data in
        guard let parameters, let data else { return }
        let words = Value.children(parameters).compactMap(\.text)
        guard words.count == 3 else { return }
        Unmanaged<OwnerWatch>.fromOpaque(data).takeUnretainedValue().tell(words[2].isEmpty ? nil : words[2])
      }, watch, { data in if let data { Unmanaged<OwnerWatch>.fromOpaque(data).release() } })
    // Asked behind the subscription, so that no change falls in between.
    let answer = try? await call(Self.busName, "/org/freedesktop/DBus", Self.busName, "GetNameOwner", [.string(name)])
    changed(answer?.first?.text)
  }

  private final class OwnerWatch: Sendable {
    private let changed: @BusActor (String?) -> Void
    init(_ changed: @escaping @BusActor (String?) -> Void) { self.changed = changed }
    func tell(_ owner: String?) { onBus { [changed] in changed(owner) } }
  }
}
