import Foundation
import Glibc
import OnlineWire
import Testing

extension IntegrationTests {
  @Suite("The online factor, at real servers")
  enum OnlineFactor {}
}

/// One run of offline-access-online, spoken with as the service does.
final class OnlineTalk {
  let id: RequestID
  private let program: PromptDialogue
  private let socket: Int32
  private var reader = FrameReader(longest: Frame.longestReply)

  var pid: pid_t { program.pid }

  init(as user: String? = nil, environment: [String: String] = [:]) throws {
    try Machine.require()
    id = try #require(RequestID((0..<32).map { _ in UInt8.random(in: 0...255) }))
    var path = try Machine.builtProgram("offline-access-online")
    if user != nil {
      // Where the tests are built may be a folder of root's alone.
      try run("install", "-m", "755", path, "/run/offline-access-online").expectSuccess()
      path = "/run/offline-access-online"
    }
    program = try PromptDialogue([path], as: user, environment: environment)
    socket = program.socket
  }

  /// As `init`, over a socket of systemd's with `Accept=yes`, which here is systemd-socket-activate(1)'s.
  init(listeningAt path: String) throws {
    try Machine.require()
    id = try #require(RequestID((0..<32).map { _ in UInt8.random(in: 0...255) }))
    program = try PromptDialogue([
      "systemd-socket-activate", "--accept", "--inetd", "--listen=\(path)",
      try Machine.builtProgram("offline-access-online"),
    ])
    try program.wait(for: "Listening on")
    let socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    self.socket = socket
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let connected = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(connected == 0)
  }

  deinit { if socket != program.socket { close(socket) } }

  func begin(
    _ settings: AuthoritySettings, _ user: String, deadline: Int64 = OnlineRequest.usualDeadline
  ) throws -> OnlineReply {
    var subject = OnlineSubject(user: user)
    (subject.machine, subject.remote, subject.purpose) = ("box", "192.0.2.7", "login")
    return try ask(.begin(id, settings, subject, deadline: deadline))
  }

  func probe(_ settings: AuthoritySettings, deadline: Int64 = OnlineRequest.usualDeadline) throws -> OnlineProbe {
    guard case .probed(let probe) = try ask(.probe(id, settings, deadline: deadline)) else { throw NoSuchReply() }
    return probe
  }

  func answer(_ code: String) throws -> OnlineReply { try ask(.answer(id, code: Array(code.utf8))) }

  func wait(_ milliseconds: Int64) throws -> OnlineReply { try ask(.wait(id, milliseconds: milliseconds)) }

  func ask(_ request: OnlineRequest) throws -> OnlineReply {
    try send(request)
    return try reply()
  }

  func send(_ request: OnlineRequest) throws {
    let bytes = try request.frame.encoded(longest: Frame.longestRequest)
    try #require(bytes.count == Glibc.send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)))
  }

  /// The next reply, or nil when the process ends without one.
  func replyOrEnd() throws -> OnlineReply? {
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      if let frame = try reader.next() { return try OnlineReply(frame, to: id) }
      var wait = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
      try #require(poll(&wait, 1, 20_000) == 1, "the process does not answer")
      let count = read(socket, &buffer, buffer.count)
      guard count > 0 else { return nil }
      reader.feed(buffer.prefix(count))
    }
  }

  func reply() throws -> OnlineReply {
    try #require(try replyOrEnd(), "the process ended without an answer")
  }

  /// How the process ends after our last word.
  func end() throws -> Int32 {
    shutdown(socket, Int32(SHUT_WR))
    return try program.finish().status
  }

  private struct NoSuchReply: Error {}
}

extension OnlineReply {
  var verdict: OnlineVerdict? {
    guard case .verdict(let verdict) = self else { return nil }
    return verdict
  }

  var challenge: OnlineChallenge? {
    guard case .challenge(let challenge) = self else { return nil }
    return challenge
  }
}

/// Expects a verdict that is no approval.
func expectVerdict(
  _ reply: OnlineReply, _ value: VerdictValue, _ reason: OnlineReason, alarm: Bool = false,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let verdict = reply.verdict
  #expect(
    verdict?.value == value && verdict?.reason == reason && verdict?.alarm == alarm, "\(reply)",
    sourceLocation: sourceLocation)
}

/// Expects an approval by `proof`.
func expectApproved(
  _ reply: OnlineReply, by proof: String, sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(
    reply.verdict?.value == .approved && reply.verdict?.proof == proof, "\(reply)", sourceLocation: sourceLocation)
}
