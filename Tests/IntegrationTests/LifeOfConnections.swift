import BusClient
import Foundation
import Glibc
import Testing

extension IntegrationTests {
  @Suite("The service's end and the connections of root that are open then")
  struct LifeOfConnections {
    let user: String
    let phone: Phone

    init() throws {
      try Machine.reset("[Service]\nidle-exit=1\n")
      try PAMHost.install()
      user = try Machine.newUser()
      phone = try Phone.activated(user)
    }

    private func running() throws -> Int32 { try #require(try Machine.servicePID()) }

    @Test("who is connected without a call under way does not keep it alive, and a login at its prompt goes on")
    func idlePeers() throws {
      try Machine.configure("[Service]\nidle-exit=3\n")
      let code = try phone.nextCode()
      let peer = try BusPeer(at: BusPeer.service)
      #expect(try peer.error(of: .about(user, "RemainingAllowance")) == nil)
      let dialogue = try PromptDialogue(["pamtester", PAMHost.login, user, "authenticate"])
      dialogue.answer(Machine.password)
      try dialogue.wait(for: "Offline passcode")
      let pid = try running()
      try waitUntil("the idle service has ended") { kill(pid, 0) != 0 }
      try peer.waitForTheEnd()
      #expect(try Machine.servicePID() == nil)
      dialogue.answer(code)
      expectIn(try dialogue.finish(), saying: "9 offline logins remaining.")
    }

    @Test("without a setting it is 30 seconds after the last answer")
    func thirtySeconds() throws {
      try Machine.configure("")
      try Machine.stopService()
      let service = try PromptDialogue(["/usr/libexec/offline-accessd"], environment: Clock.environment(uptime: true))
      try service.wait(for: "answers")
      expectYes(try Factor.root.allowance(user))
      let last = try Clock.offset
      // Its clock is moved, and a new connection lets it look at it; no call is made, which would begin the time anew.
      try Clock.set(last + 25)
      for _ in 1...3 { try BusPeer(at: BusPeer.service).close() }
      #expect(try running() == service.pid)
      expectYes(try Factor.root.allowance(user))
      try Clock.set(last + 25 + 25)
      for _ in 1...3 { try BusPeer(at: BusPeer.service).close() }
      #expect(try running() == service.pid)
      try Clock.set(last + 25 + 31)
      try waitUntil("it ends") {
        if FileManager.default.fileExists(atPath: BusPeer.service) { _ = try? BusPeer(at: BusPeer.service) }
        return try Machine.servicePID() == nil
      }
      #expect(try service.finish().status == 0)
    }

    @Test("calls on an open connection at the very moment of the idle end are answered")
    func callsAtIdleEnd() throws {
      let client = FactorClient(try BusConnection())
      var pids: Set<Int32> = []
      for early in [20, 12, 8, 6, 5, 4, 3, 2, 1, 0, -1, -2] {
        // One that is about to end still answers, but has no name any more.
        if let pid = try Machine.servicePID() { pids.insert(pid) }
        _ = try client.remainingAllowance(user)
        let end = Date().addingTimeInterval(1 - Double(early) / 1000)
        try waitUntil("the idle time is nearly over") { Date() > end }
        for _ in 1...50 { _ = try client.remainingAllowance(user) }
      }
      #expect(pids.count > 1)
    }

    @Test("a code that meets SIGTERM is a yes, drawn once, whichever process takes it", arguments: 1...8)
    func codeAtTheEnd(round: Int) throws {
      try Machine.configure("")
      let code = try phone.nextCode()
      let dialogue = try PromptDialogue([HelperProgram.path, user])
      try dialogue.wait(for: "Offline passcode")
      let pid = try running()
      // Held still, it finds the signal and the call together.
      kill(pid, SIGSTOP)
      defer { kill(pid, SIGCONT) }
      try waitUntil("all its threads stand still") {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task").allSatisfy {
          // One that ends meanwhile runs no more either.
          (try? String(contentsOfFile: "/proc/\(pid)/task/\($0)/stat", encoding: .utf8))?.contains(") T ") ?? true
        }
      }
      kill(pid, SIGTERM)
      dialogue.answer(code)
      try waitUntil("the call is on its way") {
        // Netid, State, Recv-Q
        try run("ss", "--unix", "--no-header", "src", BusPeer.service).expectSuccess().output.split(separator: "\n")
          .map { $0.split(separator: " ") }.contains { $0[1] == "ESTAB" && $0[2] != "0" }
      }
      kill(pid, SIGCONT)
      expectIn(try dialogue.finish(), saying: "9 offline logins remaining.", "SUCCESS")
      expectRefused(try Factor.root.authenticate(user, code), "ResponseReplayed")
    }
  }
}
