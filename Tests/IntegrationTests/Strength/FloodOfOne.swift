import Foundation
import Testing

extension IntegrationTests.Strength {
  @Suite("One user hammers all methods on 200 connections")
  struct FloodOfOne {
    enum Kind: String, CaseIterable, Sendable {
      /// 20,000 calls at once, all left open.
      case burst
      /// The same, and more as fast as the bus takes them.
      case hammer
    }

    /// Opens 200 connections, says so, then calls everything on all of them: KIND SECONDS USER.
    private static let attack = """
      import os, pwd, select, socket, struct, sys, time
      kind, seconds, user = sys.argv[1], float(sys.argv[2]), pwd.getpwuid(os.getuid())
      align = lambda data, size: data + bytes(-len(data) % size)
      text = lambda value: struct.pack("<I", len(value)) + value.encode() + b"\\0"
      signature = lambda value: bytes([len(value)]) + value.encode() + b"\\0"
      def words(*values):
          body = b""
          for value in values: body = align(body, 4) + text(value)
          return body
      options = lambda body: align(align(body, 4) + struct.pack("<I", 0), 8)
      def call(serial, destination, path, interface, member, types="", body=b""):
          fields = b""
          for code, kind, value in ((1, "o", path), (2, "s", interface), (3, "s", member), (6, "s", destination)):
              fields = align(align(fields, 8) + bytes([code]) + signature(kind), 4) + text(value)
          if types: fields = align(fields, 8) + bytes([8]) + signature("g") + signature(types)
          return align(struct.pack("<BBBBIII", 108, 1, 0, 1, len(body), serial, len(fields)) + fields, 8) + body
      name, path, bus = "org.offlineaccess.Factor1", "/org/offlineaccess/Factor1", "org.freedesktop.DBus"
      methods = [
          (path, name, "Authenticate", "ssa{sv}", options(words("", "000000"))),
          (path, name, "Authenticate", "ssa{sv}", options(words("root", "000000"))),
          (path, name, "RemainingAllowance", "s", words("")),
          (path, name, "Activate", "ssa{sv}", options(words("", "passcode"))),
          (path, name, "Reactivate", "ssa{sv}", options(words("", "passcode"))),
          (path, name, "Renew", "s", words("root")), (path, name, "Deactivate", "s", words("")),
          (path + "/activation/1", name + ".Activation", "Confirm", "sa{sv}", options(words("000000"))),
          (path + "/activation/1", name + ".Activation", "Cancel", "", b""),
          (path, bus + ".Properties", "GetAll", "s", words(name)),
          (path, bus + ".Introspectable", "Introspect", "", b""), (path, bus + ".Peer", "Ping", "", b"")]
      calls = b"".join(call(10 + n, name, *methods[n % len(methods)]) for n in range(100))
      connections = {}
      for _ in range(200):
          one = socket.socket(socket.AF_UNIX)
          one.connect("/run/dbus/system_bus_socket")
          one.send(b"\\0AUTH EXTERNAL " + str(os.getuid()).encode().hex().encode() + b"\\r\\nBEGIN\\r\\n"
              + call(1, bus, "/org/freedesktop/DBus", bus, "Hello"))
          answer = b""
          while b"NameAcquired" not in answer: answer += one.recv(4096)
          one.setblocking(False)
          connections[one.fileno()] = one
      unsent = dict.fromkeys(connections, calls)
      poller = select.poll()
      for number in connections: poller.register(number, select.POLLIN | select.POLLOUT)
      print("ready", flush=True)
      end, sent = time.monotonic() + seconds, 0
      while time.monotonic() < end:
          for number, events in poller.poll(50):
              try:
                  if events & select.POLLIN: connections[number].recv(262144)
                  if events & select.POLLOUT:
                      count = connections[number].send(unsent[number][:65536])
                      sent += count
                      unsent[number] = unsent[number][count:]
                      if not unsent[number]:
                          if kind == "hammer": unsent[number] = calls
                          else: poller.modify(number, select.POLLIN)
              except BlockingIOError: pass
      print("sent", sent * 100 // len(calls), flush=True)
      """

    /// The service's memory in kilobytes, without asking the bus.
    private func memory(_ line: String) throws -> Int {
      let pid = trimmed(try run("pidof", "offline-accessd").expectSuccess().output)
      let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
      let field = try #require(status.split(separator: "\n").first { $0.hasPrefix(line + ":") })
      return try #require(Int(field.filter(\.isNumber)))
    }

    /// The bus itself works off for a while what it was sent; each busctl waits for 25 seconds.
    private func waitForBus() throws {
      let isBack = try (0..<4).contains { _ in try Factor(user: "mallory").allowance("").error == nil }
      try #require(isBack)
    }

    @Test(
      "Everybody else logs in within a second from its first moment on, and memory and log stay small",
      arguments: Kind.allCases)
    func hammer(kind: Kind) throws {
      let seconds = IntegrationTests.Strength.times(10, short: 1)
      try Machine.reset("[Service]\nidle-exit=0\n[Factor]\npasscode=hotp\n[Allowance]\nlogins=100000\n")
      try PAMHost.install()
      try Machine.write(Self.attack, to: "/run/attack.py")
      let user = try Machine.newUser()
      var codes = try Phone.activated(user).codes(seconds * 2000, from: 1)[...]
      let log = try ServiceLog()
      var (slowest, logins, calls, sizes) = (Duration.zero, 0, 0, [Int]())
      // Once against a service that has to be started, then again and again against one that runs.
      for round in 0..<IntegrationTests.Strength.times(4, short: kind == .burst ? 2 : 1) {
        if round == 0 { try Machine.stopService() }
        let session = try CommandSession(
          "/usr/bin/python3", "/run/attack.py", kind.rawValue, "\(seconds)", as: "mallory")
        try session.waitFor("ready")
        while session.process.isRunning {
          let next = codes.popFirst()
          let code = try #require(next)
          let start = ContinuousClock.now
          let answer = try PAMHost.login(user, code)
          let time = ContinuousClock.now - start
          expectIn(answer, saying: "offline logins remaining")
          #expect(time < .seconds(1), "login \(logins) of round \(round)")
          slowest = max(slowest, time)
          logins += 1
        }
        #expect(session.status() == 0)
        calls += Int(trimmed(session.said.components(separatedBy: "sent").last ?? "")) ?? 0
        sizes.append(try memory("VmRSS"))
        try waitForBus()
      }
      #expect(calls >= 20_000 * sizes.count && logins > sizes.count)
      let remaining = try #require(Int(try Factor.root.allowance(user)["remaining"] ?? ""))
      #expect(remaining == 100_000 - logins)
      // It does not grow from flood to flood.
      #expect(sizes.allSatisfy { $0 < 65_536 } && (sizes.last ?? 0) < sizes[0] + 16_384, "\(sizes)")
      let peak = try memory("VmHWM")
      #expect(peak < 98_304)
      let lines = try log.new.split(separator: "\n").filter { !$0.contains("\(user) passed") }
      #expect(lines.count < 100 + sizes.count * seconds, "\(lines.suffix(20))")
      try IntegrationTests.Strength.report(
        "Flood", tried: "one user, 200 connections, all methods, \(kind.rawValue)", times: "\(calls) calls",
        outcome: "\(logins) logins of others all passed, slowest \(slowest.formatted(.units(allowed: [.milliseconds])))"
          + "; peak \(peak / 1024) MB, \(lines.count) lines in the log")
    }
  }
}
