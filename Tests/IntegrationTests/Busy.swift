import Foundation
import Testing

extension IntegrationTests {
  /// polkitd is held still, so every question to it stays open, as with an agent that nobody answers.
  @Suite("Callers who ask for more than one may, or go away")
  final class Busy {
    private static let rule = "/etc/polkit-1/rules.d/00-offline-access-test.rules"
    private var held: Int32?

    init() throws { try Machine.reset() }

    deinit {
      if let held { kill(held, SIGCONT) }
      try? FileManager.default.removeItem(atPath: Self.rule)
    }

    private func holdPolkit() throws {
      let pid = try #require(Int32(trimmed(try run("pidof", "polkitd").output)))
      held = pid
      kill(pid, SIGSTOP)
    }

    private func releasePolkit() {
      if let held { kill(held, SIGCONT) }
      held = nil
    }

    /// Calls Renew on several connections, some times on each, and writes every answer on a line; ends
    /// with the last. Where the service shall know a connection's user, one other call goes first.
    private static let manyCalls = """
      import ctypes, os, sys, threading
      bus = ctypes.CDLL("libdbus-1.so.3")
      for name in ("bus_get_private", "message_new_method_call", "connection_pop_message"):
          getattr(bus, "dbus_" + name).restype = ctypes.c_void_p
      bus.dbus_message_get_error_name.restype = ctypes.c_char_p
      bus.dbus_threads_init_default()
      def send(connection, member):
          message = ctypes.c_void_p(bus.dbus_message_new_method_call(
              b"org.offlineaccess.Factor1", b"/org/offlineaccess/Factor1", b"org.offlineaccess.Factor1", member))
          user = ctypes.c_char_p(b"")
          bus.dbus_message_append_args(message, ctypes.c_int(ord("s")), ctypes.byref(user), ctypes.c_int(0))
          bus.dbus_message_set_allow_interactive_authorization(message, 1)
          bus.dbus_connection_send(connection, message, None)
          bus.dbus_connection_flush(connection)
      def answer(connection, what):
          while True:
              message = ctypes.c_void_p(bus.dbus_connection_pop_message(connection))
              if not message:
                  if not bus.dbus_connection_read_write(connection, -1): os._exit(1)
              elif bus.dbus_message_get_type(message) in (2, 3):
                  name = (bus.dbus_message_get_error_name(message) or b"return").decode()
                  return os.write(1, (what + " " + name.split(".")[-1] + "\\n").encode())
      connections, calls, known = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "known"
      together = threading.Barrier(connections)
      def work(connection):
          if known:
              send(connection, b"RemainingAllowance")
              answer(connection, "first")
              together.wait()
          for _ in range(calls): send(connection, b"Renew")
          for _ in range(calls): answer(connection, "renew")
      opened = [ctypes.c_void_p(bus.dbus_bus_get_private(1, None)) for _ in range(connections)]
      threads = [threading.Thread(target=work, args=(connection,)) for connection in opened]
      for thread in threads: thread.start()
      for thread in threads: thread.join()
      """

    private func renewals(_ connections: Int, _ calls: Int, _ kind: String, as user: String) throws -> CommandSession {
      try Machine.write(Self.manyCalls, to: "/run/many-calls.py")
      return try CommandSession("/usr/bin/python3", "/run/many-calls.py", "\(connections)", "\(calls)", kind, as: user)
    }

    private func count(_ line: String, in session: CommandSession) -> Int {
      session.said.split(separator: "\n").count { $0 == line }
    }

    @Test("more than 64 waiting calls of one user are Busy; root still gets in for others, and all end")
    func busy() throws {
      let (user, other) = (try Machine.newUser(), try Machine.newUser())
      let (phone, otherPhone) = (try Phone.activated(user), try Phone.activated(other))
      try holdPolkit()
      let session = try renewals(1, 70, "known", as: user)
      try waitUntil("six calls are refused") { count("renew Busy", in: session) >= 6 }
      #expect(session.said.hasPrefix("first return\n"))
      // Others do not feel it.
      expectYes(try Factor.root.authenticate(other, otherPhone.nextCode()))
      expectYes(try Factor.root.authenticate(user, phone.code()))
      expectYes(try Factor(user: other).allowance(""))
      #expect(count("renew Busy", in: session) == 6)
      #expect(session.process.isRunning)
      releasePolkit()
      #expect(session.status() == 0)
      #expect(count("renew InteractiveAuthorizationRequired", in: session) == 64, "\(session.said)")
      // And it is over for this user, too.
      expectRefused(try Factor(user: user).renew(""), "InteractiveAuthorizationRequired")
      #expect(try Factor.root.allowance(user)["remaining"] == "9")
    }

    @Test(
      "one user's calls on many connections are bounded all the same, and others feel nothing",
      arguments: [(10, 7, "known"), (70, 1, "known"), (100, 1, "fresh")])
    func manyConnections(connections: Int, calls: Int, kind: String) throws {
      let (user, other) = (try Machine.newUser(), try Machine.newUser())
      let (_, otherPhone) = (try Phone.activated(user), try Phone.activated(other))
      // So that the bus need not start the service under the flood.
      expectYes(try Factor(user: user).allowance(""))
      try holdPolkit()
      let session = try renewals(connections, calls, kind, as: user)
      let refused = connections * calls - 64
      try waitUntil("the rest is refused") { session.said.components(separatedBy: "renew").count > refused }
      #expect(count("renew Busy", in: session) == refused, "\(session.said)")
      expectYes(try Factor.root.authenticate(other, otherPhone.nextCode()))
      // Another user's question still finds its way to polkit, where it waits for an answer.
      let question = try renewals(1, 1, "fresh", as: other)
      try waitUntil("it is asked") { try openConnections(of: other) > 0 }
      #expect(question.said.isEmpty, "\(question.said)")
      releasePolkit()
      #expect(question.status() == 0)
      #expect(question.said == "renew InteractiveAuthorizationRequired\n")
      #expect(session.status() == 0, "\(session.said)")
      #expect(count("renew InteractiveAuthorizationRequired", in: session) == 64)
    }

    @Test("more questions waiting at polkit than the bus lets one connection ask keep nobody else out")
    func manyQuestions() throws {
      let other = try Machine.newUser()
      let phone = try Phone.activated(other)
      try holdPolkit()
      // The bus lets a connection have 128 calls open to others than the bus itself.
      let sessions = try (0..<3).map { _ in try renewals(1, 70, "known", as: Machine.newUser()) }
      for session in sessions {
        // The bus answers what goes beyond its own bound, at once; a session that met it may never be Busy.
        try waitUntil("what is not asked is answered") { session.said.split(separator: "\n").count >= 6 }
      }
      expectYes(try Factor.root.authenticate(other, phone.nextCode()))
      expectYes(try Factor(user: other).allowance(""))
      releasePolkit()
      for session in sessions { #expect(session.status() == 0) }
    }

    @Test("a caller who vanishes while polkit is asked changes nothing, even where polkit says yes later")
    func vanished() throws {
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
      try allow(user)
      // The rule does let Renew pass; so what is missing below is the caller.
      #expect(try Factor(user: user).renew("")["remaining"] == "10")
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
      let pid = try Machine.servicePID()
      try holdPolkit()
      let log = try ServiceLog()
      for _ in 1...3 {
        let session = try CommandSession(
          "busctl", "--timeout=60", "--allow-interactive-authorization=true", "call", "org.offlineaccess.Factor1",
          "/org/offlineaccess/Factor1", "org.offlineaccess.Factor1", "Renew", "s", user, as: user)
        try waitUntil("its call is under way") { try openConnections(of: user) > 0 }
        try run("sh", "-c", "kill -9 $(pgrep -u \(user) -x busctl)").expectSuccess()
        _ = session.status()
        try waitUntil("it is gone") { try openConnections(of: user) == 0 }
      }
      releasePolkit()
      expectRefused(try Factor(user: "mallory").renew(""), "InteractiveAuthorizationRequired")
      #expect(try Factor.root.allowance(user)["remaining"] == "9")
      #expect(try !log.new.contains("the allowance of \(user) was renewed"))
      #expect(try pid != nil && Machine.servicePID() == pid)
      #expect(try Factor(user: user).renew("")["remaining"] == "10")
    }

    @Test("an agent's dialog goes away with its caller")
    func dialog() throws {
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
      let session = try CommandSession(
        "script", "-qefc", "runuser -u \(user) -- offline-access renew", "/dev/null", environment: ["TERM": "xterm"])
      try session.waitFor("AUTHENTICATING FOR org.offlineaccess.Factor1.manage")
      try run("sh", "-c", "kill -9 $(pgrep -u \(user) -x offline-access)").expectSuccess()
      #expect(session.status() != 0)
      try waitUntil("no connection is left") { try openConnections(of: user) == 0 }
      #expect(try Factor.root.allowance(user)["remaining"] == "9")
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
    }

    /// Lets polkit say yes to one user.
    private func allow(_ user: String) throws {
      try Machine.write(
        "polkit.addRule(function(action, subject) { if (subject.user == \"\(user)\") return polkit.Result.YES; });\n",
        to: Self.rule)
      // polkitd reads its rules again by itself, a moment after.
      try waitUntil("polkit knows the rule") { try Factor(user: user).renew("").error == nil }
    }

    /// Connections of a user to the bus.
    private func openConnections(of user: String) throws -> Int {
      let list = try run("busctl", "list", "--unique", "--no-legend", "--json=short").expectSuccess().output
      let all = try #require(try JSONSerialization.jsonObject(with: Data(list.utf8)) as? [[String: Any]])
      return all.count { $0["user"] as? String == user }
    }
  }
}
