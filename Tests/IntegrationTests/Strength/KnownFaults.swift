import Foundation
import Glibc
import Testing

extension IntegrationTests.Strength {
  /// Faults that others had, tried here; what each was is told where its test is.
  @Suite("Known faults of others")
  struct KnownFaults {
    init() throws {
      try Machine.reset()
      try PAMHost.install()
      // In front of a module that ignores itself, pam_permit alone would let anybody in.
      try Machine.pamService(Self.permissive, "auth required pam_permit.so", "auth required \(PAMHost.module)")
    }

    static let permissive = "test-permissive"

    static func report(_ fault: String, _ tried: String, _ times: String, _ outcome: String) throws {
      try IntegrationTests.Strength.report(
        "Known faults", tried: "\(fault): \(tried)", times: times, outcome: outcome)
    }

    // Duo's Windows Logon took offline codes again that had been used.
    @Test(
      "CVE-2023-20123: an offline code that was used is refused, also after a restart", arguments: ["totp", "hotp"])
    func replay(_ kind: String) throws {
      try Machine.reset("[Factor]\npasscode=\(kind)\n[Allowance]\nlogins=100\n")
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      var refused = 0
      for round in 1...IntegrationTests.Strength.times(20, short: 1) {
        let code = phone.isTime ? try phone.nextCode() : try phone.code(counter: round)
        expectIn(try PAMHost.login(user, code), saying: "\(100 - round) offline logins remaining.")
        for end in [nil, SIGTERM, SIGKILL] {
          if let end { try Machine.stopService(signal: end) }
          for answer in [
            try PAMHost.login(user, code), try PAMHost.sudo(user, code),
            try PromptDialogue.run(["pamtester", Self.permissive, user, "authenticate"], typing: [code]),
            try PromptDialogue.run([HelperProgram.path, user], typing: [code]),
          ] { expectOut(answer, saying: "used already") }
          expectRefused(try Factor(user: user).authenticate("", code), "ResponseReplayed")
          expectRefused(
            try Factor(user: user).reactivate("", "passcode", ["response": code]), "ResponseReplayed")
          refused += 6
        }
        #expect(try Factor.root.allowance(user)["remaining"] == String(100 - round))
      }
      try Self.report(
        "CVE-2023-20123", "used codes (\(kind)) at six prompts, before and after restarts", "\(refused) tries",
        "0 let in")
    }

    // liboath marked a code as used in the wrong line of its file, if a line that it did not understand stood before.
    @Test("CVE-2013-7322: a record that cannot be read takes no mark that belongs to another")
    func wrongRecord() throws {
      let users = try (1...3).map { _ in try Machine.newUser() }
      let phones = try users.map { try Phone.activated($0) }
      let (user, phone) = (users[1], phones[1])
      try Machine.stopService()
      // Broken ones on either side, and one more under the same name, at the end and at the beginning.
      try StoredState.edit(
        "UPDATE enrollment SET record = x'00' WHERE name <> '\(user)'",
        "INSERT INTO enrollment SELECT 1, name, record FROM enrollment WHERE name = '\(user)'",
        "INSERT INTO enrollment SELECT 4000000000, name, record FROM enrollment WHERE name = '\(user)' AND uid <> 1")
      let others = try StoredState.rows(except: user)
      for left in [9, 8] {
        let code = try phone.nextCode()
        expectIn(try PAMHost.login(user, code), saying: "\(left) offline logins remaining.")
        expectOut(try PAMHost.login(user, code), saying: "used already")
        try Machine.stopService()
        expectOut(try PAMHost.sudo(user, code), saying: "used already")
      }
      expectRefused(try Factor.root.authenticate(users[0], phones[0].code()), "Failed")
      expectRefused(try Factor.root.authenticate(users[2], phones[2].code()), "Failed")
      try Machine.stopService()
      #expect(try StoredState.rows(except: user) == others)
      #expect(others.count == 4)
    }

    // Himmelblau took any PIN while it was offline.
    @Test("CVE-2025-53013: no wrong secret is right, whatever the service cannot reach or is waiting for")
    func wrongSecret() throws {
      try Machine.configure("[Allowance]\nlogins=2\n[Failure]\nattempts=100\n")
      let (user, other) = (try Machine.newUser(), try Machine.newUser())
      let old = try Phone.activated(user)
      expectYes(try Factor.root.deactivate(user))
      let (phone, others) = (try Phone.activated(user), try Phone.activated(other))
      var tries = 0
      func expectNo(_ condition: String) throws {
        try Clock.advance(30)
        for response in ["000000", try old.code(), try others.code(), "", "      ", "password", Machine.password] {
          let answer = try Factor.root.authenticate(user, response)
          #expect(answer.error != nil, "\(condition): “\(response)”")
          expectOut(try PromptDialogue.run(["pamtester", Self.permissive, user, "authenticate"], typing: [response]))
          tries += 2
        }
      }
      let database = "\(Machine.stateFolder)/state.db"
      try expectNo("ready")
      let pending = expectYes(try Factor.root.reactivate(user))
      let next = try Phone(uri: try #require(pending["uri"]))
      try expectNo("a set-up is waiting")
      expectRefused(try Factor.root.authenticate(user, next.code()), "BadResponse")
      for _ in 1...2 { expectYes(try Factor.root.authenticate(user, phone.nextCode())) }
      try expectNo("used up")
      expectYes(try Factor.root.renew(user))
      try Clock.advance(-86_400)
      try expectNo("the clock is behind")
      try Clock.advance(86_400)
      chmod(database, 0o644)
      try expectNo("the storage is refused")
      chmod(database, 0o600)
      try Machine.configure("[Factor]\npasscode=any\n")
      try expectNo("the configuration is refused")
      try Machine.configure("[Failure]\nattempts=1\n")
      try expectNo("locked")
      try Machine.configure("")
      expectYes(try Factor.root.renew(user))
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
      try Self.report("CVE-2025-53013", "wrong secrets in seven conditions", "\(tries) tries", "0 let in")
    }

    // authd: a user of one name got in as another.
    @Test("CVE-2024-9313: nobody gets in as somebody else by a factor of their own, or by the other's on the bus")
    func somebodyElse() throws {
      let (user, other) = (try Machine.newUser(), try Machine.newUser())
      let (phone, others) = (try Phone.activated(user), try Phone.activated(other))
      for items in [[], ["ruser=\(user)"], ["ruser=\(user)", "rhost=\(user)", "tty=/dev/\(user)"]] {
        let answer = try PromptDialogue.run(
          ["pamtester"] + items.flatMap { ["-I", $0] } + [PAMHost.login, other, "authenticate"],
          typing: [Machine.password, phone.nextCode()])
        expectOut(answer, saying: "That passcode is not right.")
      }
      expectOut(
        try PromptDialogue.run(["su", other, "-c", "id"], as: user, typing: [Machine.password, phone.nextCode()]),
        saying: "That passcode is not right.")
      // sudo asks for who calls, whoever that wants to be.
      expectOut(
        try PromptDialogue.run(
          ["sudo", "-k", "-S", "-u", other, "id"], as: user, typing: [Machine.password, others.code()]),
        saying: "That passcode is not right.")
      expectRefused(try Factor(user: user).authenticate(other, others.code()), "AccessDenied")
      expectRefused(try Factor(user: user).authenticate(other, phone.code()), "AccessDenied")
      // A yes of one's own is a proof for nobody else.
      expectYes(try Factor(user: user).authenticate("", phone.code()))
      expectRefused(try Factor(user: user).reactivate(other), "InteractiveAuthorizationRequired")
      expectRefused(try Factor(user: other).reactivate(""), "InteractiveAuthorizationRequired")
      #expect(try Factor.root.allowance(other)["remaining"] == "10")
      #expect(try Factor.root.allowance(user)["remaining"] == "9")
    }

    // authd: a user whom the machine had not seen before counted as one of the group root.
    @Test("CVE-2025-5689: a user at the first login, or of no account, is in no group that is exempt")
    func firstLogin() throws {
      try Machine.configure("[Factor]\nexempt=root;@root;@sudo\n")
      #expect(try Factor.root.authenticate("root", "")["via"] == "exempt")
      #expect(try Factor.root.authenticate("admin", "")["via"] == "exempt")
      for name in ["no-such-user", "0", "+0", "root ", "ROOT", "root\u{200b}", "@root", "root;admin", "nobody:x:0"] {
        expectRefused(try Factor.root.authenticate(name, ""), "NoSuchUser")
      }
      for _ in 1...3 {
        // The service that has just said no to a name meets it with an account right after.
        let user = try Machine.newUser()
        expectRefused(try Factor.root.authenticate(user, ""), "NotActivated")
        expectOut(try PAMHost.login(user), saying: "not set up")
        expectRefused(try Factor(user: user).authenticate("", ""), "NotActivated")
      }
      // The account of an exempt user ends; whoever gets the id, or the name, is not exempt by that.
      let exempt = try Machine.newUser(uid: 6520)
      try Machine.append("veterans:x:7801:\(exempt)\n", to: "/etc/group")
      try Machine.configure("[Factor]\nexempt=@veterans\n")
      #expect(try Factor.root.authenticate(exempt, "")["via"] == "exempt")
      try Machine.remove(user: exempt)
      let heir = try Machine.newUser(uid: 6520)
      expectRefused(try Factor.root.authenticate(heir, ""), "NotActivated")
      expectRefused(try Factor.root.authenticate(exempt, ""), "NoSuchUser")
    }

    // fprintd enrolled a finger for whoever sat at the unlocked machine.
    @Test("dsd/pam_fprint#2: an open session alone sets up nothing and replaces nothing")
    func enrolment() throws {
      let (user, other) = (try Machine.newUser(), try Machine.newUser())
      let phone = try Phone.activated(user)
      let log = try ServiceLog()
      for configuration in ["", "[Activation]\nstanding-alone=first-login\n"] {
        try Machine.configure(configuration)
        for factor in [Factor(user: other), Factor(user: other, interactive: true)] {
          expectNoSetUp(try factor.activate(""))
          expectNoSetUp(try factor.activate(other))
          expectNoSetUp(try factor.activate(user))
          expectNoSetUp(try factor.reactivate(user))
        }
        for factor in [Factor(user: user), Factor(user: user, interactive: true)] {
          expectNoSetUp(try factor.reactivate(""))
          expectNoSetUp(try factor.reactivate("", "passcode", ["response": ""]), "ResponseRequired")
          expectNoSetUp(try factor.reactivate("", "passcode", ["response": "000000"]), "BadResponse")
          expectNoSetUp(try factor.activate(""), "AlreadyActivated")
        }
        let command = try run("offline-access", "activate", "--no-qr", as: other, input: "\n000000\n")
        #expect(command.status != 0)
        #expect(!command.output.contains("otpauth"))
      }
      #expect(try !log.new.contains("set-up"))
      // And what somebody else may do is not theirs to end or to take over.
      let roots = expectYes(try Factor.root.reactivate(user))
      let next = try Phone(uri: try #require(roots["uri"]))
      expectRefused(try Factor(user: other).confirm(roots.path, next.code()), "NoSuchActivation")
      expectRefused(try Factor(user: user).confirm(roots.path, next.code()), "NoSuchActivation")
      expectRefused(try Factor(user: user).cancel(roots.path), "NoSuchActivation")
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
    }

    /// Expects a refusal by polkit, where nobody was there to be asked or whom it asked was not there.
    private func expectNoSetUp(
      _ answer: BusAnswer, _ reason: String? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) {
      let reasons: Set<String?> =
        reason.map { [$0, "InteractiveAuthorizationRequired", "AccessDenied"] }
        ?? ["InteractiveAuthorizationRequired", "AccessDenied"]
      #expect(reasons.contains(answer.error) && answer.error != nil, "\(answer)", sourceLocation: sourceLocation)
      #expect(answer.path.isEmpty, sourceLocation: sourceLocation)
    }

    // Duo's Windows Logon kept a session trusted over a reboot.
    @Test(
      "CVE-2024-20301: neither a yes nor a set-up under way outlives the service or the machine's run",
      arguments: [SIGTERM, SIGKILL])
    func restart(signal: Int32) throws {
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      expectYes(try Factor(user: user).authenticate("", phone.nextCode()))
      let own = try Factor(user: user).reactivate("")
      // The proof was one, or what follows would show nothing; and it was for one time.
      expectYes(own)
      expectRefused(try Factor(user: user).reactivate(""), "InteractiveAuthorizationRequired")
      expectYes(try Factor(user: user).authenticate("", phone.nextCode()))
      let roots = expectYes(try Factor.root.activate("alice"))
      try Machine.stopService(signal: signal)
      expectRefused(try Factor(user: user).reactivate(""), "InteractiveAuthorizationRequired")
      for (factor, answer) in [(Factor(user: user), own), (Factor.root, roots)] {
        let code = try Phone(uri: try #require(answer["uri"])).code()
        expectRefused(try factor.confirm(answer.path, code), "NoSuchActivation")
      }
      // Nor is a prompt let off, however fresh the last yes.
      expectOut(try PAMHost.login(user), saying: "Offline passcode (8 logins left): ")
      expectOut(try PAMHost.sudo(user), saying: "Offline passcode (8 logins left): ")
      expectRefused(try Factor(user: user).authenticate("", ""), "ResponseRequired")
      expectYes(try Factor(user: user).authenticate("", phone.nextCode()))
      #expect(try Factor.root.allowance("alice")["activated"] == "0")
    }
  }
}
