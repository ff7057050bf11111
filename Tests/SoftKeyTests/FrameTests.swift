import Foundation
import Testing

@testable import SoftKey

@Suite("A soft key's frames (CTAPHID)")
struct FrameTests {
  /// Speaks frames by hand.
  private final class Cable {
    let key = SoftKey()
    private let descriptor: Int32

    init() throws {
      let ends = try socketPair()
      descriptor = ends.0
      let (key, served) = (key, ends.1)
      Thread.detachNewThread {
        key.serve(served)
        close(served)
      }
    }

    deinit { close(descriptor) }

    func send(_ report: [UInt8]) { _ = Glibc.send(descriptor, report, report.count, Int32(MSG_NOSIGNAL)) }

    func send(_ channel: UInt32, _ command: Frame.Command, _ payload: [UInt8], reportID: Bool = true) {
      for frame in Frame.frames(channel: channel, command: command, payload) { send((reportID ? [0] : []) + frame) }
    }

    /// The next frame: its channel, its command or sequence number, and the rest.
    func receive() throws -> (channel: UInt32, command: UInt8, rest: [UInt8]) {
      var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      try #require(poll(&polled, 1, 5000) == 1)
      var report = [UInt8](repeating: 0, count: 128)
      try #require(recv(descriptor, &report, 128, 0) == 64)
      return (report[0..<4].reduce(0) { $0 << 8 | UInt32($1) }, report[4], Array(report[5..<64]))
    }

    func openChannel() throws -> UInt32 {
      send(Frame.broadcast, .initialize, [1, 2, 3, 4, 5, 6, 7, 8])
      let answer = try receive()
      #expect(answer.channel == Frame.broadcast && answer.command == 0x86)
      #expect(Array(answer.rest[..<10]) == [0, 17, 1, 2, 3, 4, 5, 6, 7, 8])
      #expect(answer.rest[14] == 2 && answer.rest[18] == 0x05)
      return answer.rest[10..<14].reduce(0) { $0 << 8 | UInt32($1) }
    }

    func expect(_ failure: Frame.Failure, on channel: UInt32) throws {
      let answer = try receive()
      #expect(answer.channel == channel && answer.command == 0xbf)
      #expect(Array(answer.rest[..<3]) == [0, 1, failure.rawValue])
    }
  }

  @Test(
    "A message of any length comes back whole, with and without a report id", arguments: [0, 1, 57, 58, 116, 117, 7609])
  func ping(_ count: Int) throws {
    let cable = try Cable()
    let channel = try cable.openChannel()
    let message = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7) }
    for reportID in [true, false] {
      cable.send(channel, .ping, message, reportID: reportID)
      var answer = try cable.receive()
      #expect(answer.command == 0x81 && Int(answer.rest[0]) << 8 | Int(answer.rest[1]) == count)
      var received = Array(answer.rest[2...])
      var sequence: UInt8 = 0
      while received.count < count {
        answer = try cable.receive()
        #expect(answer.channel == channel && answer.command == sequence)
        received += answer.rest
        sequence += 1
      }
      #expect(Array(received.prefix(count)) == message)
    }
  }

  @Test("What is out of turn is told so")
  func outOfTurn() throws {
    let cable = try Cable()
    let (first, second) = (try cable.openChannel(), try cable.openChannel())
    #expect(first != second)
    cable.send(77, .ping, [])
    try cable.expect(.invalidChannel, on: 77)
    cable.send(first, .keepalive, [])
    try cable.expect(.invalidCommand, on: first)
    // The first of two frames, then somebody else, then the wrong one.
    let frames = Frame.frames(channel: first, command: .ping, [UInt8](repeating: 1, count: 200))
    cable.send(frames[0])
    cable.send(second, .ping, [])
    try cable.expect(.busy, on: second)
    cable.send(frames[2])
    try cable.expect(.invalidSequence, on: first)
    // A caller who starts over.
    cable.send(frames[0])
    cable.send(first, .initialize, [1, 2, 3, 4, 5, 6, 7, 8])
    #expect(try cable.receive().command == 0x86)
    cable.send(second, .ping, [9])
    #expect(try cable.receive().channel == second)
  }

  @Test("While it waits for a touch others hear that it is busy, and the caller that it is alive")
  func busy() throws {
    let cable = try Cable()
    let (first, second) = (try cable.openChannel(), try cable.openChannel())
    cable.key.behaviour.touch = .never
    cable.send(first, .cbor, [0x0b])
    #expect(try cable.receive() == (first, 0xbb, [0, 1, 2] + [UInt8](repeating: 0, count: 56)))
    cable.send(second, .ping, [])
    while true {
      let answer = try cable.receive()
      if answer.channel == second {
        #expect(answer.command == 0xbf && answer.rest[2] == Frame.Failure.busy.rawValue)
        break
      }
      #expect(answer.command == 0xbb)
    }
    cable.send(first, .cancel, [])
    var answer = try cable.receive()
    while answer.command == 0xbb { answer = try cable.receive() }
    #expect(answer.command == 0x90 && answer.rest[2] == Status.keepaliveCancelled.rawValue)
  }

  @Test("Nothing that is sent to it, however mad, ends it")
  func noise() throws {
    let cable = try Cable()
    let channel = try cable.openChannel()
    var numbers = SeededNumbers(seed: 7)
    for _ in 0..<3000 {
      let commands: [UInt8] = [0x01, 0x02, 0x04, 0x06, 0x0b]
      let payload =
        [commands.randomElement(using: &numbers) ?? 0] + CBOR.random(&numbers).encoded.prefix(Frame.longestMessage - 1)
      cable.send(channel, Bool.random(using: &numbers) ? .cbor : .message, payload)
      var answer = try cable.receive()
      // What the noise before was answered.
      while answer.channel != channel { answer = try cable.receive() }
      // A long answer's other frames.
      var left = Int(answer.rest[0]) << 8 + Int(answer.rest[1]) - 57
      #expect(answer.command == 0x90 || answer.command == 0x83)
      while left > 0 {
        answer = try cable.receive()
        left -= 59
      }
      let report = (0..<65).map { _ in UInt8.random(in: .min ... .max, using: &numbers) }
      cable.send(Array(report.prefix(Int.random(in: 1...65, using: &numbers))))
    }
  }
}
