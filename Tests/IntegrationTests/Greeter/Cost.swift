import Foundation
import Testing

extension IntegrationTests.LoginScreens {
  /// Start and memory beside lightdm-gtk-greeter, in one run and alternating, by `make strength`.
  @Suite("What the greeter costs", .enabled(if: IntegrationTests.Strength.isFull))
  struct Cost {
    init() throws { try Machine.reset("[Service]\nidle-exit=0\n") }

    @Test("time from its start to its screen, and memory, beside lightdm-gtk-greeter")
    func besideStock() throws {
      let names = [LoginScreen.Greeter.ours: "offline-access-greeter", .gtk: "lightdm-gtk-greeter"]
      var starts: [LoginScreen.Greeter: [Double]] = [:], memory: [LoginScreen.Greeter: [Int]] = [:]
      for _ in 0..<7 {
        for greeter in [LoginScreen.Greeter.ours, .gtk] {
          let frame = FrameWatch()
          let screen = try LoginScreen(
            .init(greeter: greeter, showsUsers: false, serverOptions: "-fbdir \(LoginScreen.folder)"))
          starts[greeter, default: []].append(try frame.secondsToFinalFrame() * 1000)
          memory[greeter, default: []].append(try LoginScreen.share(screen.greeterPID()))
        }
      }
      for (greeter, name) in names {
        let start = try #require(starts[greeter]?.sorted()), share = try #require(memory[greeter]?.sorted())
        let middle = start.count / 2
        try IntegrationTests.Strength.report(
          "Greeter", tried: "\(name): start to its screen, and memory", times: "\(start.count) starts",
          outcome: "median \(Int(start[middle])) ms (\(Int(start[0]))-\(Int(start[start.count - 1]))), "
            + "\(share[middle] / 1024) MB PSS")
      }
    }
  }
}

/// Looks at the frame buffer of an Xvfb that is about to start, every two milliseconds on a thread of its own.
private final class FrameWatch: @unchecked Sendable {
  private let lock = NSLock()
  /// Samples of the screen, whenever they changed.
  private var frames: [(time: Double, pixels: [UInt32])] = []
  /// When the screen was looked at last.
  private var lastLook = 0.0
  private var isOver = false

  init() {
    try? FileManager.default.removeItem(atPath: LoginScreen.folder)
    Thread.detachNewThread { [self] in
      while !lock.withLock({ isOver }) {
        let pixels = sample()
        lock.withLock { lastLook = Date().timeIntervalSince1970 }
        if let pixels, lock.withLock({ frames.last?.pixels != pixels }) {
          lock.withLock { frames.append((Date().timeIntervalSince1970, pixels)) }
        }
        Thread.sleep(forTimeInterval: 0.002)
      }
    }
  }

  deinit { lock.withLock { isOver = true } }

  /// One in 61 of the pixels, which meets all columns.
  private func sample() -> [UInt32]? {
    guard let file = FileHandle(forReadingAtPath: "\(LoginScreen.folder)/Xvfb_screen0"),
      let data = try? file.readToEnd(), data.count > 1280 * 800 * 4
    else { return nil }
    return data.withUnsafeBytes { bytes in
      let start = bytes.count - 1280 * 800 * 4
      return stride(from: start, to: bytes.count - 3, by: 61 * 4).map {
        bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self)
      }
    }
  }

  /// Seconds from the start of the greeter's program to the first frame of which 98 in 100 pixels stay.
  func secondsToFinalFrame() throws -> Double {
    let text = try String(contentsOfFile: "\(LoginScreen.folder)/started", encoding: .utf8)
    let start = try #require(Double(trimmed(text))) / 1e9
    // A caret blinks every 0.6 seconds.
    try waitUntil("the screen is at rest") {
      lock.withLock { self.frames.last.map { $0.time > start && lastLook - $0.time > 0.4 } ?? false }
    }
    let frames = lock.withLock {
      isOver = true
      return self.frames
    }
    let final = try #require(frames.last).pixels
    let first = try #require(
      frames.first { frame in
        frame.time >= start && zip(frame.pixels, final).count(where: ==) * 100 >= final.count * 98
      })
    return first.time - start
  }
}
