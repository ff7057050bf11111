import Foundation
import Testing

extension IntegrationTests.OnlineFactor {
  @Suite("What an approval allows, to whom and how long")
  struct OnlineGrant {
    private let user: OnlineUser

    init() throws {
      try OnlineService.reset()
      user = try OnlineUser()
    }

    @Test("one set-up, by root or the user and nobody else, and none without it")
    func once() throws {
      let own = Factor(user: user.name)
      for caller in [Factor.root, own, Factor(user: "mallory")] {
        expectRefused(try caller.activate(user.name), "OnlineProofRequired")
      }
      #expect(try user.approve()["offer"] == "activate")
      #expect(try Factor.root.allowance(user.name)["offer"] == "activate")
      expectRefused(try Factor(user: "mallory").activate(user.name), "InteractiveAuthorizationRequired")
      expectRefused(try Factor.root.activate("mallory"), "OnlineProofRequired")
      // A second one takes the first one's place, while none is confirmed.
      let older = expectYes(try Factor.root.activate(user.name))
      let challenge = expectYes(try own.activate(""))
      expectRefused(try Factor.root.confirm(older.path, "000000"), "NoSuchActivation")
      let phone = try Phone(uri: try #require(challenge["uri"]))
      expectYes(try own.confirm(challenge.path, phone.code()))
      expectRefused(try Factor.root.activate(user.name), "OnlineProofRequired")
      expectRefused(try own.reactivate(""), "OnlineProofRequired")
      expectYes(try Factor.root.deactivate(user.name))
      for caller in [Factor.root, own] { expectRefused(try caller.activate(user.name), "OnlineProofRequired") }
    }

    @Test("a replacement of the phone, whose yes opens nothing here and which is dead afterwards")
    func replacement() throws {
      let old = try user.activate()
      let own = Factor(user: user.name)
      // As a user without an authority does it.
      expectRefused(try own.reactivate("", "passcode", ["response": old.nextCode()]), "OnlineProofRequired")
      expectRefused(try Factor.root.reactivate(user.name), "OnlineProofRequired")
      try user.approve()
      let challenge = expectYes(try own.reactivate(""))
      let phone = try Phone(uri: try #require(challenge["uri"]))
      expectYes(try own.confirm(challenge.path, phone.code()))
      expectRefused(try own.reactivate(""), "OnlineProofRequired")
      try Machine.configure(try OnlineService.configuration(port: 9))
      let code = try old.nextCode()
      expectRefused(try Factor.root.authenticate(user.name, code), "BadResponse")
      #expect(try expectYes(Factor.root.authenticate(user.name, phone.code()))["via"] == "offline")
      // What the offline factor says is no approval.
      for caller in [Factor.root, own] { expectRefused(try caller.reactivate(user.name), "OnlineProofRequired") }
      expectRefused(try Factor.root.renew(user.name), "OnlineProofRequired")
    }

    @Test("nothing once the service has died")
    func killed() throws {
      try user.approve()
      try Machine.stopService(signal: SIGKILL)
      expectRefused(try Factor.root.activate(user.name), "OnlineProofRequired")
      #expect(try Factor.root.allowance(user.name)["offer"] == "")
      let phone = try user.activate()
      try user.approve()
      try Machine.stopService(signal: SIGKILL)
      expectRefused(try Factor.root.reactivate(user.name), "OnlineProofRequired")
      try Machine.configure(try OnlineService.configuration(port: 9))
      #expect(try expectYes(Factor.root.authenticate(user.name, phone.nextCode()))["remaining"] == "9")
    }

    @Test("nothing once the server has refused the user, nor what was begun before")
    func refused() throws {
      try user.approve()
      let challenge = expectYes(try Factor.root.activate(user.name))
      let phone = try Phone(uri: try #require(challenge["uri"]))
      try PrivacyIDEAServer.tell("disable \(user.token)")
      expectRefused(try Factor.root.authenticate(user.name, user.code()), "OnlineDenied")
      expectRefused(try Factor.root.confirm(challenge.path, phone.code()), "NoSuchActivation")
      expectRefused(try Factor.root.activate(user.name), "OnlineProofRequired")
      #expect(try Factor.root.allowance(user.name)["state"] == "suspended")
      try PrivacyIDEAServer.tell("enable \(user.token)")
      #expect(try user.approve()["offer"] == "activate")
    }

    @Test("nothing that the administrator took back: a removed factor needs an approval of its own")
    func removed() throws {
      _ = try user.activate()
      try user.approve()
      expectYes(try Factor.root.deactivate(user.name))
      expectRefused(try Factor.root.activate(user.name), "OnlineProofRequired")
    }

    @Test("nothing after ten minutes")
    func expired() throws {
      // The clocks that nobody can set are moved along, for one service that is started by hand.
      try Machine.stopService()
      let service = try PromptDialogue(
        ["/usr/libexec/offline-accessd"], environment: try Clock.environment(uptime: true))
      try service.wait(for: "answers")
      try user.approve()
      try Clock.advance(590)
      let challenge = expectYes(try Factor.root.activate(user.name))
      try Clock.advance(15)
      expectRefused(try Factor.root.activate(user.name), "OnlineProofRequired")
      #expect(try Factor.root.allowance(user.name)["offer"] == "")
      // Nor is what was begun in time confirmed afterwards.
      let phone = try Phone(uri: try #require(challenge["uri"]))
      expectRefused(try Factor.root.confirm(challenge.path, phone.code()), "NoSuchActivation")
      kill(service.pid, SIGTERM)
      #expect(try service.finish().status == 0)
    }
  }
}
