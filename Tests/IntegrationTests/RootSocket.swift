import Foundation
import Glibc
import Testing

extension IntegrationTests {
  @Suite("The service's own socket, for root past the bus")
  struct RootSocket {
    let user: String
    let phone: Phone

    init() throws {
      try Machine.reset("[Service]\nidle-exit=0\n")
      try PAMHost.install()
      user = try Machine.newUser()
      phone = try Phone.activated(user)
    }

    private func service() throws -> BusPeer { try BusPeer(at: BusPeer.service) }

    @Test("root is served there as on the bus, and one allowance is drawn on")
    func served() throws {
      let code = try phone.nextCode()
      let peer = try service()
      #expect(try peer.error(of: .authenticate(user, code)) == nil)
      #expect(try peer.error(of: .authenticate(user, code)) == "ResponseReplayed")
      expectRefused(try Factor.root.authenticate(user, code), "ResponseReplayed")
      #expect(try peer.error(of: .about(user, "Renew")) == nil)
      #expect(try peer.error(of: .authenticate("no-such-user", code)) == "NoSuchUser")
      #expect(try Factor.root.allowance(user)["remaining"] == "10")
    }

    @Test("64 connections with one code at once, half by the bus: one yes")
    func race() throws {
      let peers = try (0..<64).map { try $0.isMultiple(of: 2) ? BusPeer() : service() }
      let code = try phone.nextCode()
      let serials = try peers.map { try $0.send(.authenticate(user, code)) }
      let errors = try zip(peers, serials).map { try $0.answer(to: $1).error }
      #expect(errors.count { $0 == nil } == 1 && errors.count { $0 == "ResponseReplayed" } == 63, "\(errors)")
    }

    @Test("nobody but root gets there, be the folder open or not")
    func others() throws {
      #expect(try run("stat", "-c", "%a %U", "/run/offline-access").output == "700 root\n")
      // As an administrator's mistake would leave it; the kernel still says who connects.
      try run("chmod", "755", "/run/offline-access").expectSuccess()
      try run("chmod", "666", BusPeer.service).expectSuccess()
      defer { _ = try? run("chmod", "700", "/run/offline-access") }
      let attempt = """
        import socket
        one = socket.socket(socket.AF_UNIX)
        one.connect("\(BusPeer.service)")
        one.send(b"\\0AUTH EXTERNAL 30\\r\\n")
        answer = one.recv(100)
        if answer.startswith(b"REJECTED"):
            one.send(b"AUTH EXTERNAL " + b"2003".hex().encode() + b"\\r\\nBEGIN\\r\\n")
            answer = one.recv(100)
        print(answer)
        """
      // root says "OK" to the same words.
      #expect(try run("python3", "-c", attempt).output.hasPrefix("b'OK "))
      let answer = try run("python3", "-c", attempt, as: "mallory")
      #expect(!answer.output.contains("OK "), "\(answer)")
      #expect(try Factor.root.allowance(user)["remaining"] == "10")
    }

    @Test("a call that wants no answer, and one of a caller who is gone before it is looked at, consume nothing")
    func nobodyListens() throws {
      let code = try phone.nextCode()
      let peer = try service()
      try peer.send(.authenticate(user, code, flags: 1))
      #expect(try peer.error(of: .about(user, "RemainingAllowance")) == nil)
      let pid = try #require(try Machine.servicePID())
      kill(pid, SIGSTOP)
      defer { kill(pid, SIGCONT) }
      try peer.send(.authenticate(user, "000000", flags: 1))
      peer.close()
      kill(pid, SIGCONT)
      #expect(try Factor.root.allowance(user)["remaining"] == "10")
      expectYes(try Factor.root.authenticate(user, code))
    }

    @Test("what is left of a killed service leads nobody astray", arguments: [SIGKILL, SIGTERM])
    func stale(signal: Int32) throws {
      try Machine.stopService(signal: signal)
      #expect(FileManager.default.fileExists(atPath: BusPeer.service) == (signal == SIGKILL))
      expectIn(try PAMHost.login(user, phone.nextCode()), saying: "9 offline logins remaining.")
      #expect(FileManager.default.fileExists(atPath: BusPeer.service))
    }

    @Test("a login that waits for its code outlives the service", arguments: [SIGKILL, SIGTERM])
    func restarted(signal: Int32) throws {
      let dialogue = try PromptDialogue([HelperProgram.path, user])
      try dialogue.wait(for: "Offline passcode")
      try Machine.stopService(signal: signal)
      dialogue.answer(try phone.nextCode())
      expectIn(try dialogue.finish(), saying: "9 offline logins remaining.", "SUCCESS")
    }

    @Test("a second process does not take the socket away")
    func second() throws {
      let process = try PromptDialogue(["/usr/libexec/offline-accessd"])
      let ending = try process.finish()
      #expect(ending.status == 1)
      #expect(ending.text.contains("another process listens") && ending.text.contains("another process has the name"))
      #expect(try service().error(of: .about(user, "RemainingAllowance")) == nil)
    }

    @Test("a folder that others can reach is not used: root is served on the bus, and the log says so")
    func unsafeFolder() throws {
      try Machine.stopService()
      try run("chmod", "755", "/run/offline-access").expectSuccess()
      defer { _ = try? run("chmod", "700", "/run/offline-access") }
      let log = try ServiceLog()
      expectIn(try PAMHost.login(user, phone.nextCode()), saying: "9 offline logins remaining.")
      #expect(!FileManager.default.fileExists(atPath: BusPeer.service))
      try log.expect("/run/offline-access is not a folder for root alone")
    }
  }
}
