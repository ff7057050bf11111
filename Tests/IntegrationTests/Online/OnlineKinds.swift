import Foundation
import Testing

extension IntegrationTests.OnlineFactor {
  @Suite("Duo's stand-in and RADIUS as the authority of the service")
  struct OnlineKinds {
    init() throws { try Machine.reset() }

    /// Expects that `user` goes offline once set up and the authority away.
    private func expectOffline(_ user: String, _ phone: Phone, _ reason: String) throws {
      let outcome = expectYes(try Factor.root.authenticate(user, phone.nextCode()))
      #expect(outcome["via"] == "offline" && outcome["offline-reason"] == reason && outcome["remaining"] == "9")
    }

    @Test("Duo: a passcode and a push are approved, a no suspends, a bypass is refused, and its absence is an outage")
    func duo() throws {
      let server = try OnlineHelper("duo_stand_in.py", OnlinePKI.server())
      let user = try Machine.newUser()
      // What the stand-in does is chosen by the name.
      let configuration = { (prefix: String) in try OnlineService.duo(port: server.greeting, "user=\(prefix)-%u") }
      try Machine.configure(try configuration("code"))
      expectRefused(try Factor.root.authenticate(user, "000000"), "OnlineDenied")
      #expect(try expectYes(Factor.root.authenticate(user, "123456"))["offer"] == "activate")
      let phone = try Phone.activated(user)

      try Machine.configure(try configuration("push"))
      for (answer, error) in [("allow", nil), ("timeout", "OnlineDenied"), ("deny", "OnlineDenied")]
        as [(String, String?)]
      {
        try server.tell("phone push-\(user)")
        let peer = try BusPeer()
        let call = try peer.send(.authenticate(user, ""))
        try peer.waitForProgress("online-waiting", saying: "Approve the request on your phone")
        try server.tell("phone push-\(user) \(answer)")
        #expect(try peer.answer(to: call).error == error)
        #expect(try Factor.root.allowance(user)["state"] == (answer == "deny" ? "suspended" : "ready"))
      }
      #expect(try server.tell("shown") == "Machine=box&Purpose=login")
      try Machine.configure(try configuration("allow"))
      expectRefused(try Factor.root.authenticate(user, ""), "OnlineDenied")
      try Machine.configure(try configuration("code"))
      try server.tell("clock 86400")
      #expect(try expectYes(Factor.root.authenticate(user, "123456"))["via"] == "online")
      try server.tell("clock 0")
      try server.tell("fail 40103 1")
      expectRefused(try Factor.root.authenticate(user, "123456"), "Failed")
      try Machine.configure(try OnlineService.duo(port: "9", "timeout=2"))
      try expectOffline(user, phone, "refused-port")
    }

    @Test(
      "RADIUS: a code and a challenge are approved, a no suspends as it has no reason, and its absence is an outage")
    func radius() throws {
      let user = try Machine.newUser()
      // The server knows its users by names of its own.
      try Machine.append("yes:x:15001:15001::/tmp:/bin/sh\nasks:x:15002:15002::/tmp:/bin/sh\n", to: "/etc/passwd")
      defer { for name in ["yes", "asks"] { try? Machine.remove(user: name) } }
      try Machine.configure(try OnlineService.radius())
      expectRefused(try Factor.root.authenticate("yes", "wrong"), "OnlineDenied")
      #expect(try expectYes(Factor.root.authenticate("yes", "right"))["offer"] == "activate")
      let phone = try Phone.activated("yes")
      expectRefused(try Factor.root.authenticate("yes", "wrong"), "OnlineDenied")
      #expect(try Factor.root.allowance("yes")["state"] == "suspended")
      expectYes(try Factor.root.authenticate("yes", "right"))
      #expect(try Factor.root.allowance("yes")["state"] == "ready")
      expectRefused(try Factor.root.authenticate(user, "right"), "OnlineDenied")

      let peer = try BusPeer()
      #expect(try peer.error(of: .authenticate("asks", "")) == "ResponseRequired")
      try peer.waitForProgress("online-waiting", saying: "Online passcode: ")
      #expect(try peer.error(of: .authenticate("asks", "right")) == "ResponseRequired")
      try peer.waitForProgress("online-waiting", saying: "Which colour?")
      #expect(try peer.error(of: .authenticate("asks", "blue")) == nil)

      try Machine.configure(
        try OnlineService.radius().replacing("servers=127.0.0.1:\(FreeRADIUSServer.port)", with: "servers=127.0.0.1:9"))
      try expectOffline("yes", phone, "refused-port")
    }
  }
}
