import Configuration
import Foundation
import GLibBus
import OfflineAccess
import Testing

@testable import OfflineAccessService

/// The main loop that the bus actor runs in, for tests on a thread of its own.
private enum BusLoop {
  static let running: Void = Thread.detachNewThread { _ = MainLoop.run() }
}

@Suite("The configuration in force")
final class ConfigurationWatchTests: Sendable {
  private let folder = FileManager.default.temporaryDirectory.path + "/offline-access-watch-" + UUID().uuidString
  private var file: String { folder + "/offline-access.conf" }

  init() throws {
    BusLoop.running
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  private func write(_ text: String) throws { try Data(text.utf8).write(to: URL(fileURLWithPath: file)) }

  @BusActor
  private func refusal(_ watch: ConfigurationWatch) -> Refusal? {
    do throws(Refusal) {
      _ = try watch.policy()
      return nil
    } catch {
      return error
    }
  }

  @Test("A change holds at the next call, without a restart")
  @BusActor
  func changes() throws {
    let watch = ConfigurationWatch(ConfigurationFiles(folder: folder))
    #expect(try watch.policy() == Policy())
    try write("[Allowance]\nlogins=2\n")
    #expect(try watch.policy().logins == 2)
    try write("[Allowance]\nlogins=30\n")
    #expect(try watch.policy().logins == 30)
    try FileManager.default.removeItem(atPath: file)
    #expect(try watch.policy() == Policy())
  }

  @Test("While it is wrong every call is refused with file and line, and the last good policy is not used")
  @BusActor
  func wrong() throws {
    try write("[Failure]\nmode=open\n")
    let watch = ConfigurationWatch(ConfigurationFiles(folder: folder))
    #expect(try watch.policy().failureMode == .open)
    try write("[Failure]\nmode=open\nattempts=none\n")
    for _ in 1...3 {
      let refusal = refusal(watch)
      #expect(refusal?.reason == .failed)
      #expect(refusal?.sentence.contains("\(file):3: attempts=none") == true)
    }
    try write("[Failure]\nmode=closed\n")
    #expect(refusal(watch) == nil)
    #expect(try watch.policy().failureMode == .closed)
  }

  @Test("It is wrong from the start as well")
  @BusActor
  func wrongAtStart() throws {
    try write("[Nonsense]\n")
    #expect(refusal(ConfigurationWatch(ConfigurationFiles(folder: folder)))?.reason == .failed)
  }
}
