import Foundation
import Glibc
import Testing

extension IntegrationTests.OnlineFactor {
  @Suite("The process between the service and the authority")
  final class OnlineProcesses {
    private let user: OnlineUser
    private let phone: Phone

    init() throws {
      try OnlineService.reset()
      user = try OnlineUser()
      phone = try user.activate()
      try Machine.configure(try OnlineService.configuration("timeout=5", other: "[Failure]\nmode=open\n"))
      try run("cp", "-p", OnlineService.program, "/run/online.saved").expectSuccess()
    }

    deinit { _ = try? run("mv", "/run/online.saved", OnlineService.program) }

    /// Puts a program in the process's place.
    private func replace(by script: String) throws {
      try run("rm", "-f", OnlineService.program).expectSuccess()
      try Machine.write("#!/bin/sh\n\(script)\n", to: OnlineService.program, mode: 0o755)
    }

    @Test("one that ends, babbles, is silent or dies is an outage, and never a yes")
    func broken() throws {
      var left = 10
      for (script, reason) in [
        ("exit 0", "ended"), ("exit 1", "ended"), ("kill -9 $$", "ended"), ("echo yes", "malformed"),
        ("head -c 100000 /dev/urandom", "malformed"), ("head -c 1000000 /dev/zero", "malformed"), ("cat", "malformed"),
        ("exec sleep 30", "timeout"),
      ] {
        // Its standard input is the socket.
        try replace(by: "exec 1>&0\n" + script)
        if reason == "timeout" {
          try Machine.configure(try OnlineService.configuration("timeout=1", other: "[Failure]\nmode=open\n"))
        }
        expectRefused(try Factor.root.authenticate(user.name, ""), "ResponseRequired")
        expectRefused(try Factor.root.authenticate(user.name, "000000"), "BadResponse")
        let outcome = expectYes(try Factor.root.authenticate(user.name, phone.nextCode()))
        left -= 1
        #expect(outcome["via"] == "offline" && outcome["remaining"] == String(left))
        // Whoever does not read is written to in vain.
        #expect([reason, "ended"].contains(outcome["offline-reason"]), "\(script)")
      }
    }

    @Test("one that is not there or cannot be run is the administrator's fault, and closes")
    func missing() throws {
      try run("chmod", "-x", OnlineService.program).expectSuccess()
      expectRefused(try Factor.root.authenticate(user.name, phone.nextCode()), "Failed")
      try run("rm", OnlineService.program).expectSuccess()
      expectRefused(try Factor.root.authenticate(user.name, phone.nextCode()), "Failed")
      expectRefused(try Factor.root.authenticate(try OnlineService.newUser(), ""), "Failed")
    }

    @Test("one of yesterday's, whose answer counts for another request, is not believed")
    func recorded() throws {
      // A real answer, taken down on its way and given again.
      try run("cp", "-p", "/run/online.saved", "/run/online.saved-copy").expectSuccess()
      try Machine.write(
        """
        #!/usr/bin/python3
        import subprocess, sys, socket, threading
        outer = socket.socket(fileno=0)
        inner, other = socket.socketpair()
        program = subprocess.Popen(["/run/online.saved-copy"], stdin=other)
        other.close()
        def back():
            with open("/run/online.told", "wb") as file:
                while data := inner.recv(65536):
                    file.write(data)
                    file.flush()
                    outer.sendall(data)
            outer.shutdown(socket.SHUT_RDWR)
        thread = threading.Thread(target=back)
        thread.start()
        while data := outer.recv(65536):
            inner.sendall(data)
        inner.shutdown(socket.SHUT_WR)
        thread.join()
        """, to: OnlineService.program, mode: 0o755)
      try Machine.configure(try OnlineService.configuration())
      try user.approve()
      try replace(by: "exec 1>&0\ncat /run/online.told\nexec sleep 5")
      try Machine.configure(try OnlineService.configuration("timeout=1"))
      expectRefused(try Factor.root.authenticate(user.name, "000000"), "BadResponse")
      let outcome = expectYes(try Factor.root.authenticate(user.name, phone.nextCode()))
      #expect(outcome["via"] == "offline" && outcome["offline-reason"] == "malformed")
    }

    @Test("where systemd listens for it, the service asks there and starts none itself")
    func listener() throws {
      let socket = "/run/offline-access-online.socket"
      let systemd = try PromptDialogue([
        "systemd-socket-activate", "--accept", "--inetd", "--listen=\(socket)", OnlineService.program,
      ])
      defer { unlink(socket) }
      try systemd.wait(for: "Listening on")
      let pusher = try OnlineUser(push: true)
      try Machine.configure(try OnlineService.configuration("push=yes"))
      let peer = try BusPeer()
      let call = try peer.send(.authenticate(pusher.name, ""))
      try peer.waitForProgress("online-waiting", saying: "Approve the request on your phone")
      let talks = try OnlineService.talks()
      #expect(talks.count == 1)
      for pid in talks {
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        #expect(status.contains("PPid:\t\(systemd.pid)\n"))
      }
      try pusher.answerPush()
      #expect(try peer.answer(to: call).error == nil)
      try waitUntil("the process has ended") { try OnlineService.talks().isEmpty }
      // Nobody behind the socket any more.
      kill(systemd.pid, SIGKILL)
      _ = try systemd.finish()
      expectRefused(try Factor.root.authenticate(user.name, user.code()), "Failed")
    }
  }
}
