import Foundation
import Testing

extension IntegrationTests.OnlineFactor {
  @Suite("What the doctor and the status say of an authority")
  struct OnlineDoctor {
    /// The results of the checks whose names begin with `authority`, each as `name: result`, and their messages.
    private func checks() throws -> (results: Set<String>, text: String) {
      let result = try run("offline-access", "doctor", "--json")
      let all = try #require(try object(result.output)["checks"] as? [[String: Any]])
      let found = all.filter { ($0["name"] as? String ?? "").hasPrefix("authority") }
      return (
        Set(found.map { "\($0["name"] ?? ""): \($0["result"] ?? "")" }),
        found.map { "\($0["message"] ?? "")" }.joined(separator: "\n")
      )
    }

    @Test("a real call that proves nothing: it answers, it is away, it is somebody else, it is wrongly set up")
    func doctor() throws {
      try OnlineService.reset()
      #expect(try checks().results == ["authority: ok"])

      try Machine.configure(try OnlineService.configuration(port: 9, "bypass=allow\nmisconfigured=offline"))
      let away = try checks()
      #expect(away.results == ["authority: fail", "authority-bypass: warn", "authority-misconfigured: warn"])
      #expect(away.text.contains("refused-port"), "\(away.text)")

      let own = try OnlineService.configuration()
      try Machine.configure(own)
      try Machine.write(
        String(decoding: try OnlinePKI.authority("other-ca"), as: UTF8.self), to: "/etc/offline-access/authority/ca.pem"
      )
      let forged = try checks()
      #expect(
        forged.results == ["authority: fail"] && forged.text.contains("Somebody else may answer"), "\(forged.text)")

      try Machine.configure(own.replacingOccurrences(of: "/key.pem", with: "/nothing.pem"))
      let missing = try checks()
      #expect(missing.results == ["authority: fail"] && missing.text.contains("nothing.pem"), "\(missing.text)")

      _ = try OnlineService.configuration()
      let user = try Machine.newUser()
      let result = try run("offline-access", "doctor", as: user)
      #expect(result.output.contains("was not asked: only root"), "\(result.output)")
    }

    @Test("the status shows the last approval, and when and why the offline factor stood in")
    func status() throws {
      try OnlineService.reset()
      let user = try OnlineService.newUser()
      try PrivacyIDEAServer.tell("hotp \(user) \(PrivacyIDEAServer.secret)")
      #expect(!(try run("offline-access", "status", "--user", user).output.contains("Last approval")))
      expectYes(try Factor.root.authenticate(user, PrivacyIDEAServer.codes[0]))
      let challenge = expectYes(try Factor.root.activate(user))
      let phone = try Phone(uri: try #require(challenge["uri"]))
      expectYes(try Factor.root.confirm(challenge.path, phone.code()))
      try Machine.configure(try OnlineService.configuration(port: 9))
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
      let output = try run("offline-access", "status", "--user", user).expectSuccess().output
      #expect(output.contains("Last approval"), "\(output)")
      #expect(output.firstMatch(of: /Last offline +.*\(refused-port\)/) != nil, "\(output)")
      #expect(output.contains("privacyidea"), "\(output)")
    }
  }
}
