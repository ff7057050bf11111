import Glibc
import OfflineAccess
import Synchronization
import Threads

/// The durable states in SQLite: one thread, one connection, one commit for all that waits.
public final class SQLiteStore: EnrollmentStore {
  /// One call's part of a batch.
  private struct Job: Sendable {
    let user: UserIdentity
    /// Nil removes the user's record unread.
    let run: (@Sendable (inout UserState) -> Void)?
    let finish: @Sendable (StoreFailure?) -> Void
  }

  private let thread: BatchThread<Job>

  /// - Parameter report: is told of each failure, on the store's thread.
  public init(folder: StateFolder, report: @escaping @Sendable (StoreFailure) -> Void = { _ in }) {
    // Nil until the database opens, and again after a fault, so that the store is right again by
    // itself once the cause is gone.
    let opened = Mutex<EnrollmentTable?>(nil)
    let body: @Sendable ([Job]) -> Void = { batch in
      let failures = opened.withLock { Self.commit(batch, to: &$0, in: folder) }
      var told: [StoreFailure] = []
      for (job, failure) in zip(batch, failures) {
        if let failure, !told.contains(failure) {
          told.append(failure)
          report(failure)
        }
        job.finish(failure)
      }
    }
    thread = BatchThread(
      beforeBatch: { if FaultPoint.shortSighted.isChosen { usleep(20_000) } }, body: body,
      atEnd: { opened.withLock { $0 = nil } })
  }

  /// Finishes what is waiting and closes the database. No call may follow.
  public func close() { thread.stop() }

  public func transact<R: Sendable>(
    _ user: UserIdentity, _ body: @escaping @Sendable (inout UserState) -> R
  ) async throws(StoreFailure) -> R {
    let result: Result<R, StoreFailure> = await withCheckedContinuation { continuation in
      let answer = Answer<R>()
      thread.submit(
        Job(
          user: user,
          run: { state in
            let value = body(&state)
            answer.value.withLock { $0 = value }
          },
          finish: { failure in
            let value = answer.value.withLock { $0 }
            let missing = StoreFailure.inputOutput("the transaction did not run")
            continuation.resume(
              returning: failure.map(Result.failure) ?? value.map(Result.success) ?? .failure(missing))
          }))
    }
    return try result.get()
  }

  public func erase(_ user: UserIdentity) async throws(StoreFailure) {
    let failure = await withCheckedContinuation { continuation in
      thread.submit(Job(user: user, run: nil, finish: { continuation.resume(returning: $0) }))
    }
    if let failure { throw failure }
  }

  /// What a body returned, held back until its changes are durable.
  private final class Answer<R: Sendable>: Sendable {
    let value = Mutex<R?>(nil)
  }

  /// Opens the database where needed and commits; a fault closes it again.
  private static func commit(
    _ batch: [Job], to table: inout EnrollmentTable?, in folder: StateFolder
  ) -> [StoreFailure?] {
    do throws(StoreFailure) {
      let open: EnrollmentTable
      // Looked at each time: what is exchanged or opened up while the service runs counts at once.
      if let present = table, try present.isCurrent(in: folder) {
        open = present
      } else {
        // Closed before another opens: they would share a log.
        let files = table?.files
        table = nil
        if let files { folder.removeLog(of: files) }
        open = try EnrollmentTable(in: folder)
      }
      table = open
      return try commit(batch, to: open)
    } catch {
      table = nil
      return batch.map { _ in error }
    }
  }

  /// Runs the jobs one after another inside one transaction.
  ///
  /// - Returns: for each job why it failed by itself; such a job changed nothing.
  private static func commit(_ batch: [Job], to table: EnrollmentTable) throws(StoreFailure) -> [StoreFailure?] {
    var failures = [StoreFailure?](repeating: nil, count: batch.count)
    FaultPoint.beforeTransaction.reached()
    try table.transaction { () throws(StoreFailure) in
      for (index, job) in batch.enumerated() {
        guard let run = job.run else {
          try table.save(UserRecord(), of: job.user)
          continue
        }
        let record: UserRecord
        do throws(StoreFailure) { record = try table.record(of: job.user) } catch {
          // One user's damaged record shuts out that user alone.
          guard case .damaged = error else { throw error }
          failures[index] = error
          continue
        }
        var state = UserState(
          user: job.user, enrollment: record.enrollment, standing: record.standing, clockMark: table.clockMark)
        run(&state)
        FaultPoint.decided.reached()
        if FaultPoint.shortSighted.isChosen, index + 1 < batch.count { continue }
        if state.recordChanged {
          try table.save(UserRecord(enrollment: state.enrollment, standing: state.standing), of: job.user)
        }
        if state.clockMarkChanged { table.clockMark = state.clockMark }
      }
    }
    return failures
  }
}
