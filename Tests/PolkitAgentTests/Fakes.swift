import Foundation
import GLibBus
import Glibc
import OfflineAccess
import Testing

@testable import PolkitAgent

/// The main loop that the bus actor runs in, on a thread of its own. Suites start it; they are not of the bus actor
/// themselves, as already the list of tests would wait for it.
enum BusLoop {
  static let running: Void = Thread.detachNewThread { _ = MainLoop.run() }
}

/// Lets everything else run until `condition` holds, at most until the test's time limit.
@BusActor
func until(sourceLocation: SourceLocation = #_sourceLocation, _ condition: @BusActor () -> Bool) async {
  while !condition() {
    if Task.isCancelled {
      Issue.record("waited in vain", sourceLocation: sourceLocation)
      return
    }
    await Task.yield()
  }
}

/// polkit's helper, played by the test at the other end of a socket.
@BusActor
final class FakeHelper {
  let channel: HelperChannel
  private let end: Int32

  init() {
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
      fatalError("there is no socket")
    }
    channel = HelperChannel(ends[0])
    end = ends[1]
  }

  deinit { close(end) }

  /// Says lines in one piece.
  func say(_ lines: String...) { _ = send(Array((lines.joined(separator: "\n") + "\n").utf8)) }

  /// - Returns: how much was taken; nil when nobody listens.
  func send(_ bytes: [UInt8]) -> Int? {
    let count = Glibc.send(end, bytes, bytes.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
    return count >= 0 ? count : errno == EAGAIN ? 0 : nil
  }

  func hangUp() { shutdown(end, Int32(SHUT_WR)) }

  /// What the channel has of it next, waited for by a task of the main context, as in the agent.
  func next() async -> HelperLine? { await onBus { [channel] in await channel.next() }.value }

  /// What it has been told since the last look; nil when nobody is there to tell more.
  func heard() -> String? {
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = recv(end, &bytes, bytes.count, Int32(MSG_DONTWAIT))
    return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : count < 0 && errno == EAGAIN ? "" : nil
  }
}

/// A person who answers what the test says, and remembers what was shown.
@BusActor
final class FakePresenter: Presenter {
  private(set) var shown: [String] = []
  private(set) var talk: Talk?
  /// The answer to a prompt; where there is none the person thinks until something is withdrawn.
  var answers: (@BusActor (String) async -> String?)?
  /// Whether the person tries again; where there is none they read on.
  var goesOn: Bool?
  private var thinking: CheckedContinuation<Void, Never>?

  private func think() async { await withCheckedContinuation { thinking = $0 } }

  var isThinking: Bool { thinking != nil }

  func begin(_ talk: Talk) {
    self.talk = talk
    shown.append("begin \(talk.request.message)")
  }

  func chooseIdentity(of identities: [Identity]) async -> Identity? { identities.first }

  func tries(as identity: Identity, forecast: Forecast?) { shown.append("as \(identity.name)") }

  func ask(_ prompt: String, echo: Bool) async -> Secret? {
    shown.append("ask \(prompt)")
    guard let answers else {
      await think()
      return nil
    }
    return await answers(prompt).map { Secret($0.utf8) }
  }

  func tell(_ text: String, isError: Bool) { shown.append("tell \(text)") }

  func triesAgain(wasAsked: Bool, isLast: Bool) async -> Bool {
    shown.append("refused\(wasAsked ? "" : " unasked")\(isLast ? " at last" : "")")
    guard let goesOn else {
      await think()
      return false
    }
    return goesOn && !isLast
  }

  func withdraw() {
    thinking?.resume()
    thinking = nil
  }

  func end(_ outcome: Talk.Outcome) { shown.append("end \(outcome)") }
}

/// Something that happens during a test.
@BusActor
final class Flag {
  var isSet = false
}
