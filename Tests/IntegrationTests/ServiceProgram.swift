import Foundation
import Glibc
import Testing

extension IntegrationTests {
  @Suite("The service's program, started by hand")
  struct ServiceProgram {
    private static let program = "/usr/libexec/offline-accessd"

    init() throws { try Machine.reset() }

    @Test("what it makes is private, whatever its starter's umask is")
    func umask() throws {
      expectYes(try Factor.root.allowance("alice"))
      let pid = try #require(try Machine.servicePID())
      let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
      #expect(status.contains("Umask:\t0077\n"))
      #expect(status.contains("Uid:\t0\t0\t0\t0\n"))
    }

    @Test("it takes no argument but --version")
    func arguments() throws {
      for arguments in [["--frobnicate"], ["--version", "--version"], ["alice"], [""]] {
        let answer = try run([Self.program] + arguments)
        #expect(answer.status == 64)
        #expect(answer.output == "")
        #expect(answer.errors.contains("takes no arguments"))
      }
      #expect(try run(Self.program, "--version").expectSuccess().output.hasPrefix("offline-accessd "))
      #expect(try Machine.servicePID() == nil)
    }

    @Test("when the bus goes away it ends with status 1, and nothing is lost")
    func busGone() throws {
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      let code = try phone.nextCode()
      expectYes(try Factor.root.authenticate(user, code))
      try Machine.stopService()
      // Another bus for it alone, at the same place in a mount namespace of its own.
      let folder = "/run/other-bus"
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      let bus = try PromptDialogue([
        "dbus-daemon", "--system", "--nofork", "--nopidfile", "--nosyslog", "--print-address",
        "--address=unix:path=\(folder)/system_bus_socket",
      ])
      try bus.wait(for: "unix:path=")
      let service = try PromptDialogue([
        "unshare", "--mount", "sh", "-c", "mount --bind \(folder) /run/dbus && exec \(Self.program)",
      ])
      try service.wait(for: "answers")
      kill(bus.pid, SIGKILL)
      let ending = try service.finish()
      #expect(ending.status == 1)
      #expect(ending.text.contains("the bus went away"))
      #expect(try Factor.root.allowance(user)["remaining"] == "9")
      expectRefused(try Factor.root.authenticate(user, code), "ResponseReplayed")
    }

    @Test("calls that were there before SIGTERM are all answered before it ends, however many", arguments: 1...8)
    func queuedCalls(round: Int) throws {
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      try Machine.stopService()
      let code = try phone.nextCode()
      let service = try PromptDialogue([Self.program])
      try service.wait(for: "answers")
      let peers = try (0..<120).map { _ in try BusPeer() }
      for peer in peers { #expect(try peer.error(of: .about(user, "RemainingAllowance")) == nil) }
      // Held still, it finds all of them at once, and the signal too. Four of each: those that come too
      // late meet a new process, which does not know them yet.
      kill(service.pid, SIGSTOP)
      let serials = try peers.map { try $0.send(Array(repeating: .authenticate(user, code), count: 4)) }
      kill(service.pid, SIGTERM)
      kill(service.pid, SIGCONT)
      let errors = try zip(peers, serials).flatMap { peer, serials in try serials.map { try peer.answer(to: $0).error }
      }
      #expect(errors.count { $0 == nil } <= 1)
      #expect(
        Set(errors.compactMap { $0 }) == ["ResponseReplayed"],
        "\(errors.compactMap { $0 }.filter { $0 != "ResponseReplayed" }.prefix(3))")
      #expect(try service.finish().status == 0)
    }

    @Test("without a bus it ends with status 1 and says so")
    func noBus() throws {
      let answer = try run("unshare", "--mount", "sh", "-c", "mount -t tmpfs none /run/dbus && exec \(Self.program)")
      #expect(answer.status == 1)
      #expect(answer.errors.contains("the service cannot start"))
    }

    @Test("a crash leaves no core file, and the next call finds everything")
    func crash() throws {
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      let code = try phone.nextCode()
      expectYes(try Factor.root.authenticate(user, code))
      try Machine.stopService(signal: SIGSEGV)
      for folder in ["/", "/var/lib/offline-access", "/run/dbus"] {
        let files = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(!files.contains { $0.hasPrefix("core") })
      }
      #expect(try Factor.root.allowance(user)["remaining"] == "9")
      expectRefused(try Factor.root.authenticate(user, code), "ResponseReplayed")
    }
  }
}
