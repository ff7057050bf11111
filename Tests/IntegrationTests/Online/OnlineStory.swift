import Foundation
import Testing

extension IntegrationTests.OnlineFactor {
  @Suite("The service and its authority")
  struct OnlineStory {
    @Test("an approval fills the allowance, allows one set-up, and the factor stands in when the server is away")
    func story() throws {
      try OnlineService.reset()
      let user = try OnlineService.newUser()
      try PrivacyIDEAServer.tell("hotp \(user) \(PrivacyIDEAServer.secret)")
      let codes = PrivacyIDEAServer.codes
      expectRefused(try Factor.root.activate(user), "OnlineProofRequired")
      let outcome = expectYes(try Factor.root.authenticate(user, codes[0]))
      #expect(outcome["via"] == "online" && outcome["offer"] == "activate")
      let challenge = expectYes(try Factor.root.activate(user))
      let phone = try Phone(uri: try #require(challenge["uri"]))
      expectYes(try Factor.root.confirm(challenge.path, phone.code()))
      expectRefused(try Factor.root.reactivate(user), "OnlineProofRequired")

      try Machine.configure(try OnlineService.configuration(port: 9, "timeout=2"))
      for left in [9, 8] {
        let yes = expectYes(try Factor.root.authenticate(user, phone.nextCode()))
        #expect(yes["via"] == "offline" && yes["remaining"] == String(left))
        #expect(yes["offline-reason"] == "refused-port")
      }
      try Machine.configure(try OnlineService.configuration())
      let full = expectYes(try Factor.root.authenticate(user, codes[1]))
      #expect(full["via"] == "online" && full["remaining"] == "10" && full["offer"] == "")
    }
  }
}
