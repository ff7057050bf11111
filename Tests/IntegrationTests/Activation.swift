import Foundation
import Testing

extension IntegrationTests {
  @Suite("Set-up and replacement")
  struct Activation {
    init() throws { try Machine.reset() }

    @Test("the challenge holds what an authenticator app needs")
    func challenge() throws {
      let user = try Machine.newUser()
      let answer = expectYes(try Factor.root.activate(user, "passcode", ["name": "thin laptop"]))
      #expect(answer.path.hasPrefix("/org/offlineaccess/Factor1/activation/"))
      let uri = try #require(answer["uri"])
      let parts = try #require(URLComponents(string: uri))
      #expect(parts.path == "/Offline Access:\(user)@thin laptop")
      let query = Dictionary(uniqueKeysWithValues: (parts.queryItems ?? []).map { ($0.name, $0.value ?? "") })
      #expect(query["algorithm"] == "SHA1")
      #expect(query["digits"] == "6")
      #expect(query["period"] == "30")
      #expect(query["issuer"] == "Offline Access")
      #expect(query["secret"]?.count == 32)
      #expect(answer["secret"]?.replacingOccurrences(of: " ", with: "") == query["secret"])
      #expect(answer["secret"]?.split(separator: " ").allSatisfy { $0.count == 4 } == true)
      #expect(answer["digits"] == "6")
      #expect(answer["account"] == "\(user)@thin laptop")
      let life = try #require(Int(answer["expires"] ?? "")) - Clock.now
      #expect((595...600).contains(life))
    }

    @Test("a wrong code leaves the set-up open, a right one ends it, and only once")
    func confirmation() throws {
      let user = try Machine.newUser()
      let answer = expectYes(try Factor.root.activate(user))
      let phone = try Phone(uri: #require(answer["uri"]))
      expectRefused(try Factor.root.confirm(answer.path, "000000"), "BadResponse")
      expectRefused(try Factor.root.confirm(answer.path, ""), "ResponseRequired")
      let code = try phone.code()
      let confirmed = expectYes(try Factor.root.confirm(answer.path, code))
      #expect(confirmed.values.first as? Bool == true)
      #expect(confirmed["remaining"] == "10")
      expectRefused(try Factor.root.confirm(answer.path, code), "NoSuchActivation")
      // The code that confirmed it is spent.
      expectRefused(try Factor.root.authenticate(user, code), "ResponseReplayed")
    }

    @Test("a trial answers as Confirm would and stores nothing; an empty response then sets up what it has proven")
    func trial() throws {
      let user = try Machine.newUser()
      let answer = expectYes(try Factor.root.activate(user))
      let phone = try Phone(uri: #require(answer["uri"]))
      let trial = ["trial": "yes"]
      expectRefused(try Factor.root.confirm(answer.path, "000000", trial), "BadResponse")
      expectRefused(try Factor.root.confirm(answer.path, "", trial), "ResponseRequired")
      expectRefused(try Factor.root.confirm(answer.path, "", ["trial": "no"]), "InvalidArgs")
      let code = try phone.code()
      for response in [code, code, ""] {
        let proven = expectYes(try Factor.root.confirm(answer.path, response, trial))
        #expect(proven.values.first as? Bool == true)
        #expect(proven["remaining"] == "10")
        #expect(try Factor.root.allowance(user)["activated"] == "0")
        expectRefused(try Factor.root.authenticate(user, code), "NotActivated")
      }
      for stranger in [user, "mallory"] {
        expectRefused(try Factor(user: stranger).confirm(answer.path, ""), "NoSuchActivation")
      }
      // A wrong code afterwards is refused, and takes nothing away.
      expectRefused(try Factor.root.confirm(answer.path, "000000"), "BadResponse")
      expectYes(try Factor.root.confirm(answer.path, ""))
      expectRefused(try Factor.root.confirm(answer.path, ""), "NoSuchActivation")
      expectRefused(try Factor.root.authenticate(user, code), "ResponseReplayed")
      #expect(try Factor.root.allowance(user)["remaining"] == "10")
    }

    @Test("a trial that is not confirmed leaves nothing: cancelled, overtaken, or the service ends")
    func trialEnds() throws {
      let user = try Machine.newUser()
      func proven() throws -> String {
        let answer = expectYes(try Factor.root.activate(user))
        let code = try Phone(uri: #require(answer["uri"])).code()
        expectYes(try Factor.root.confirm(answer.path, code, ["trial": "yes"]))
        return answer.path
      }
      let cancelled = try proven()
      expectYes(try Factor.root.cancel(cancelled))
      expectRefused(try Factor.root.confirm(cancelled, ""), "NoSuchActivation")
      let overtaken = try proven()
      let newer = expectYes(try Factor.root.activate(user))
      expectRefused(try Factor.root.confirm(overtaken, ""), "NoSuchActivation")
      expectRefused(try Factor.root.confirm(newer.path, ""), "ResponseRequired")
      let lost = try proven()
      try Machine.stopService()
      expectRefused(try Factor.root.confirm(lost, ""), "NoSuchActivation")
      #expect(try Factor.root.allowance(user)["activated"] == "0")
    }

    @Test("cancelled, overtaken and other people's set-ups are gone for the caller")
    func ends() throws {
      let user = try Machine.newUser()
      let first = expectYes(try Factor.root.activate(user))
      expectYes(try Factor.root.cancel(first.path))
      expectRefused(try Factor.root.confirm(first.path, "000000"), "NoSuchActivation")
      let second = expectYes(try Factor.root.activate(user))
      let third = expectYes(try Factor.root.activate(user))
      #expect(second.path != third.path)
      let overtaken = try Phone(uri: #require(second["uri"]))
      expectRefused(try Factor.root.confirm(second.path, overtaken.code()), "NoSuchActivation")
      let phone = try Phone(uri: #require(third["uri"]))
      for stranger in [user, "mallory"] {
        expectRefused(try Factor(user: stranger).confirm(third.path, phone.code()), "NoSuchActivation")
        expectRefused(try Factor(user: stranger).cancel(third.path), "NoSuchActivation")
      }
      expectYes(try Factor.root.confirm(third.path, phone.code()))
      #expect(try Factor.root.allowance(user)["activated"] == "1")
    }

    @Test("a user may set up their own factor only where the configuration and polkit say so")
    func firstLogin() throws {
      let user = try Machine.newUser()
      #expect(try Factor.root.allowance(user)["offer"] == "")
      expectRefused(try Factor(user: user).activate(""), "InteractiveAuthorizationRequired")
      try Machine.configure("[Activation]\nstanding-alone=first-login\n")
      #expect(try Factor.root.allowance(user)["offer"] == "activate")
      // No active session here, so polkit's answer is a plain no.
      expectRefused(try Factor(user: user).activate(""), "AccessDenied")
      try Machine.write(
        "polkit.addRule(function(a, s) { if (a.id == 'org.offlineaccess.Factor1.activate') return polkit.Result.YES; });\n",
        to: "/etc/polkit-1/rules.d/10-test.rules")
      defer { try? FileManager.default.removeItem(atPath: "/etc/polkit-1/rules.d/10-test.rules") }
      var answer = try Factor(user: user).activate("")
      try waitUntil("polkit has read its rules") {
        if answer.error == nil { return true }
        answer = try Factor(user: user).activate("")
        return answer.error == nil
      }
      let phone = try Phone(uri: #require(answer["uri"]))
      expectYes(try Factor(user: user).confirm(answer.path, phone.code()))
      // Not for others, and not a second time.
      expectRefused(try Factor(user: user).activate("bob"), "InteractiveAuthorizationRequired")
      expectRefused(try Factor(user: user).activate(""), "AlreadyActivated")
    }

    @Test("until the new phone is confirmed the old one counts; then it is dead")
    func replacement() throws {
      let user = try Machine.newUser()
      let old = try Phone.activated(user)
      expectYes(try Factor.root.authenticate(user, old.nextCode()))
      let answer = expectYes(try Factor.root.reactivate(user))
      expectYes(try Factor.root.authenticate(user, old.nextCode()))
      let new = try Phone(uri: #require(answer["uri"]))
      #expect(new.secret != old.secret)
      expectRefused(try Factor.root.authenticate(user, new.nextCode()), "BadResponse")
      let confirmed = expectYes(try Factor.root.confirm(answer.path, new.code()))
      // The administrator's word fills the allowance.
      #expect(confirmed["remaining"] == "10")
      expectRefused(try Factor.root.authenticate(user, old.nextCode()), "BadResponse")
      expectYes(try Factor.root.authenticate(user, new.nextCode()))
    }

    @Test("the user's own proof replaces the phone and leaves the allowance as it was")
    func ownProof() throws {
      let user = try Machine.newUser()
      let factor = Factor(user: user)
      var phone = try Phone.activated(user)
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
      expectRefused(try factor.reactivate("", "passcode", ["response": "000000"]), "BadResponse")
      expectRefused(try factor.reactivate(""), "InteractiveAuthorizationRequired")
      let answer = expectYes(try factor.reactivate("", "passcode", ["response": phone.nextCode()]))
      phone = try Phone(uri: #require(answer["uri"]))
      #expect(expectYes(try factor.confirm(answer.path, phone.code()))["remaining"] == "9")
      // A fresh yes that the user asked for by themself is a proof too, once.
      expectYes(try factor.authenticate("", phone.nextCode()))
      let second = expectYes(try factor.reactivate(""))
      expectRefused(try factor.reactivate(""), "InteractiveAuthorizationRequired")
      phone = try Phone(uri: #require(second["uri"]))
      expectYes(try factor.confirm(second.path, phone.code()))
    }

    @Test("a yes to a PAM service, of another uid or of the old phone proves nothing")
    func foreignProof() throws {
      let user = try Machine.newUser()
      let factor = Factor(user: user)
      let phone = try Phone.activated(user)
      expectYes(try factor.authenticate("", phone.nextCode(), ["service": "swaylock", "purpose": "login"]))
      expectRefused(try factor.reactivate(""), "InteractiveAuthorizationRequired")
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
      expectRefused(try factor.reactivate(""), "InteractiveAuthorizationRequired")
      // Proven by the old phone, then replaced by the administrator: the proof went with it.
      expectYes(try factor.authenticate("", phone.nextCode()))
      let answer = expectYes(try Factor.root.reactivate(user))
      let new = try Phone(uri: #require(answer["uri"]))
      expectYes(try Factor.root.confirm(answer.path, new.code()))
      expectRefused(try factor.reactivate(""), "InteractiveAuthorizationRequired")
    }
  }
}
