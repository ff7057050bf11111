import Foundation
import Glibc
import Store
import Testing

extension IntegrationTests.Strength {
  @Suite("A power cut at the moment of the answer: what was said is on the disk")
  final class PowerCut {
    private var disk: Disk?

    init() throws { try Machine.reset() }

    deinit {
      try? Machine.stopService(signal: SIGKILL)
      disk?.remove()
    }

    @Test("nothing that was said is lost", arguments: Deed.Kind.allCases.filter(\.changes))
    func kept(kind: Deed.Kind) throws {
      let rounds = IntegrationTests.Strength.times(50, short: 2)
      try insertDisk()
      let lost = try (0..<rounds).map { try cut(kind, round: $0) }.filter { $0 != .done }
      #expect(lost.isEmpty, "\(lost)")
      try IntegrationTests.Strength.report(
        "Power cut", tried: kind.rawValue, times: "\(rounds) rounds", outcome: "said and lost \(lost.count)")
    }

    @Test("where the power goes amid a call, all of it or nothing is on the disk", arguments: FaultPoint.steps)
    func atStep(step: FaultPoint) throws {
      let kinds = Deed.Kind.allCases.filter(\.changes)
      // In full each of them by time and by counter; in short another one at each step.
      let first = FaultPoint.steps.firstIndex(of: step) ?? 0
      let rounds = Array(first..<first + IntegrationTests.Strength.times(2 * kinds.count, short: 1))
      try FaultyService.install()
      defer { try? FaultyService.remove() }
      try insertDisk()
      let expected: Deed.Trace = step.isAfterCommit ? .done : .undone
      let others = try rounds.map { try cut(kinds[$0 % kinds.count], round: $0, dyingAt: step) }
        .filter { $0 != expected }
      #expect(others.isEmpty, "\(others)")
      try IntegrationTests.Strength.report(
        "Power cut", tried: "step \(step) of every method", times: "\(rounds.count) rounds",
        outcome: "\(step.isAfterCommit ? "done" : "undone") \(rounds.count - others.count), else \(others.count)")
    }

    @Test("these tests do see a loss: a service that does not wait for the disk forgets what it said")
    func unsynchronised() throws {
      let rounds = IntegrationTests.Strength.times(10, short: 1)
      let kinds = Deed.Kind.allCases.filter(\.changes)
      try FaultyService.install()
      defer { try? FaultyService.remove() }
      for neglects in [false, true] {
        var lost: [Deed.Trace] = []
        for round in 0..<rounds * kinds.count {
          // A new disk each time: what follows a loss is no longer the same test.
          try insertDisk()
          if neglects { try FaultyService.choose(.unsynchronised) }
          let trace = try cut(kinds[round % kinds.count], round: round, settled: true)
          if trace != .done { lost.append(trace) }
        }
        #expect(lost.isEmpty == !neglects, "\(lost)")
        let build = neglects ? "a test build that does not synchronise" : "the same test build, synchronising"
        try IntegrationTests.Strength.report(
          "Power cut", tried: "control: \(build)",
          times: "\(rounds * kinds.count) rounds", outcome: "said and lost \(lost.count)")
      }
    }

    private func insertDisk() throws {
      try Machine.stopService(signal: SIGKILL)
      disk?.remove()
      disk = try Disk()
    }

    /// Cuts the power in the moment in which the answer to a call arrives, and goes on with what the disk held then.
    ///
    /// - Parameters:
    ///   - step: where the service dies instead.
    ///   - settled: everything before the call is brought to the disk, whatever the service did for it.
    private func cut(
      _ kind: Deed.Kind, round: Int, dyingAt step: FaultPoint? = nil, settled: Bool = false
    ) throws -> Deed.Trace {
      let disk = try #require(disk)
      let deed = try Deed.prepare(kind, round: round)
      let caller = try BusPeer(as: deed.caller)
      if settled { try run("sync", "--file-system", Machine.stateFolder).expectSuccess() }
      if let step { try FaultyService.choose(step) }
      let error = try caller.error(of: deed.call)
      try disk.copy()
      try #require(error == (step == nil || step == .replied ? deed.said : "NoReply"), "\(kind)")
      if step != nil { try waitUntil("the step is reached") { !FaultyService.isChosen } }
      try Machine.stopService(signal: SIGKILL)
      try disk.continueWithCopy()
      return try deed.trace()
    }
  }
}

/// A disk for the service's state: ext4 on a loop device, whose contents can be copied at any moment.
///
/// What the service has not synchronised is in the page cache only, and so in no copy. The loop device lives no
/// longer than its mount, which lives no longer than the machine.
private final class Disk {
  private let folder: String
  private var generation = 0
  private var image: String { "\(folder)/\(generation)" }
  private var next: String { "\(folder)/\(generation + 1)" }

  init() throws {
    folder = trimmed(try run("mktemp", "-d").expectSuccess().output)
    try Self.makeNodes()
    try run("truncate", "--size=16M", image).expectSuccess()
    try run("mkfs.ext4", "-q", "-b", "4096", image).expectSuccess()
    try mount()
    try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: Machine.stateFolder)
  }

  /// Keeps the contents of this moment.
  func copy() throws { try FileManager.default.copyItem(atPath: image, toPath: next) }

  /// Takes the disk out and puts the copy in; the file system recovers from its journal.
  func continueWithCopy() throws {
    try unmount()
    try FileManager.default.removeItem(atPath: image)
    generation += 1
    try mount()
  }

  func remove() {
    try? unmount()
    try? FileManager.default.removeItem(atPath: folder)
  }

  private func mount() throws {
    try #require(run("mount", "-o", "loop", image, Machine.stateFolder).expectSuccess().status == 0)
  }

  private func unmount() throws {
    try #require(run("umount", Machine.stateFolder).expectSuccess().status == 0)
  }

  /// The throw-away machine's /dev begins without loop devices.
  private static func makeNodes() throws {
    if FileManager.default.fileExists(atPath: "/dev/loop-control") { return }
    for number in 0..<64 {
      try #require(mknod("/dev/loop\(number)", S_IFBLK | 0o600, makedev(7, UInt32(number))) == 0)
    }
    try #require(mknod("/dev/loop-control", S_IFCHR | 0o600, makedev(10, 237)) == 0)
  }

  /// makedev(3) for small numbers, which is a macro in C.
  private static func makedev(_ major: UInt32, _ minor: UInt32) -> dev_t { dev_t(major << 8 | minor) }
}
