import Foundation
import Testing

extension IntegrationTests.SecurityKeys {
  @Suite("Set-up of a key at prompts and by the command line")
  struct KeyFrontEnds {
    private let host: SoftKeyHost
    private let user: String

    init() throws {
      try Machine.reset("[Service]\nidle-exit=0\n[Activation]\nstanding-alone=first-login\n")
      try PAMHost.install()
      host = try SoftKeyHost()
      user = try Machine.newUser()
    }

    private func login(_ password: String) throws -> PromptDialogue.Ending {
      let dialogue = try PromptDialogue(["pamtester", PAMHost.login, user, "authenticate"])
      dialogue.answer(password)
      try dialogue.wait(for: "(phone/key/later): ")
      dialogue.answer("key")
      return try dialogue.finish()
    }

    @Test("at the first login two touches set it up, and the next login asks for one")
    func firstLogin() throws {
      try host.underService {
        try host.plug("mine")
        expectIn(
          try login(Machine.password), saying: "Touch 1 of 2", "Touch 2 of 2", "10 offline logins remaining.")
        #expect(try host.status("mine")["touches"] == "2")
        expectIn(try PAMHost.login(user), saying: "Touch your security key (10 logins left)", "9 offline logins")
      }
    }

    @Test("behind a wrong password two touches set up nothing")
    func wrongPassword() throws {
      try host.underService {
        try host.plug("mine")
        expectOut(try login("wrong"), saying: "Touch 2 of 2")
        #expect(try Factor.root.allowance(user)["activated"] == "0")
        expectIn(try login(Machine.password))
        #expect(try Factor.root.allowance(user)["method"] == "security-key")
      }
    }

    @Test("what a trial has proven is stored without another touch, and its signature is spent")
    func trial() throws {
      try host.underService {
        try host.plug("mine")
        let path = expectYes(try Factor.root.activate(user, "security-key")).path
        for complete in [false, true, true] {
          #expect(
            expectYes(try Factor.root.confirm(path, "", ["trial": "yes"])).values.first as? Bool == complete)
        }
        #expect(try host.status("mine")["touches"] == "2")
        #expect(try Factor.root.allowance(user)["activated"] == "0")
        expectYes(try Factor.root.confirm(path, ""))
        #expect(try host.status("mine")["touches"] == "2")
        expectYes(try Factor.root.authenticate(user, ""))
        #expect(try Factor.root.allowance(user)["remaining"] == "9")
      }
    }

    @Test("activate --json: the challenge, each step, and a PIN from standard input where it is needed")
    func activate() throws {
      try Machine.configure("[Service]\nidle-exit=0\n[SecurityKey]\nverification=required\n")
      try host.underService {
        try host.plug("mine", "pin=2468")
        let result = try run(
          "offline-access", "activate", "--user", user, "--method", "security-key", "--json", input: "2468\n"
        ).expectSuccess()
        let lines = try result.output.split(separator: "\n").map { try object($0) }
        #expect(lines.first?["method"] as? String == "security-key")
        #expect(lines.first?["steps"] as? Int == 2)
        #expect(lines.filter { $0["error"] as? String == "PinRequired" }.count == 1)
        #expect(lines.filter { $0["state"] as? String == "touch-needed" }.compactMap { $0["step"] as? Int } == [1, 2])
        #expect(lines.filter { $0["complete"] as? Bool == false && $0["step"] as? Int == 1 }.count == 1)
        #expect(lines.last?["complete"] as? Bool == true)
        let status = try run("offline-access", "status", as: user).expectSuccess()
        #expect(status.output.contains("Factor       security key"))
        let yes = try run("offline-access", "authenticate", as: user, input: "2468\n").expectSuccess()
        #expect(yes.output.contains("Touch your security key"))
        let wrong = try run("offline-access", "authenticate", "--json", as: user, input: "1357\n")
        #expect(wrong.status == 1 && wrong.output.contains("BadPin"), "\(wrong)")
      }
    }

    @Test("a stop signal ends a set-up while the key blinks, at once and with a Cancel", arguments: [SIGINT, SIGTERM])
    func stopped(_ signal: Int32) throws {
      try host.underService {
        try host.plug("mine")
        try host.tell("set mine touch=by-command")
        let session = try CommandSession(
          "offline-access", "activate", "--user", user, "--method", "security-key", "--json")
        try host.tell("wait mine blinking")
        let start = Date()
        kill(session.process.processIdentifier, signal)
        #expect(session.status() == signal)
        #expect(Date().timeIntervalSince(start) < 5)
        try host.tell("wait mine dark")
        let path = try #require(try object(session.said.prefix { $0 != "\n" })["activation"] as? String)
        expectRefused(try Factor.root.confirm(path, ""), "NoSuchActivation")
      }
    }

    @Test("reactivate asks for a touch of the present key, and replaces it by a phone")
    func reactivate() throws {
      try host.underService {
        try host.plug("mine")
        _ = try KeyedUser(host, user: user)
        expectYes(try Factor.root.authenticate(user, ""))
        let session = try CommandSession("offline-access", "reactivate", "--no-qr", as: user)
        try session.waitFor("Touch your present security key")
        let phone = try session.phone()
        try session.type(try phone.code() + "\n")
        #expect(session.status() == 0)
        #expect(try Factor.root.allowance(user)["method"] == "passcode")
        // What was left goes over.
        #expect(try Factor.root.allowance(user)["remaining"] == "9")
        expectYes(try Factor.root.authenticate(user, phone.nextCode()))
      }
    }

    @Test("where the present key is not there, a script hears so, and nothing is replaced")
    func reactivateWithoutKey() throws {
      try host.underService {
        try host.plug("mine")
        _ = try KeyedUser(host, user: user)
        try host.unplug("mine")
        let result = try run("offline-access", "reactivate", "--json", as: user)
        #expect(result.status == 1 && result.output.contains("NoSecurityKey"), "\(result)")
        #expect(result.output.contains("key-needed"))
      }
    }
  }
}
