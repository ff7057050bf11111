import Foundation
import Testing

extension IntegrationTests.OnlineFactor {
  @Suite("Logins by PAM, online and offline")
  struct OnlineLogin {
    private let relay: ServerRelay
    private let user: OnlineUser

    init() throws {
      relay = try ServerRelay()
      try Machine.reset()
      try PAMHost.install()
      user = try OnlineUser(push: true)
      try configure("[Allowance]\nlogins=2\n")
    }

    private func configure(_ other: String) throws {
      try Machine.configure(try OnlineService.configuration(port: relay.port, "push=yes\ntimeout=5", other: other))
    }

    private func allowance(_ key: String) throws -> String? { try Factor.root.allowance(user.name)[key] }

    /// A login until its push is approved.
    private func begin(_ password: String = Machine.password) throws -> PromptDialogue {
      let dialogue = try PromptDialogue(["pamtester", PAMHost.login, user.name, "authenticate"])
      dialogue.answer(password)
      try user.answerPush()
      return dialogue
    }

    /// Chooses the phone and gives its code.
    private func setUp(_ dialogue: PromptDialogue, prompt: String = "/later): ") throws -> Phone {
      try dialogue.wait(for: prompt)
      dialogue.answer("phone")
      let shown = try dialogue.wait(for: "code it shows: ")
      let start = try #require(shown.range(of: "Add the key ")).upperBound
      let end = try #require(shown.range(of: " to your authenticator")).lowerBound
      let phone = try Phone(uri: "otpauth://totp/x?secret=\(shown[start..<end].filter { $0 != " " })")
      dialogue.answer(try phone.code())
      return phone
    }

    @Test("A push, a set-up by its QR code, the server away, the last login, the server back: the count is full")
    func story() throws {
      let dialogue = try PAMHost.atTerminal("su \(user.name) -c 'id -un'")
      try dialogue.wait(for: "assword: ")
      dialogue.answer(Machine.password)
      try dialogue.wait(for: "Approve the request on your phone")
      try user.answerPush()
      try dialogue.wait(for: "(phone/key/later): ")
      dialogue.answer("phone")
      let shown = try dialogue.wait(for: "code it shows: ")
      let phone = try Phone(uri: try Camera.read(terminal: shown.replacingOccurrences(of: "\r", with: "")))
      dialogue.answer(try phone.code())
      try dialogue.wait(for: "\(user.name)\r\n")
      expectIn(try dialogue.finish(), saying: "2 offline logins remaining.")
      #expect(try allowance("remaining") == "2")

      try relay.down()
      expectIn(
        try PAMHost.login(user.name, phone.nextCode()), saying: "The online service cannot be reached",
        "Offline passcode (2 logins left): ", "1 offline login remaining.")
      expectIn(try PAMHost.sudo(user.name, phone.nextCode()), saying: "Offline passcode (1 login left): ", "root\n")
      for answer in [
        try PAMHost.login(user.name, phone.nextCode()), try PAMHost.sudo(user.name, phone.nextCode()),
      ] {
        expectOut(answer, saying: "No offline logins remaining. Authenticate online first.")
        #expect(!answer.text.contains("passcode"))
      }
      try relay.up()
      expectIn(try begin().finish(), saying: "Approve the request on your phone", "2 offline logins remaining.")
      let sudo = try PromptDialogue(["sudo", "-k", "-S", "id", "-un"], as: user.name)
      sudo.answer(Machine.password)
      try user.answerPush()
      expectIn(try sudo.finish(), saying: "root\n")
      #expect(try allowance("remaining") == "2")
    }

    @Test("Who declines on the phone is out, and stays so offline until the next approval")
    func declined() throws {
      let dialogue = try begin()
      let phone = try setUp(dialogue)
      expectIn(try dialogue.finish())
      let second = try PromptDialogue(["pamtester", PAMHost.login, user.name, "authenticate"])
      second.answer(Machine.password)
      try user.answerPush("decline")
      expectOut(try second.finish(), saying: "The online service has refused you. Offline access is suspended")
      try relay.down()
      expectOut(try PAMHost.login(user.name, phone.nextCode()), saying: "Offline access is suspended")
      try relay.up()
      expectIn(try begin().finish(), saying: "2 offline logins remaining.")
      try relay.down()
      expectIn(try PAMHost.login(user.name, phone.nextCode()), saying: "1 offline login remaining.")
    }

    @Test(
      "Whom the server wants no more cannot go offline afterwards, until it approves them again",
      arguments: ["disable", "forget"])
    func disabled(_ how: String) throws {
      let dialogue = try begin()
      let phone = try setUp(dialogue)
      expectIn(try dialogue.finish())
      try relay.down()
      expectIn(try PAMHost.login(user.name, phone.nextCode()))
      try relay.up()
      try PrivacyIDEAServer.tell("\(how) \(how == "disable" ? user.token : user.name)")
      expectOut(try PAMHost.login(user.name), saying: "The online service has refused you.", "suspended")
      #expect(try allowance("state") == "suspended")
      try relay.down()
      let code = try phone.nextCode()
      for answer in [try PAMHost.login(user.name, code), try PAMHost.sudo(user.name, code)] {
        expectOut(answer, saying: "Offline access is suspended: the online service has refused you.")
        #expect(!answer.text.contains("passcode"))
      }
      expectRefused(try Factor.root.authenticate(user.name, code), "OnlineProofRequired")
      // Neither the service's end nor the administrator's hand takes it back.
      try Machine.stopService(signal: SIGKILL)
      expectRefused(try Factor.root.authenticate(user.name, code), "OnlineProofRequired")
      expectRefused(try Factor.root.renew(user.name), "OnlineProofRequired")
      guard how == "disable" else { return }
      try relay.up()
      try PrivacyIDEAServer.tell("enable \(user.token)")
      expectIn(try begin().finish(), saying: "2 offline logins remaining.")
      #expect(try allowance("state") == "ready")
      try relay.down()
      expectIn(try PAMHost.login(user.name, code), saying: "1 offline login remaining.")
    }

    @Test("What later means is said, it is counted, and in the end there is no later any more")
    func later() throws {
      try configure("[Activation]\nlater=1\n")
      var dialogue = try begin()
      try dialogue.wait(for: "(phone/key/later): ")
      dialogue.answer("later")
      expectIn(
        try dialogue.finish(), saying: "Without offline access you cannot get in when the online service is out of",
        "You are asked again after the next online login, and then it has to be set up.")
      #expect(try allowance("activated") == "0" && allowance("offer") == "")
      let peer = try BusPeer()
      let call = try peer.send(.authenticate(user.name, ""))
      try user.answerPush()
      #expect(try peer.answer(to: call).error == "NotActivated")
      for _ in 1...2 {
        dialogue = try begin()
        try dialogue.wait(for: "(phone/key): ")
        dialogue.answer("later")
        expectOut(try dialogue.finish(), saying: "You cannot get in until offline access is set up.")
      }
      dialogue = try begin()
      _ = try setUp(dialogue, prompt: "(phone/key): ")
      expectIn(try dialogue.finish(), saying: "10 offline logins remaining.")
      expectIn(try begin().finish(), saying: "10 offline logins remaining.")
    }

    @Test("Where nothing may be put off, the first login is a set-up")
    func never() throws {
      try configure("[Activation]\nlater=0\n")
      let dialogue = try begin()
      let phone = try setUp(dialogue, prompt: "(phone/key): ")
      expectIn(try dialogue.finish(), saying: "10 offline logins remaining.")
      try relay.down()
      expectIn(try PAMHost.login(user.name, phone.nextCode()), saying: "9 offline logins remaining.")
    }

    @Test("Behind a wrong password an approved push and a right code set nothing up")
    func wrongPassword() throws {
      for other in ["", "[Activation]\nlater=0\n"] {
        try configure(other)
        let dialogue = try begin("wrong")
        _ = try setUp(dialogue, prompt: other.isEmpty ? "/later): " : "(phone/key): ")
        expectOut(try dialogue.finish())
        #expect(try allowance("activated") == "0")
      }
    }

    @Test("A wrong code at the online prompt is refused as such; the right one lets in")
    func code() throws {
      let other = try OnlineUser()
      try Machine.configure(try OnlineService.configuration(port: relay.port))
      let wrong = try PAMHost.login(other.name, "000000")
      expectOut(wrong, saying: "Online passcode: ", "The online service did not accept that passcode.")
      #expect(try Factor.root.allowance(other.name)["state"] == "not-activated")
      expectIn(try PAMHost.login(other.name, other.code(), "later"), saying: "Online passcode: ", "You are asked again")
    }

    @Test("The server goes while it is asked: the offline passcode is asked for then")
    func goes() throws {
      let dialogue = try begin()
      let phone = try setUp(dialogue)
      expectIn(try dialogue.finish())
      let waiting = try PAMHost.atTerminal("su \(user.name) -c 'id -un'")
      try waiting.wait(for: "assword: ")
      waiting.answer(Machine.password)
      try waiting.wait(for: "Approve the request on your phone")
      try relay.down()
      try waiting.wait(for: "The online service cannot be reached")
      try waiting.wait(for: "Offline passcode (2 logins left): ")
      waiting.answer(try phone.nextCode())
      try waiting.wait(for: "\(user.name)\r\n")
      expectIn(try waiting.finish())

      try relay.up()
      try Machine.configure(try OnlineService.configuration(port: relay.port))
      let typing = try PromptDialogue(["pamtester", PAMHost.login, user.name, "authenticate"])
      typing.answer(Machine.password)
      try typing.wait(for: "Online passcode: ")
      try relay.down()
      typing.answer("123456")
      try typing.wait(for: "Offline passcode (9 logins left): ")
      typing.answer(try phone.nextCode())
      expectIn(try typing.finish(), saying: "8 offline logins remaining.")
    }

    @Test("An approval of before lets nobody in, nor set up, who comes while the server is away")
    func approvedBefore() throws {
      let other = try OnlineUser()
      try Machine.configure(try OnlineService.configuration(port: relay.port))
      try other.approve()
      #expect(try Factor.root.allowance(other.name)["offer"] == "activate")
      try relay.down()
      let login = try PAMHost.login(other.name, "phone")
      expectOut(login, saying: "Offline access is not set up for this user. Authenticate online first, then")
      #expect(!login.text.contains("/later)"))
      expectRefused(try Factor.root.activate(other.name), "OnlineProofRequired")
      // Whoever is approved anew sets up as before.
      try relay.up()
      try other.approve()
      _ = try Phone.activated(other.name)
    }

    @Test("A locker that runs as the user is approved, sets up and goes offline like a login")
    func locker() throws {
      try Machine.pamService("test-locker", "auth required \(PAMHost.module)", "account required pam_permit.so")
      let locker = ["pamtester", "test-locker", user.name, "authenticate"]
      let dialogue = try PromptDialogue(locker, as: user.name)
      try user.answerPush()
      let phone = try setUp(dialogue)
      expectIn(try dialogue.finish(), saying: "2 offline logins remaining.")
      try relay.down()
      expectIn(
        try PromptDialogue.run(locker, as: user.name, typing: [phone.nextCode()]),
        saying: "The online service cannot be reached", "1 offline login remaining.")
      expectOut(
        try PromptDialogue.run(locker, as: "mallory", typing: [phone.nextCode()]),
        saying: "This is allowed for yourself and for the administrator only.")
    }

    @Test(
      "A security key is set up after an approval, is not asked for while the server is there, and stands in for it")
    func securityKey() throws {
      let host = try SoftKeyHost()
      try host.underService {
        try host.plug("mine")
        let dialogue = try begin()
        try dialogue.wait(for: "(phone/key/later): ")
        dialogue.answer("key")
        expectIn(try dialogue.finish(), saying: "Touch 1 of 2", "Touch 2 of 2", "2 offline logins remaining.")
        expectIn(try begin().finish(), saying: "2 offline logins remaining.")
        #expect(try host.status("mine")["touches"] == "2")
        try relay.down()
        expectIn(
          try PAMHost.login(user.name), saying: "The online service cannot be reached",
          "Touch your security key (2 logins left)", "1 offline login remaining.")
        #expect(try host.status("mine")["touches"] == "3")
      }
    }
  }
}
