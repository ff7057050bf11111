// Waiting for a connection without a main loop. This file also compiles as Embedded Swift.
internal import CDBus

#if canImport(Glibc)
  import Glibc
#else
  import CSystem
#endif

/// The descriptors that libdbus wants watched. libdbus's own blocking calls start their whole wait
/// anew after every signal that the host process receives; this wait has one deadline.
final class WatchSet {
  private var watches: [OpaquePointer] = []

  /// Makes libdbus report to this set, which has to outlive the connection.
  func install(on connection: OpaquePointer) -> Bool {
    let added: DBusAddWatchFunction = { watch, data in
      if let watch, let data { WatchSet.behind(data).watches.append(watch) }
      return 1
    }
    let removed: DBusRemoveWatchFunction = { watch, data in
      if let watch, let data { WatchSet.behind(data).watches.removeAll { $0 == watch } }
    }
    // Whether a watch is enabled is asked before each wait, so toggling needs no notice.
    return dbus_connection_set_watch_functions(
      connection, added, removed, nil, Unmanaged.passUnretained(self).toOpaque(), nil) != 0
  }

  private static func behind(_ data: UnsafeMutableRawPointer) -> WatchSet {
    Unmanaged<WatchSet>.fromOpaque(data).takeUnretainedValue()
  }

  /// Waits until something can be read or written, then does it.
  func wait(until deadline: Deadline) {
    let enabled = watches.filter { dbus_watch_get_enabled($0) != 0 }
    var descriptors: [pollfd] = []
    for watch in enabled {
      let flags = dbus_watch_get_flags(watch)
      var events: Int32 = 0
      if flags & DBUS_WATCH_READABLE.rawValue != 0 { events |= Int32(POLLIN) }
      if flags & DBUS_WATCH_WRITABLE.rawValue != 0 { events |= Int32(POLLOUT) }
      descriptors.append(
        pollfd(fd: dbus_watch_get_unix_fd(watch), events: Int16(truncatingIfNeeded: events), revents: 0))
    }
    // An interrupted wait needs no care: the caller comes back with the same deadline.
    guard poll(&descriptors, nfds_t(descriptors.count), deadline.remaining) > 0 else { return }
    for (watch, descriptor) in zip(enabled, descriptors) where descriptor.revents != 0 {
      // Handling one watch may have removed the next.
      guard watches.contains(watch) else { continue }
      let events = Int32(descriptor.revents)
      var flags: UInt32 = 0
      if events & Int32(POLLIN) != 0 { flags |= DBUS_WATCH_READABLE.rawValue }
      if events & Int32(POLLOUT) != 0 { flags |= DBUS_WATCH_WRITABLE.rawValue }
      if events & Int32(POLLERR) != 0 { flags |= DBUS_WATCH_ERROR.rawValue }
      if events & Int32(POLLHUP) != 0 { flags |= DBUS_WATCH_HANGUP.rawValue }
      _ = dbus_watch_handle(watch, flags)
    }
  }
}
