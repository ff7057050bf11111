import CLinux
import Glibc

/// A thread that hands everything waiting to one function, again and again.
///
/// It is what groups commits: while one batch is being made durable the next one gathers. Blocking
/// work belongs here and never on the cooperative pool: the disk, and security keys.
// The only unchecked Sendable of the project: `waiting` and `stopping` are touched under `mutex`
// alone, the two pthread objects never move (they are allocated once), and `body` is Sendable.
public final class BatchThread<Job: Sendable>: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var waiting: [Job] = []
  private var stopping = false
  private var thread = pthread_t()
  private let beforeBatch: @Sendable () -> Void
  private let patience: @Sendable () -> Int64?
  private let body: @Sendable ([Job]) -> Void
  private let atEnd: @Sendable () -> Void

  /// Starts the thread.
  ///
  /// - Parameters:
  ///   - beforeBatch: called when jobs wait, before they are taken.
  ///   - patience: milliseconds after which `body` is called although nothing waits, with an empty batch; nil
  ///     waits for ever. Asked before each wait.
  ///   - body: gets every waiting job in the order of submission; never called twice at once.
  ///   - atEnd: called on the thread after the last batch.
  public init(
    beforeBatch: @escaping @Sendable () -> Void = {}, patience: @escaping @Sendable () -> Int64? = { nil },
    body: @escaping @Sendable ([Job]) -> Void, atEnd: @escaping @Sendable () -> Void
  ) {
    self.beforeBatch = beforeBatch
    self.patience = patience
    self.body = body
    self.atEnd = atEnd
    pthread_mutex_init(mutex, nil)
    // A wait must not depend on a clock that can be set.
    var clock = pthread_condattr_t()
    pthread_condattr_init(&clock)
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &clock)
    pthread_condattr_destroy(&clock)
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    // SQLite, OpenSSL and libfido2 need far less; a default of 8 MB would only look large.
    pthread_attr_setstacksize(&attributes, 512 * 1024)
    let entry = Entry { [self] in loop() }
    let status = pthread_create(
      &thread, &attributes,
      { context in
        if let context { Unmanaged<Entry>.fromOpaque(context).takeRetainedValue().run() }
        return nil
      }, Unmanaged.passRetained(entry).toOpaque())
    precondition(status == 0, "no thread: \(String(cString: strerror(status)))")
  }

  deinit {
    pthread_mutex_destroy(mutex)
    pthread_cond_destroy(condition)
    mutex.deallocate()
    condition.deallocate()
  }

  public func submit(_ job: Job) {
    pthread_mutex_lock(mutex)
    waiting.append(job)
    pthread_mutex_unlock(mutex)
    // Not before: the thread would wake up to wait for the lock.
    pthread_cond_signal(condition)
  }

  /// Lets the thread finish what is waiting and joins it.
  public func stop() {
    pthread_mutex_lock(mutex)
    stopping = true
    pthread_cond_signal(condition)
    pthread_mutex_unlock(mutex)
    pthread_join(thread, nil)
  }

  private func loop() {
    while true {
      wait()
      beforeBatch()
      pthread_mutex_lock(mutex)
      #if ONE_JOB_A_BATCH  // what `make bench` compares with
        let batch = Array(waiting.prefix(1))
        waiting.removeFirst(batch.count)
      #else
        let batch = waiting
        waiting = []
      #endif
      let isLast = stopping
      pthread_mutex_unlock(mutex)
      if batch.isEmpty, isLast { return atEnd() }
      body(batch)
      // Short strings, as codes are, are held in place and not in memory that is wiped when it is freed.
      linux_wipe_leftovers()
    }
  }

  /// Returns when a job waits, the end has come or patience is over.
  private func wait() {
    let end = patience().map(Self.moment)
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while waiting.isEmpty, !stopping {
      if var end {
        if pthread_cond_timedwait(condition, mutex, &end) == ETIMEDOUT { return }
      } else {
        pthread_cond_wait(condition, mutex)
      }
    }
  }

  private static func moment(in milliseconds: Int64) -> timespec {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    let nanoseconds = Int64(time.tv_nsec) + milliseconds % 1000 * 1_000_000
    return timespec(
      tv_sec: time.tv_sec + Int(milliseconds / 1000 + nanoseconds / 1_000_000_000),
      tv_nsec: Int(nanoseconds % 1_000_000_000))
  }
}

/// What a new thread runs: a C function cannot carry a generic type.
private final class Entry: Sendable {
  let run: @Sendable () -> Void
  init(run: @escaping @Sendable () -> Void) { self.run = run }
}
