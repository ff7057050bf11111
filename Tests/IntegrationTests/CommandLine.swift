import Foundation
import Testing

/// A JSON object that a command wrote on one line.
func object(_ text: some StringProtocol) throws -> [String: Any] {
  try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
}

extension IntegrationTests {
  @Suite("The command line")
  struct CommandLineTool {
    init() throws { try Machine.reset() }

    @Test("activate by the words on the screen, then the user gets in with the phone")
    func activate() throws {
      let user = try Machine.newUser()
      let session = try CommandSession("offline-access", "activate", "--user", user, "--no-qr", "--name", "plane")
      let phone = try session.phone()
      #expect(session.said.contains("\(user)@plane"))
      try session.type("000000\n")
      try session.waitFor("That code does not fit.")
      try session.type(try phone.code() + "\n")
      #expect(session.status() == 0)
      #expect(session.said.contains("10 offline logins remaining"))
      let code = try phone.nextCode()
      let login = try run("offline-access", "authenticate", as: user, input: code + "\n").expectSuccess()
      #expect(login.output.contains("9 offline logins") || login.output.contains("9 logins left"), "\(login.output)")
      let again = try run("offline-access", "authenticate", as: user, input: code + "\n")
      #expect(again.status == 1 && again.errors.contains("used already"), "\(again)")
    }

    @Test("activate with --json: the challenge, then one line for each code")
    func activateJSON() throws {
      let user = try Machine.newUser()
      let session = try CommandSession("offline-access", "activate", "--user", user, "--json")
      let phone = try session.phone()
      try session.type("000000\n")
      try session.waitFor("tries-left")
      try session.type(try phone.code() + "\n")
      #expect(session.status() == 0)
      let lines = try session.said.split(separator: "\n").map { try object($0) }
      try #require(lines.count == 3)
      #expect(
        Set(["activation", "uri", "secret", "issuer", "account", "digits", "expires"]).isSubset(of: lines[0].keys))
      #expect(lines[1]["error"] as? String == "BadResponse")
      #expect(lines[2]["complete"] as? Bool == true)
      #expect(lines[2]["remaining"] as? Int == 10)
    }

    @Test("three wrong codes end the set-up, and so does the end of input")
    func givenUp() throws {
      let user = try Machine.newUser()
      for input in ["000000\n111111\n222222\n", "", "000000\n"] {
        let result = try run("offline-access", "activate", "--user", user, "--json", input: input)
        #expect(result.status == 1)
        let challenge = try object(result.output.prefix { $0 != "\n" })
        let activation = try #require(challenge["activation"] as? String)
        expectRefused(try Factor.root.confirm(activation, "000000"), "NoSuchActivation")
      }
      #expect(try Factor.root.allowance(user)["state"] == "not-activated")
    }

    @Test("a stop signal cancels the set-up before the program dies of it", arguments: [SIGINT, SIGTERM, SIGHUP])
    func stopped(signal: Int32) throws {
      let user = try Machine.newUser()
      let picture = "/run/\(user).png"
      let session = try CommandSession("offline-access", "activate", "--user", user, "--json", "--png", picture)
      _ = try session.phone()
      #expect(FileManager.default.fileExists(atPath: picture))
      #expect(kill(session.process.processIdentifier, signal) == 0)
      #expect(session.status() == signal)
      #expect(session.process.terminationReason == .uncaughtSignal)
      #expect(!FileManager.default.fileExists(atPath: picture))
      let challenge = try object(session.said.prefix { $0 != "\n" })
      let activation = try #require(challenge["activation"] as? String)
      expectRefused(try Factor.root.confirm(activation, "000000"), "NoSuchActivation")
    }

    @Test("Ctrl-C on a terminal cancels the set-up too")
    func interrupted() throws {
      let user = try Machine.newUser()
      let session = try CommandSession(
        "script", "-qefc", "offline-access activate --user \(user) --no-qr", "/dev/null", environment: ["TERM": "xterm"]
      )
      let phone = try session.phone()
      try session.waitFor("Code shown by the app: ")
      try session.type("\u{3}")
      #expect(session.status() == 128 + SIGINT)
      #expect(session.said.contains("Cancelled"))
      expectRefused(try Factor.root.authenticate(user, phone.nextCode()), "NotActivated")
      // Nothing is pending any more, so an idle service may end.
      for number in 1...9 {
        expectRefused(try Factor.root.cancel("/org/offlineaccess/Factor1/activation/\(number)"), "NoSuchActivation")
      }
    }

    @Test("status and allowance, in words and as JSON with the contract's keys")
    func reports() throws {
      try Machine.configure("[Allowance]\nlimit=both\nlogins=4\ndays=2\n")
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      let keys: Set = [
        "activated", "offer", "method", "state", "limit", "remaining", "counts", "last-day", "expires", "message",
      ]
      let allowance = try object(run("offline-access", "allowance", "--json", as: user).expectSuccess().output)
      #expect(keys.isSubset(of: allowance.keys), "\(allowance)")
      #expect(allowance["remaining"] as? Int == 4)
      let status = try object(run("offline-access", "status", "--json", "--user", user).expectSuccess().output)
      #expect(Set(status.keys) == ["user", "allowance", "version", "methods", "authority"])
      #expect(status["user"] as? String == user)
      #expect(keys.isSubset(of: try #require(status["allowance"] as? [String: Any]).keys))
      let words = try run("offline-access", "status", as: user).expectSuccess().output
      for part in ["passcode of an authenticator app", "ready", "Logins left  4", "Last day"] {
        #expect(words.contains(part), "\(words)")
      }
      let outcome = try object(
        run("offline-access", "authenticate", "--json", "--user", user, input: phone.nextCode() + "\n").expectSuccess()
          .output)
      #expect(keys.union(["via"]).subtracting(["offer"]).isSubset(of: outcome.keys), "\(outcome)")
      #expect(outcome["via"] as? String == "offline")
      let renewed = try object(run("offline-access", "renew", "--json", "--user", user).expectSuccess().output)
      #expect(renewed["remaining"] as? Int == 4)
      let refused = try run("offline-access", "renew", "--json", "--user", "nobody-of-that-name")
      #expect(refused.status == 1)
      #expect(Set(try object(refused.output).keys) == ["error", "message"])
    }

    @Test("the exit status tells why")
    func exitStatuses() throws {
      try Machine.configure("[Allowance]\nlogins=1\n")
      let user = try Machine.newUser()
      func allowance(_ status: Int32, _ line: Int = #line) throws {
        let result = try run("offline-access", "allowance", "--user", user)
        #expect(result.status == status, "line \(line): \(result)")
      }
      try allowance(5)
      #expect(try run("offline-access", "authenticate", "--user", user, input: "123456\n").status == 5)
      let phone = try Phone.activated(user)
      try allowance(0)
      #expect(try run("offline-access", "authenticate", "--user", user, input: "000000\n").status == 1)
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
      try allowance(6)
      #expect(try run("offline-access", "renew", as: user).status == 4)
      #expect(try run("offline-access", "allowance", "--user", user, as: "mallory").status == 4)
      try run("offline-access", "renew", "--user", user).expectSuccess()
      for _ in 1...5 { _ = try Factor.root.authenticate(user, "000000") }
      try allowance(7)
      #expect(try run("offline-access", "authenticate", "--user", user, input: "000000\n").status == 7)
      try Clock.advance(-86_400)
      try run("offline-access", "renew", "--user", user).expectSuccess()
      try Clock.advance(-86_400)
      try allowance(6)
      try Machine.stopService()
      try run("mv", "/usr/libexec/offline-accessd", "/run/away").expectSuccess()
      defer { _ = try? run("mv", "/run/away", "/usr/libexec/offline-accessd") }
      let away = try run("offline-access", "allowance", "--user", user)
      #expect(away.status == 3)
      #expect(away.errors.contains("doctor"))
    }

    @Test(
      "a code is never taken from the arguments",
      arguments: ["authenticate", "activate", "reactivate", "renew", "deactivate"])
    func codeAsArgument(command: String) throws {
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      let code = try phone.nextCode()
      for arguments in [[code], ["--code", code], ["--user", user, code], ["--frobnicate"]] {
        let result = try run(["offline-access", command] + arguments)
        #expect(result.status == 64, "\(result)")
      }
      expectYes(try Factor.root.authenticate(user, code))
    }

    @Test("reactivate with the present phone's code as one's own proof, and by root without one")
    func reactivate() throws {
      let user = try Machine.newUser()
      let old = try Phone.activated(user)
      let session = try CommandSession("offline-access", "reactivate", "--no-qr", as: user)
      try session.type(try old.nextCode() + "\n")
      let new = try session.phone()
      #expect(new.secret != old.secret)
      try session.type(try new.code() + "\n")
      #expect(session.status() == 0, "\(session.said)")
      expectRefused(try Factor.root.authenticate(user, old.nextCode()), "BadResponse")
      expectYes(try Factor.root.authenticate(user, new.code()))

      let byRoot = try CommandSession("offline-access", "reactivate", "--no-qr", "--user", user)
      let newest = try byRoot.phone()
      try byRoot.type(try newest.code() + "\n")
      #expect(byRoot.status() == 0, "\(byRoot.said)")
      expectRefused(try Factor.root.authenticate(user, new.nextCode()), "BadResponse")
      expectYes(try Factor.root.authenticate(user, newest.code()))
      // Without a proof, and with nobody to ask.
      #expect(try run("offline-access", "reactivate", as: user, input: "\n").status == 4)
      #expect(try run("offline-access", "reactivate", as: user, input: "000000\n").status == 1)
    }

    @Test("deactivate asks whether it is meant, and removes")
    func deactivate() throws {
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      #expect(try run("offline-access", "deactivate", "--user", user, input: "yes\n").status == 64)
      #expect(try run("offline-access", "deactivate", "--yes", as: user).status == 4)
      #expect(try Factor.root.allowance(user)["activated"] == "1")
      let removed = try run("offline-access", "deactivate", "--user", user, "--yes").expectSuccess()
      #expect(removed.output.contains("The offline access of \(user) is removed."))
      expectRefused(try Factor.root.authenticate(user, phone.nextCode()), "NotActivated")
      #expect(try run("offline-access", "deactivate", "--user", user, "--yes").status == 5)
    }

    @Test("set-up by counter where the configuration says so")
    func byCounter() throws {
      try Machine.configure("[Factor]\npasscode=hotp\n")
      let user = try Machine.newUser()
      let session = try CommandSession("offline-access", "activate", "--user", user, "--no-qr")
      let phone = try session.phone()
      #expect(!phone.isTime)
      #expect(session.said.contains("by counter (HOTP)"))
      try session.type(try phone.code(counter: 0) + "\n")
      #expect(session.status() == 0)
      #expect(try run("offline-access", "authenticate", as: user, input: phone.code(counter: 0) + "\n").status == 1)
      try run("offline-access", "authenticate", as: user, input: phone.code(counter: 1) + "\n").expectSuccess()
    }
  }
}
