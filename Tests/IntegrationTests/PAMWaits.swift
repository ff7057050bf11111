import Foundation
import Glibc
import Testing

extension IntegrationTests {
  @Suite("PAM when nobody answers: a no in ten seconds at most, and at once where nobody is there")
  struct PAMWaits {
    let user: String
    let phone: Phone

    init() throws {
      try Machine.reset()
      try PAMHost.install()
      try Machine.pamService("test-ignored", "auth required pam_permit.so", "auth required \(PAMHost.module)")
      user = try Machine.newUser()
      phone = try Phone.activated(user)
    }

    private func expectDenied(
      within limit: Duration, _ command: [String], saying text: String = "Offline access is not available",
      sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      let start = ContinuousClock.now
      let answer = try PromptDialogue.run(command)
      #expect(ContinuousClock.now - start < limit, sourceLocation: sourceLocation)
      expectOut(answer, saying: text, sourceLocation: sourceLocation)
    }

    @Test("the bus takes no connections any more: denied in ten seconds at most, to root and to others")
    func fullBus() throws {
      try Machine.stopService()
      let folder = "/run/full-bus"
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let listener = try Backlog.listen(at: "\(folder)/system_bus_socket", backlog: 8)
      defer { close(listener) }
      try run("chmod", "666", "\(folder)/system_bus_socket").expectSuccess()
      let waiting = try Backlog.fill("\(folder)/system_bus_socket")
      defer { for one in waiting { close(one) } }
      let there = ["unshare", "--mount", "sh", "-c", "mount --bind \(folder) /run/dbus && exec \"$@\"", "sh"]
      try expectDenied(
        within: inTime, there + ["pamtester", "test-ignored", user, "authenticate"],
        saying: "(the system bus does not answer)")
      try expectDenied(within: inTime, there + ["runuser", "-u", "alice", "--", HelperProgram.path, "alice"])
    }

    @Test("the service stands still and its own socket takes no connections any more: denied in ten seconds at most")
    func fullService() throws {
      let code = try phone.nextCode()
      _ = try Factor.root.allowance(user)
      let service = try #require(try Machine.servicePID())
      kill(service, SIGSTOP)
      defer { kill(service, SIGCONT) }
      let waiting = try Backlog.fill(BusPeer.service)
      #expect(waiting.count > 1000)
      try expectDenied(within: inTime, ["pamtester", "test-ignored", user, "authenticate"])
      for one in waiting { close(one) }
      kill(service, SIGCONT)
      expectIn(try PAMHost.login(user, code), saying: "9 offline logins remaining.")
    }

    @Test("the service is not there: denied at once, far below every time limit")
    func missing() throws {
      try Machine.stopService()
      try run("mv", "/usr/libexec/offline-accessd", "/usr/libexec/offline-accessd.away").expectSuccess()
      defer { _ = try? run("mv", "/usr/libexec/offline-accessd.away", "/usr/libexec/offline-accessd") }
      try expectDenied(within: .seconds(5), ["pamtester", "test-ignored", user, "authenticate"])
      // Not even the file by which the bus would start it.
      let text = try String(contentsOfFile: Clock.activation, encoding: .utf8)
      try FileManager.default.removeItem(atPath: Clock.activation)
      defer { try? Clock.activate(text) }
      try run("busctl", "call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "ReloadConfig")
        .expectSuccess()
      try expectDenied(within: .seconds(5), ["pamtester", "test-ignored", user, "authenticate"])
    }

    @Test("a bus that is slow to let in and a service that stands still share one time limit")
    func oneLimit() throws {
      _ = try Factor.root.allowance(user)
      let service = try #require(try Machine.servicePID())
      kill(service, SIGSTOP)
      defer { kill(service, SIGCONT) }
      // Its own socket is hidden, and the bus lets go on after four seconds.
      let bus = try #require(try Self.busPID())
      kill(bus, SIGSTOP)
      defer { kill(bus, SIGCONT) }
      let start = ContinuousClock.now
      let dialogue = try PromptDialogue([
        "unshare", "--mount", "sh", "-c",
        "mount -t tmpfs none /run/offline-access && exec pamtester test-ignored \(user) authenticate",
      ])
      try waitUntil("the bus has let nobody in for four seconds") { ContinuousClock.now - start > .seconds(4) }
      kill(bus, SIGCONT)
      let ending = try dialogue.finish()
      #expect(ContinuousClock.now - start < inTime)
      expectOut(ending, saying: "the service did not answer in time")
    }

    private static func busPID() throws -> Int32? {
      let answer = try run(
        "busctl", "call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
        "GetConnectionUnixProcessID", "s", "org.freedesktop.DBus")
      return Int32(answer.output.split(separator: " ").last.map(trimmed) ?? "")
    }
  }
}

/// A listening socket that takes no more connections.
enum Backlog {
  private static func socketAndAddress(_ path: String, flags: Int32 = 0) throws -> (Int32, sockaddr_un) {
    let socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | flags, 0)
    try #require(socket >= 0, "\(String(cString: strerror(errno)))")
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    return (socket, address)
  }

  private static func use(
    _ address: sockaddr_un, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    withUnsafePointer(to: address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
  }

  /// Listens at `path` and accepts nobody.
  static func listen(at path: String, backlog: Int32) throws -> Int32 {
    let (socket, address) = try socketAndAddress(path)
    try #require(use(address) { bind(socket, $0, $1) } == 0 && Glibc.listen(socket, backlog) == 0)
    return socket
  }

  /// Connects to `path` until nobody is let in any more; gives the connections.
  static func fill(_ path: String) throws -> [Int32] {
    var limit = rlimit()
    let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    getrlimit(kind, &limit)
    var raised = rlimit(rlim_cur: limit.rlim_max, rlim_max: limit.rlim_max)
    setrlimit(kind, &raised)
    defer { setrlimit(kind, &limit) }
    var connections: [Int32] = []
    while true {
      let (socket, address) = try socketAndAddress(path, flags: Int32(SOCK_NONBLOCK.rawValue))
      if use(address, { connect(socket, $0, $1) }) != 0 {
        #expect(errno == EAGAIN)
        close(socket)
        return connections
      }
      connections.append(socket)
    }
  }
}
