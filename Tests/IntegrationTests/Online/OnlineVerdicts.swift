import Foundation
import Testing

extension IntegrationTests.OnlineFactor {
  @Suite("What each answer of an authority does to a user")
  struct OnlineVerdicts {
    private let user: OnlineUser
    private let log: ServiceLog

    init() throws {
      try OnlineService.reset()
      user = try OnlineUser()
      log = try ServiceLog()
    }

    private func configure(port: Int? = nil, _ more: String = "", other: String = "") throws {
      try Machine.configure(try OnlineService.configuration(port: port, more, other: other))
    }

    private func allowance(_ key: String) throws -> String? { try Factor.root.allowance(user.name)[key] }

    /// The latest entry about the authority.
    private func entry() throws -> [String: String] {
      try #require(
        IntegrationTests.Strength.Audit.entries(log.new).last { $0["event"] == "online" && $0["user"] == user.name })
    }

    @Test("an approval stands in the journal with its proof, and so does what lets in offline, with the outage")
    func journal() throws {
      let options = ["service": "sshd", "purpose": "login", "remote": "192.0.2.7"]
      let uid = try trimmed(run("id", "-u", user.name).expectSuccess().output)
      expectYes(try Factor.root.authenticate(user.name, user.code(), options))
      let common = ["user": user.name, "uid": uid, "by": "0", "call": "Authenticate"].merging(options) { $1 }
      var approved = try entry()
      #expect(approved.removeValue(forKey: "detail")?.isEmpty == false)
      #expect(
        approved
          == common.merging([
            "event": "online", "verdict": "approved", "reason": "checked", "proof": user.token,
          ]) { $1 })
      let phone = try Phone.activated(user.name)
      expectRefused(try Factor.root.authenticate(user.name, "000000", options), "OnlineDenied")
      var denied = try entry()
      denied["detail"] = nil
      #expect(denied == common.merging(["event": "online", "verdict": "denied", "reason": "wrong-code"]) { $1 })
      try configure(port: 9)
      expectYes(try Factor.root.authenticate(user.name, phone.nextCode(), options))
      let granted = IntegrationTests.Strength.Audit.entries(try log.new).filter { $0["event"] == "granted" }
      let last = ["method": "passcode", "via": "offline", "outage": "refused-port", "remaining": "9"]
      #expect(granted.map { $0["via"] } == ["online", "offline"])
      #expect(granted.last == common.merging(last) { $1 }.merging(["event": "granted"]) { $1 })
      let unreachable = try entry()
      #expect(unreachable["verdict"] == "unreachable" && unreachable["reason"] == "refused-port")
      #expect(unreachable["proof"] == nil)
    }

    @Test("a wrong code is a no without a suspension, whatever the offline factor would say to it")
    func wrongCode() throws {
      let phone = try user.activate()
      expectRefused(try Factor.root.authenticate(user.name, "000000"), "OnlineDenied")
      expectRefused(try Factor.root.authenticate(user.name, phone.nextCode()), "OnlineDenied")
      #expect(try allowance("state") == "ready" && allowance("remaining") == "10")
    }

    @Test("whatever is typed, the server that is there decides")
    func oddCodes() throws {
      _ = try user.activate()
      try PrivacyIDEAServer.tell("patience \(user.token) 1000")
      let odd = [
        "\u{1F600}", "\u{1}\u{7f}", "%00", "\"}", "&user=root&pass=", String(repeating: "x", count: 1024), "１２３４５６",
      ]
      for code in odd { expectRefused(try Factor.root.authenticate(user.name, code), "OnlineDenied") }
      for remote in [String(repeating: "é", count: 500), "a\u{1}b\u{1F600}\n\r%n%s%u"] {
        expectRefused(try Factor.root.authenticate(user.name, "000000", ["remote": remote]), "OnlineDenied")
      }
      #expect(try allowance("remaining") == "10")
    }

    @Test("a bypass is refused, and where it is allowed it lets in, but fills, grants and lifts nothing")
    func bypass() throws {
      let phone = try user.activate()
      try configure(port: 9)
      expectYes(try Factor.root.authenticate(user.name, phone.nextCode()))
      let other = try OnlineService.newUser()
      try PrivacyIDEAServer.tell("spass \(user.name)")
      try PrivacyIDEAServer.underPolicy("authentication", "passOnNoToken") {
        try configure("push=yes")
        for name in [user.name, other] {
          expectRefused(try Factor.root.authenticate(name, ""), "OnlineDenied")
        }
        #expect(try entry()["verdict"] == "bypassed" && allowance("state") == "ready")
        try configure("push=yes\nbypass=allow")
        let outcome = expectYes(try Factor.root.authenticate(user.name, ""))
        #expect(outcome["via"] == "online" && outcome["remaining"] == "9" && outcome["offer"] == "")
        let bare = expectYes(try Factor.root.authenticate(other, ""))
        #expect(bare["offer"] == "" && bare["last-online"] == nil)
        for name in [user.name, other] {
          expectRefused(try Factor.root.activate(name), "OnlineProofRequired")
          expectRefused(try Factor.root.reactivate(name), "OnlineProofRequired")
        }
      }
      // Without its policy the server refuses whoever has no token.
      expectRefused(try Factor.root.authenticate(other, ""), "OnlineDenied")
      #expect(try Factor.root.allowance(other)["state"] == "suspended")
      try PrivacyIDEAServer.underPolicy("authentication", "passOnNoToken") {
        expectYes(try Factor.root.authenticate(other, ""))
        #expect(try Factor.root.allowance(other)["state"] == "suspended")
      }
    }

    @Test("a server that does not sign with the configured key is an alarm and a no, or offline where that is set")
    func misconfigured() throws {
      let phone = try user.activate()
      try run("openssl", "genrsa", "-out", "/run/other.key", "2048").expectSuccess()
      let key = try run("openssl", "rsa", "-in", "/run/other.key", "-pubout").expectSuccess().output
      let configuration = try OnlineService.configuration()
      try OnlineService.write(key.utf8, to: "key.pem")
      defer { _ = try? OnlineService.configuration() }
      try Machine.configure(configuration)
      let code = try phone.nextCode()
      for answer in [try Factor.root.authenticate(user.name, code), try Factor.root.authenticate(user.name, "")] {
        expectRefused(answer, "Failed")
        #expect(answer.sentence.contains("The online service cannot be used as this computer is configured."))
      }
      try log.expect("possible attack, or a wrong set-up: the authority about \(user.name): misconfigured (signature)")
      try Machine.configure(configuration + "misconfigured=offline\n")
      expectRefused(try Factor.root.authenticate(user.name, "000000"), "BadResponse")
      let outcome = expectYes(try Factor.root.authenticate(user.name, code))
      #expect(outcome["via"] == "offline" && outcome["offline-reason"] == "signature" && outcome["remaining"] == "9")
    }

    @Test("mode=open lets in whoever has no factor while the server is away, says so, and nobody else")
    func open() throws {
      let (bare, suspended) = (try OnlineUser(), try OnlineUser())
      _ = try user.activate()
      try PrivacyIDEAServer.tell("disable \(suspended.token)")
      expectRefused(try Factor.root.authenticate(suspended.name, suspended.code()), "OnlineDenied")
      let open = "[Failure]\nmode=open\n"
      try configure(other: open)
      expectRefused(try Factor.root.authenticate(bare.name, "000000"), "OnlineDenied")
      expectRefused(try Factor.root.authenticate(bare.name, ""), "ResponseRequired")
      try configure(port: 9, other: open)
      expectRefused(try Factor.root.authenticate(user.name, "000000"), "BadResponse")
      expectRefused(try Factor.root.authenticate(user.name, ""), "ResponseRequired")
      expectRefused(try Factor.root.authenticate(suspended.name, ""), "OnlineProofRequired")
      let outcome = expectYes(try Factor.root.authenticate(bare.name, ""))
      #expect(outcome["via"] == "fail-open" && outcome["offer"] == "")
      #expect(outcome["message"]?.hasPrefix("Let in without a second factor") == true)
      try log.expect("LET IN WITHOUT A FACTOR")
      expectRefused(try Factor.root.activate(bare.name), "OnlineProofRequired")
      // An approved user who must set a factor up does not get around it.
      try configure(other: open + "[Activation]\nlater=0\n")
      expectRefused(try Factor.root.authenticate(bare.name, bare.code()), "NotActivated")
      try configure(port: 9)
      expectRefused(try Factor.root.authenticate(bare.name, ""), "NotActivated")
    }

    @Test("a secret that others can read, that is empty or not there, or that systemd did not give, is no secret")
    func secrets() throws {
      let file = OnlineService.folder + "/skey"
      defer { _ = try? run("rm", "-f", file) }
      for (spoil, reason) in [
        ("chmod 644 FILE", "must be readable by root alone"), ("chmod 640 FILE", "must be readable by root alone"),
        ("chown alice FILE", "must belong to root"), ("rm FILE", "not there"), ("echo > FILE", "empty"),
        ("rm FILE; mkfifo -m 600 FILE", "not a regular file"), ("", "systemd gave no credentials"),
      ] {
        _ = try run("rm", "-f", file)
        var configuration = try OnlineService.duo(port: "9", other: "[Failure]\nmode=open\n")
        try run("sh", "-c", spoil.replacing("FILE", with: file)).expectSuccess()
        if spoil.isEmpty { configuration.replace("skey-file=\(file)", with: "skey-file=credential:duo") }
        try Machine.configure(configuration)
        expectRefused(try Factor.root.authenticate(user.name, "123456"), "Failed")
        let entry = try entry()
        #expect(entry["verdict"] == "misconfigured" && entry["reason"] == "bad-setting")
        #expect(entry["detail"]?.contains(reason) == true, "\(entry)")
      }
    }
  }
}
