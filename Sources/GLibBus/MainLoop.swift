import CGIO
import Glibc
import Synchronization

/// GLib's main loop, which every job of the bus actor runs in.
public enum MainLoop {
  // Made once; GLib's loop functions are thread-safe.
  private nonisolated(unsafe) static let loop = g_main_loop_new(nil, 0)

  private static let status = Atomic<Int32>(0)

  /// Runs until `quit`, whose status it returns. Called by the process's first thread.
  public static func run() -> Int32 {
    g_main_loop_run(loop)
    return status.load(ordering: .acquiring)
  }

  public static func quit(_ status: Int32) {
    self.status.store(status, ordering: .releasing)
    g_main_loop_quit(loop)
  }

  /// Calls `body` at each SIGTERM or SIGINT, from now on.
  public static func onTermination(_ body: @escaping @BusActor () -> Void) {
    for signal in [SIGTERM, SIGINT] { on(signal, body) }
  }

  /// Calls `body` at each `signal` (SIGHUP, SIGINT, SIGTERM and few others), from now on.
  public static func on(_ signal: Int32, _ body: @escaping @BusActor () -> Void) {
    g_unix_signal_add(
      signal,
      { data in
        if let data { Unmanaged<Callback>.fromOpaque(data).takeUnretainedValue().call() }
        return 1  // keep the source
      }, Unmanaged.passRetained(Callback(body)).toOpaque())
  }
}
