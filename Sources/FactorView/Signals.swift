import CGTK

/// What a signal of GObject calls. It lives as long as its connection.
private final class Handler<Result> {
  let run: @MainActor () -> Result

  init(_ run: @escaping @MainActor () -> Result) { self.run = run }

  /// The data of a connection.
  var retained: gpointer { Unmanaged.passRetained(self).toOpaque() }

  static func at(_ data: gpointer) -> Handler { Unmanaged.fromOpaque(data).takeUnretainedValue() }
}

/// Connects a signal without a result, whatever its arguments: they are not handed over.
@MainActor
public func connect(_ object: UnsafeMutableRawPointer, _ signal: String, _ run: @escaping @MainActor () -> Void) {
  // Swapped, so that the data comes first and the arguments behind it can be left alone.
  let call: @convention(c) (gpointer) -> Void = { data in
    // GTK calls on the main thread only.
    nonisolated(unsafe) let data = data
    MainActor.assumeIsolated { Handler<Void>.at(data).run() }
  }
  let release: GClosureNotify = { data, _ in data.map { Unmanaged<AnyObject>.fromOpaque($0).release() } }
  g_signal_connect_data(
    object, signal, unsafeBitCast(call, to: GCallback.self), Handler(run).retained, release, G_CONNECT_SWAPPED)
}

/// Connects a signal that hands over one pointer, such as an event or a cairo context, and asks whether that is dealt
/// with.
@MainActor
public func connect<Argument>(
  _ object: UnsafeMutableRawPointer, _ signal: String, taking type: Argument.Type,
  _ run: @escaping @MainActor (Argument) -> Bool
) {
  let call: @convention(c) (gpointer, gpointer, gpointer) -> gboolean = { data, argument, _ in
    nonisolated(unsafe) let (data, argument) = (data, argument)
    return MainActor.assumeIsolated { Taker.at(data).run(argument) } ? 1 : 0
  }
  let taker = Taker { run(unsafeBitCast($0, to: Argument.self)) }
  let release: GClosureNotify = { data, _ in data.map { Unmanaged<AnyObject>.fromOpaque($0).release() } }
  g_signal_connect_data(
    object, signal, unsafeBitCast(call, to: GCallback.self), Unmanaged.passRetained(taker).toOpaque(), release,
    G_CONNECT_SWAPPED)
}

private final class Taker {
  let run: @MainActor (gpointer) -> Bool

  init(_ run: @escaping @MainActor (gpointer) -> Bool) { self.run = run }

  static func at(_ data: gpointer) -> Taker { Unmanaged.fromOpaque(data).takeUnretainedValue() }
}

/// Runs something on the main loop: `again` after each so many milliseconds for as long as it says true.
///
/// - Returns: the number for `g_source_remove`.
@discardableResult @MainActor
public func everyMilliseconds(_ milliseconds: UInt32, _ again: @escaping @MainActor () -> Bool) -> UInt32 {
  let call: GSourceFunc = { data in
    guard let data else { return 0 }
    nonisolated(unsafe) let pointer = data
    return MainActor.assumeIsolated { Handler<Bool>.at(pointer).run() } ? 1 : 0
  }
  let release: GDestroyNotify = { data in data.map { Unmanaged<AnyObject>.fromOpaque($0).release() } }
  return g_timeout_add_full(G_PRIORITY_DEFAULT, milliseconds, call, Handler(again).retained, release)
}

/// Runs something once, when the main loop has nothing more urgent to do.
@MainActor
public func whenIdle(_ run: @escaping @MainActor () -> Void) { addIdle(Handler(run)) }

/// The same, for a thread of one's own.
public func onMainLoop(_ run: @escaping @MainActor @Sendable () -> Void) { addIdle(Handler(run)) }

private func addIdle(_ handler: Handler<Void>) {
  let call: GSourceFunc = { data in
    guard let data else { return 0 }
    nonisolated(unsafe) let pointer = data
    MainActor.assumeIsolated { Handler<Void>.at(pointer).run() }
    return 0
  }
  let release: GDestroyNotify = { data in data.map { Unmanaged<AnyObject>.fromOpaque($0).release() } }
  g_idle_add_full(G_PRIORITY_DEFAULT_IDLE, call, handler.retained, release)
}

/// Runs something once after so many milliseconds; at once where there are none.
@MainActor
public func afterMilliseconds(_ milliseconds: UInt32, _ run: @escaping @MainActor () -> Void) {
  guard milliseconds > 0 else { return whenIdle(run) }
  everyMilliseconds(milliseconds) {
    run()
    return false
  }
}
