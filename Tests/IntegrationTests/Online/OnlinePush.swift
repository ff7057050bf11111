import Foundation
import Testing

extension IntegrationTests.OnlineFactor {
  @Suite("A request on the phone, as callers of the bus see it")
  struct OnlinePush {
    private static let approve = "Approve the request on your phone"
    private let user: OnlineUser

    init() throws {
      try OnlineService.reset("push=yes")
      user = try OnlineUser(push: true)
    }

    private func allowance(_ key: String) throws -> String? { try Factor.root.allowance(user.name)[key] }

    /// A call that waits for the phone.
    private func begin(_ peer: BusPeer) throws -> UInt32 {
      let call = try peer.send(.authenticate(user.name, ""))
      try peer.waitForProgress("online-waiting", saying: Self.approve)
      return call
    }

    @Test("what is waited for is told before the answer, which is the phone's")
    func told() throws {
      let peer = try BusPeer(as: user.name)
      let call = try begin(peer)
      try user.answerPush()
      let answer = try peer.answer(to: call)
      #expect(answer.error == nil && answer.holds("online") && answer.holds("activate"))
      #expect(try allowance("last-online") != nil)
      try waitUntil("the process has ended") { try OnlineService.talks().isEmpty }
    }

    @Test("a code leaves the wait: the first call ends without a verdict, the second one decides")
    func left() throws {
      try PrivacyIDEAServer.tell("hotp \(user.name) \(PrivacyIDEAServer.secret) 4711")
      let peer = try BusPeer()
      for (code, error) in [("4711000000", "OnlineDenied"), ("4711" + PrivacyIDEAServer.codes[0], nil)] {
        let waiting = try peer.send(.authenticate(user.name, ""))
        // Each of the two has to be told of.
        while peer.signals.count(where: { $0.holds(Self.approve) }) < (error == nil ? 2 : 1) {
          try peer.waitForSignal()
        }
        let code = try peer.send(.authenticate(user.name, code))
        #expect(try peer.answer(to: waiting).error == "Canceled")
        #expect(try peer.answer(to: code).error == error)
        #expect(try allowance("state") == "not-activated")
      }
    }

    @Test("who declines is denied at once, and suspended")
    func declined() throws {
      let peer = try BusPeer()
      let call = try begin(peer)
      try user.answerPush("decline")
      #expect(try peer.answer(to: call).error == "OnlineDenied")
      #expect(try allowance("state") == "suspended")
    }

    @Test("left alone it asks for more patience, and one user cannot wait more than twice at once")
    func waiting() throws {
      let (other, peer) = (try BusPeer(as: user.name), try BusPeer(as: user.name))
      _ = try begin(other)
      let first = try begin(peer)
      #expect(try BusPeer(as: user.name).error(of: .authenticate(user.name, "")) == "Busy")
      // The same connection, too, asks once at a time.
      #expect(try peer.error(of: .authenticate(user.name, "")) == "Busy")
      #expect(try peer.answer(to: first).error == "ResponseRequired")
      try peer.waitForProgress(
        "online-waiting", saying: "Approve on your phone, then press Enter; or type a passcode: ")
      #expect(try allowance("last-online") == nil)
      other.close()
      let again = try peer.send(.authenticate(user.name, ""))
      try user.answerPush()
      #expect(try peer.answer(to: again).error == nil)
      try waitUntil("the process has ended") { try OnlineService.talks().isEmpty }
    }

    @Test("one user's talks have a limit, behind root as well; prompts that nobody answers keep nobody out")
    func crowd() throws {
      let ask = BusCall.authenticate(user.name, "")
      let peers = try (1...8).map { _ in try BusPeer() }
      for peer in peers { _ = try begin(peer) }
      #expect(try BusPeer().error(of: ask) == "Busy")
      try OnlineUser().approve()
      peers[0].close()
      try waitUntil("there is room again") { try OnlineService.talks().count == 7 }
      _ = try begin(try BusPeer())

      // Not asked for without a code, which the server would count.
      try Machine.configure(try OnlineService.configuration())
      let patient = try OnlineUser()
      let (first, asks) = (try BusPeer(), BusCall.authenticate(patient.name, ""))
      #expect(try first.error(of: asks) == "ResponseRequired")
      let others = try (1...8).map { _ in try BusPeer() }
      for peer in others { #expect(try peer.error(of: asks) == "ResponseRequired") }
      // The oldest has given way, and loses nothing by it.
      #expect(try first.error(of: .authenticate(patient.name, patient.code())) == nil)
    }

    @Test("two callers have a request each, and the answer to one is none to the other")
    func twoCallers() throws {
      let (first, second) = (try BusPeer(), try BusPeer(as: user.name))
      let older = try begin(first)
      let newer = try begin(second)
      try user.answerPush()
      #expect(try second.answer(to: newer).error == nil)
      try user.answerPush("decline")
      #expect(try first.answer(to: older).error == "OnlineDenied")
    }

    @Test("a caller who is gone gets nothing, and what the phone says then is worth nothing to the next one")
    func gone() throws {
      let peer = try BusPeer()
      _ = try begin(peer)
      #expect(try OnlineService.talks().count == 1)
      peer.close()
      try waitUntil("the process has ended") { try OnlineService.talks().isEmpty }
      try user.answerPush()
      #expect(try allowance("last-online") == nil)
      expectRefused(try Factor.root.activate(user.name), "OnlineProofRequired")
      let next = try BusPeer()
      let call = try begin(next)
      try user.answerPush("decline")
      #expect(try next.answer(to: call).error == "OnlineDenied")
    }

    @Test("a no that comes while polkit asks the administrator is not undone by the renewal")
    func deniedMeanwhile() throws {
      try Machine.pamService("polkit-1", "auth required pam_unix.so nodelay", "account required pam_unix.so")
      defer { try? FileManager.default.removeItem(atPath: "/etc/pam.d/polkit-1") }
      let peer = try BusPeer()
      let approved = try begin(peer)
      try user.answerPush()
      #expect(try peer.answer(to: approved).error == nil)
      _ = try Phone.activated(user.name)
      let again = try begin(peer)
      try user.answerPush()
      #expect(try peer.answer(to: again).error == nil)
      let dialogue = try PAMHost.atTerminal("offline-access renew", as: user.name)
      try dialogue.wait(for: "Password: ")
      let denied = try begin(peer)
      try user.answerPush("decline")
      #expect(try peer.answer(to: denied).error == "OnlineDenied")
      try dialogue.answerHidden("password-admin")
      try dialogue.wait(for: "Authenticate online first.")
      #expect(try dialogue.finish().status != 0)
      #expect(try allowance("state") == "suspended")
    }

    @Test("who comes and goes has no more talks at once than who stays")
    func comesAndGoes() throws {
      try Machine.configure(try OnlineService.configuration(port: try FaultServer.start("full"), "timeout=8"))
      for count in 1...2 {
        let peer = try BusPeer(as: user.name)
        _ = try peer.send(.authenticate(user.name, ""))
        try waitUntil("the server is asked") { try OnlineService.talks().count == count }
        peer.close()
      }
      let peer = try BusPeer(as: user.name)
      #expect(try peer.error(of: .authenticate(user.name, "")) == "Busy")
      try waitUntil("the processes have ended") { try OnlineService.talks().isEmpty }
      #expect(try peer.error(of: .authenticate(user.name, "")) == "NotActivated")
    }

    @Test("the process that waits is killed, or the service told to end: no yes, and nothing is left behind")
    func killed() throws {
      for open in [false, true] {
        if open { try Machine.configure(try OnlineService.configuration("push=yes", other: "[Failure]\nmode=open\n")) }
        let peer = try BusPeer()
        let call = try begin(peer)
        let pid = try #require(try Machine.servicePID())
        kill(pid, SIGTERM)
        #expect(try peer.answer(to: call).error == "OnlineDenied")
        try waitUntil("the service has ended") { kill(pid, 0) != 0 }
        try waitUntil("the process has ended") { try OnlineService.talks().isEmpty }
      }
      try Machine.configure(try OnlineService.configuration("push=yes"))
      let peer = try BusPeer()
      let call = try begin(peer)
      for pid in try OnlineService.talks() { kill(pid, SIGKILL) }
      #expect(try peer.answer(to: call).error == "NotActivated")
      #expect(try allowance("last-online") == nil)
    }

    @Test("whose phone nobody answers is not let in, nor asked for the offline factor, when the time is over")
    func timeOver() throws {
      try Machine.configure(try OnlineService.configuration("push=yes", other: "[Failure]\nmode=open\n"))
      // The clocks that nobody can set are moved along, for one service that is started by hand.
      try Machine.stopService()
      let service = try PromptDialogue(
        ["/usr/libexec/offline-accessd"], environment: try Clock.environment(uptime: true))
      try service.wait(for: "answers")
      let peer = try BusPeer()
      let polls = try PrivacyIDEAServer.tell("polls")
      let call = try begin(peer)
      // The service says that it waits before it does; its waits are to be reckoned by the clock of before.
      try waitUntil("the phone is waited for") { try PrivacyIDEAServer.tell("polls") != polls }
      try Clock.advance(121)
      _ = try allowance("state")
      #expect(try peer.answer(to: call).error == "OnlineDenied")
      #expect(try allowance("state") == "not-activated")
      kill(service.pid, SIGTERM)
      #expect(try service.finish().status == 0)
    }
  }
}
