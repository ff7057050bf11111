import CLinux
import Glibc

/// A thread that hands everything waiting to one function, again and again.
///
/// It is what groups commits: while one batch is being made durable the next one gathers. Blocking
/// work belongs here and never on the cooperative pool.
// The only unchecked Sendable of the project: `waiting` and `stopping` are touched under `mutex`
// alone, the two pthread objects never move (they are allocated once), and `body` is Sendable.
final class BatchThread<Job: Sendable>: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var waiting: [Job] = []
  private var stopping = false
  private var thread = pthread_t()
  private let body: @Sendable ([Job]) -> Void
  private let atEnd: @Sendable () -> Void

  /// Starts the thread.
  ///
  /// - Parameters:
  ///   - body: gets every waiting job in the order of submission; never called twice at once.
  ///   - atEnd: called on the thread after the last batch.
  init(body: @escaping @Sendable ([Job]) -> Void, atEnd: @escaping @Sendable () -> Void) {
    self.body = body
    self.atEnd = atEnd
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    // SQLite and OpenSSL need far less; a default of 8 MB would only look large.
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

  func submit(_ job: Job) {
    pthread_mutex_lock(mutex)
    waiting.append(job)
    pthread_cond_signal(condition)
    pthread_mutex_unlock(mutex)
  }

  /// Lets the thread finish what is waiting and joins it.
  func stop() {
    pthread_mutex_lock(mutex)
    stopping = true
    pthread_cond_signal(condition)
    pthread_mutex_unlock(mutex)
    pthread_join(thread, nil)
  }

  private func loop() {
    while true {
      pthread_mutex_lock(mutex)
      while waiting.isEmpty, !stopping { pthread_cond_wait(condition, mutex) }
      if FaultPoint.shortSighted.isChosen {
        pthread_mutex_unlock(mutex)
        usleep(20_000)
        pthread_mutex_lock(mutex)
      }
      let batch = waiting
      waiting = []
      pthread_mutex_unlock(mutex)
      if batch.isEmpty { return atEnd() }
      body(batch)
      // Short strings, as codes are, are held in place and not in memory that is wiped when it is freed.
      linux_wipe_stack()
    }
  }
}

/// What a new thread runs: a C function cannot carry a generic type.
private final class Entry: Sendable {
  let run: @Sendable () -> Void
  init(run: @escaping @Sendable () -> Void) { self.run = run }
}
