import CGIO

/// The actor of everything that speaks to the bus: its jobs run on GLib's default main context.
@globalActor
public actor BusActor {
  public static let shared = BusActor()
  public nonisolated var unownedExecutor: UnownedSerialExecutor {
    MainContextExecutor.shared.asUnownedSerialExecutor()
  }
}

/// Starts `body` on the bus actor.
///
/// A continuation resumes on the task's preferred executor before it hops to its actor. Without the
/// preference that would be the cooperative pool: two thread switches more for every wait.
@discardableResult
public func onBus<R: Sendable>(_ body: @escaping @BusActor () async -> R) -> Task<R, Never> {
  Task(executorPreference: MainContextExecutor.shared, operation: body)
}

/// Runs jobs of Swift's concurrency as sources of GLib's default main context.
final class MainContextExecutor: SerialExecutor, TaskExecutor {
  static let shared = MainContextExecutor()

  func enqueue(_ job: consuming ExecutorJob) {
    let job = Unmanaged.passRetained(Enqueued(UnownedJob(job))).toOpaque()
    guard let source = g_idle_source_new() else { return }
    g_source_set_priority(source, G_PRIORITY_DEFAULT)
    g_source_set_callback(
      source,
      { data in
        if let data { Unmanaged<Enqueued>.fromOpaque(data).takeRetainedValue().run() }
        return G_SOURCE_REMOVE
      }, job, nil)
    g_source_attach(source, nil)
    g_source_unref(source)
  }

  func checkIsolated() {
    precondition(g_main_context_is_owner(nil) != 0, "not on the main context")
  }

  /// A job on its way through C.
  private final class Enqueued {
    private let job: UnownedJob
    init(_ job: UnownedJob) { self.job = job }
    func run() {
      let executor = MainContextExecutor.shared
      job.runSynchronously(
        isolatedTo: executor.asUnownedSerialExecutor(), taskExecutor: executor.asUnownedTaskExecutor())
    }
  }
}

/// Calls `body` on the main context after `milliseconds`.
///
/// - Returns: a number for `cancelTimer`.
@BusActor
public func startTimer(after milliseconds: UInt32, _ body: @escaping @BusActor () -> Void) -> UInt32 {
  let box = Unmanaged.passRetained(TimerBody(body)).toOpaque()
  return g_timeout_add_full(
    G_PRIORITY_DEFAULT, milliseconds,
    { data in
      if let data {
        let body = Unmanaged<TimerBody>.fromOpaque(data).takeUnretainedValue().body
        onBus(body)
      }
      return G_SOURCE_REMOVE
    }, box, { data in if let data { Unmanaged<TimerBody>.fromOpaque(data).release() } })
}

/// Ends a timer; one that has run already is none any more.
@BusActor
public func cancelTimer(_ number: UInt32) {
  if let source = g_main_context_find_source_by_id(nil, number) { g_source_destroy(source) }
}

private final class TimerBody: Sendable {
  let body: @BusActor () -> Void
  init(_ body: @escaping @BusActor () -> Void) { self.body = body }
}

/// Runs blocking work (name services) on a small pool of threads of its own.
///
/// Several, so that one slow directory server does not hold everybody up; few, so that it cannot
/// fill the memory either.
///
/// - Parameter isPrivileged: takes a pool that only the system's own callers use, which nobody else's work fills.
public func onBlockingThread<R: Sendable>(
  isPrivileged: Bool = false, _ work: @escaping @Sendable () -> R
) async -> R {
  await withCheckedContinuation { continuation in
    let task = BlockingWork { continuation.resume(returning: work()) }
    g_thread_pool_push(
      isPrivileged ? BlockingWork.privileged : BlockingWork.pool, Unmanaged.passRetained(task).toOpaque(), nil)
  }
}

private final class BlockingWork: Sendable {
  private let run: @Sendable () -> Void
  init(_ run: @escaping @Sendable () -> Void) { self.run = run }

  // Made once, thread-safe by GLib's contract, and never freed.
  nonisolated(unsafe) static let pool = newPool()
  nonisolated(unsafe) static let privileged = newPool()

  private static func newPool() -> UnsafeMutablePointer<GThreadPool>? {
    g_thread_pool_new(
      { data, _ in if let data { Unmanaged<BlockingWork>.fromOpaque(data).takeRetainedValue().run() } },
      nil, 4, 0, nil)
  }
}
