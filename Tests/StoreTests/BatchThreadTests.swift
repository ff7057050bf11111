import Dispatch
import Synchronization
import Testing
import Threads

@Suite("The thread that gathers batches")
struct BatchThreadTests {
  /// What a thread was given, batch by batch.
  private final class Batches: Sendable {
    private let batches = Mutex<[[Int]]>([])
    var all: [[Int]] { batches.withLock { $0 } }
    func add(_ batch: [Int]) { batches.withLock { $0.append(batch) } }
  }

  @Test("What comes while a batch is under way is the next batch, in its order")
  func gathers() {
    let batches = Batches()
    let (entered, held) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let thread = BatchThread<Int>(
      body: { batch in
        batches.add(batch)
        if batch == [0] {
          entered.signal()
          held.wait()
        }
      }, atEnd: {})
    thread.submit(0)
    entered.wait()
    for job in 1...100 { thread.submit(job) }
    held.signal()
    thread.stop()
    #expect(batches.all == [[0], Array(1...100)])
  }

  @Test("Stopping finishes what waits, then ends once")
  func stops() {
    let batches = Batches()
    let ends = Mutex(0)
    let thread = BatchThread<Int>(body: { batches.add($0) }, atEnd: { ends.withLock { $0 += 1 } })
    for job in 0..<1000 { thread.submit(job) }
    thread.stop()
    #expect(batches.all.flatMap { $0 } == Array(0..<1000))
    #expect(batches.all.allSatisfy { !$0.isEmpty })
    #expect(ends.withLock { $0 } == 1)
  }

  @Test("A thread that was never used ends as well")
  func idle() {
    let batches = Batches()
    let thread = BatchThread<Int>(body: { batches.add($0) }, atEnd: {})
    thread.stop()
    #expect(batches.all.isEmpty)
  }

  @Test("Jobs of many threads are neither lost nor doubled")
  func manySubmitters() {
    let batches = Batches()
    let thread = BatchThread<Int>(body: { batches.add($0) }, atEnd: {})
    DispatchQueue.concurrentPerform(iterations: 8) { part in
      for job in 0..<500 { thread.submit(part * 500 + job) }
    }
    thread.stop()
    #expect(batches.all.flatMap { $0 }.sorted() == Array(0..<4000))
  }
}
