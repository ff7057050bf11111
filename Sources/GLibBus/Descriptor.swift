import CGIO

/// Calls `body` once on the main context when `descriptor` can be read from, or has ended.
///
/// - Returns: a number for `cancelTimer`.
@BusActor
public func whenReadable(_ descriptor: Int32, _ body: @escaping @BusActor () -> Void) -> UInt32 {
  g_unix_fd_add_full(
    G_PRIORITY_DEFAULT, descriptor, GIOCondition(rawValue: G_IO_IN.rawValue | G_IO_HUP.rawValue | G_IO_ERR.rawValue),
    { _, _, data in
      if let data { Unmanaged<Callback>.fromOpaque(data).takeUnretainedValue().call() }
      return G_SOURCE_REMOVE
    }, Unmanaged.passRetained(Callback(body)).toOpaque(),
    { data in if let data { Unmanaged<Callback>.fromOpaque(data).release() } })
}

/// Takes the exit status of a child process as soon as it has ended, so that nothing of it stays.
@BusActor
public func reap(_ process: Int32) {
  g_child_watch_add(process, { _, _, _ in }, nil)
}
