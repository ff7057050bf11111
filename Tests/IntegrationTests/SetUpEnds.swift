import Foundation
import Glibc
import Testing

extension IntegrationTests {
  @Suite("What a set-up and a proof outlive, and what they do not")
  struct SetUpEnds {
    init() throws { try Machine.reset("[Service]\nidle-exit=0\n") }

    /// The service under a clock that moves uptime too, which decides how long things live.
    private func serviceInFastTime() throws -> PromptDialogue {
      try Machine.stopService()
      let service = try PromptDialogue(["/usr/libexec/offline-accessd"], environment: Clock.environment(uptime: true))
      try service.wait(for: "answers")
      return service
    }

    @Test("a set-up that nobody confirms dies after ten minutes")
    func tenMinutes() throws {
      let service = try serviceInFastTime()
      let (user, other) = (try Machine.newUser(), try Machine.newUser())
      let (first, second) = (expectYes(try Factor.root.activate(user)), expectYes(try Factor.root.activate(other)))
      let (phone, otherPhone) = (try Phone(uri: #require(first["uri"])), try Phone(uri: #require(second["uri"])))
      try Clock.advance(590)
      expectYes(try Factor.root.confirm(first.path, phone.code()))
      try Clock.advance(15)
      expectRefused(try Factor.root.confirm(second.path, otherPhone.code()), "NoSuchActivation")
      #expect(try Factor.root.allowance(other)["activated"] == "0")
      kill(service.pid, SIGTERM)
      #expect(try service.finish().status == 0)
    }

    @Test("one's own yes is a proof for two minutes")
    func twoMinutes() throws {
      let service = try serviceInFastTime()
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      expectYes(try Factor(user: user).authenticate("", phone.nextCode()))
      try Clock.advance(110)
      expectYes(try Factor(user: user).reactivate(""))
      expectYes(try Factor(user: user).authenticate("", phone.nextCode()))
      try Clock.advance(125)
      expectRefused(try Factor(user: user).reactivate(""), "InteractiveAuthorizationRequired")
      kill(service.pid, SIGTERM)
      #expect(try service.finish().status == 0)
    }

    @Test("setting the wall clock neither ends a set-up nor a proof")
    func wallClock() throws {
      let (user, other) = (try Machine.newUser(), try Machine.newUser())
      let answer = expectYes(try Factor.root.activate(user))
      let phone = try Phone.activated(other)
      expectYes(try Factor(user: other).authenticate("", phone.nextCode()))
      try Clock.advance(3600)
      expectYes(try Factor.root.confirm(answer.path, Phone(uri: #require(answer["uri"])).code()))
      expectYes(try Factor(user: other).reactivate(""))
    }

    @Test("it dies with the service's process, with the user's factor and with a newer one of whomever; not with Renew")
    func deaths() throws {
      let user = try Machine.newUser()
      let lost = expectYes(try Factor.root.activate(user))
      try Machine.stopService()
      expectRefused(
        try Factor.root.confirm(lost.path, Phone(uri: #require(lost["uri"])).code()), "NoSuchActivation")
      let old = try Phone.activated(user)
      let removed = expectYes(try Factor.root.reactivate(user))
      expectYes(try Factor.root.deactivate(user))
      expectRefused(
        try Factor.root.confirm(removed.path, Phone(uri: #require(removed["uri"])).code()), "NoSuchActivation")
      expectRefused(try Factor.root.authenticate(user, old.nextCode()), "NotActivated")

      let phone = try Phone.activated(user)
      let own = expectYes(try Factor(user: user).reactivate("", "passcode", ["response": phone.nextCode()]))
      let roots = expectYes(try Factor.root.reactivate(user))
      expectRefused(
        try Factor(user: user).confirm(own.path, Phone(uri: #require(own["uri"])).code()), "NoSuchActivation")
      expectYes(try Factor.root.renew(user))
      expectYes(try Factor.root.confirm(roots.path, Phone(uri: #require(roots["uri"])).code()))
    }

    @Test("a replacement that is cancelled, or never confirmed, leaves the old phone as it was")
    func cancelledReplacement() throws {
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      let cancelled = expectYes(try Factor.root.reactivate(user))
      expectYes(try Factor.root.cancel(cancelled.path))
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
      _ = expectYes(try Factor.root.reactivate(user))
      try Machine.stopService()
      #expect(expectYes(try Factor.root.authenticate(user, phone.nextCode()))["remaining"] == "8")
    }

    @Test("many confirmations at once are one", arguments: [false, true])
    func race(replacement: Bool) throws {
      let user = try Machine.newUser()
      if replacement { _ = try Phone.activated(user) }
      let answer = expectYes(try replacement ? Factor.root.reactivate(user) : Factor.root.activate(user))
      let phone = try Phone(uri: #require(answer["uri"]))
      let peers = try (0..<16).map { _ in try BusPeer() }
      for peer in peers { #expect(try peer.error(of: .about(user, "RemainingAllowance")) == nil) }
      let code = try phone.code()
      var confirm = BusCall("Confirm", signature: "sa{sv}") { bytes in
        bytes.text(code)
        bytes.options([])
      }
      (confirm.path, confirm.interface) = (answer.path, "org.offlineaccess.Factor1.Activation")
      let serials = try peers.map { try $0.send(confirm) }
      let errors = try zip(peers, serials).map { try $0.answer(to: $1).error }
      #expect(errors.count { $0 == nil } == 1, "\(errors)")
      #expect(errors.count { $0 == "NoSuchActivation" } == 15, "\(errors)")
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
    }

    @Test("kill -9 amid a replacement leaves one of the two phones, whole, 20 times")
    func killedAmidSwap() throws {
      try Machine.configure("[Service]\nidle-exit=0\n[Factor]\npasscode=hotp\n[Allowance]\nlogins=1000\n")
      let user = try Machine.newUser()
      var phone = try Phone.activated(user)
      var counter = 1
      var kept = 0
      let rounds = 20
      for round in 0..<rounds {
        var answer: BusAnswer
        var new: Phone
        // Whose codes are none of the present phone's.
        repeat {
          answer = expectYes(try Factor.root.reactivate(user))
          new = try Phone(uri: #require(answer["uri"]))
        } while try !Set(new.codes(15, from: 0)).isDisjoint(with: phone.codes(15, from: counter))
        var confirm = BusCall("Confirm", signature: "sa{sv}") { bytes in
          bytes.text((try? new.code(counter: 0)) ?? "")
          bytes.options([])
        }
        (confirm.path, confirm.interface) = (answer.path, "org.offlineaccess.Factor1.Activation")
        let peer = try BusPeer()
        #expect(try peer.error(of: .about(user, "RemainingAllowance")) == nil)
        let pid = try #require(try Machine.servicePID())
        // From before the message is read to after its answer is there.
        if round == 0 { kill(pid, SIGSTOP) }
        let serial = try peer.send(confirm)
        let end = ContinuousClock.now + .microseconds(round * 150)
        while ContinuousClock.now < end {}
        if round == rounds - 1 { #expect(try peer.answer(to: serial).error == nil) }
        kill(pid, SIGKILL)
        try waitUntil("the service has ended") { kill(pid, 0) != 0 }
        let old = try Factor.root.authenticate(user, phone.code(counter: counter))
        let other = try Factor.root.authenticate(user, new.code(counter: 1))
        #expect(Set([old.error, other.error]) == [nil, "BadResponse"], "\(old) \(other)")
        if old.error == nil { (counter, kept) = (counter + 1, kept + 1) } else { (phone, counter) = (new, 2) }
      }
      #expect((1..<rounds).contains(kept), "\(kept)")
    }

    @Test("1,000 set-ups are under way at most; the next one hears Busy, and confirming makes room")
    func capacity() throws {
      let users = try (0..<1001).map { _ in try Machine.newUser() }
      let peer = try BusPeer()
      #expect(try peer.error(of: .about("root", "RemainingAllowance")) == nil)
      for start in stride(from: 1, to: 1000, by: 100) {
        let calls = users[start..<min(start + 100, 1000)].map { user in
          BusCall("Activate", signature: "ssa{sv}") { bytes in
            bytes.text(user)
            bytes.text("passcode")
            bytes.options([])
          }
        }
        for serial in try peer.send(calls) { #expect(try peer.answer(to: serial).error == nil) }
      }
      let last = expectYes(try Factor.root.activate(users[0]))
      expectRefused(try Factor.root.activate(users[1000]), "Busy")
      // Whoever has one may start again.
      expectYes(try Factor.root.activate(users[1]))
      expectYes(try Factor.root.confirm(last.path, Phone(uri: #require(last["uri"])).code()))
      expectYes(try Factor.root.activate(users[1000]))
    }

    @Test("a wrong proof is a failure like any other, and a used code or a used-up factor proves nothing")
    func proofs() throws {
      try Machine.configure("[Service]\nidle-exit=0\n[Allowance]\nlogins=1\n")
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      let factor = Factor(user: user)
      for _ in 1...5 { expectRefused(try factor.reactivate("", "passcode", ["response": "000000"]), "BadResponse") }
      expectRefused(try factor.reactivate("", "passcode", ["response": phone.code(ahead: 30)]), "Locked")
      expectRefused(try Factor.root.authenticate(user, phone.code(ahead: 30)), "Locked")
      expectYes(try Factor.root.renew(user))
      let code = try phone.nextCode()
      expectYes(try Factor.root.authenticate(user, code))
      expectRefused(try factor.reactivate("", "passcode", ["response": code]), "AllowanceExhausted")
      expectRefused(try factor.reactivate("", "passcode", ["response": phone.nextCode()]), "AllowanceExhausted")
      expectYes(try Factor.root.renew(user))
      expectRefused(try factor.reactivate("", "passcode", ["response": code]), "ResponseReplayed")
      // Root's word needs no proof, and a proof given all the same is not looked at.
      expectYes(try Factor.root.reactivate(user, "passcode", ["response": "000000"]))
      expectYes(try factor.reactivate("", "passcode", ["response": phone.nextCode()]))
      #expect(try Factor.root.allowance(user)["remaining"] == "1")
    }

    @Test(
      "a machine's name that an app could not show is refused by name",
      arguments: [
        "", ":", "a:b", "a\nb", "a\u{7f}b", "\t", String(repeating: "x", count: 65), String(repeating: "ü", count: 65),
      ])
    func badNames(name: String) throws {
      let user = try Machine.newUser()
      expectRefused(try Factor.root.activate(user, "passcode", ["name": name]), "InvalidArgs")
      expectRefused(try Factor.root.activate(user, "passcode", ["response": "123456"]), "InvalidArgs")
      expectRefused(try Factor.root.activate(user, "passcode", ["purpose": "login"]), "InvalidArgs")
    }

    @Test(
      "any other name arrives at the phone as it is",
      arguments: ["a", "Anna's Läptop & more", "50% /?#=+@ \u{1F4BB}", String(repeating: "ü", count: 64)])
    func names(name: String) throws {
      let user = try Machine.newUser()
      let answer = expectYes(try Factor.root.activate(user, "passcode", ["name": name]))
      let uri = try #require(answer["uri"])
      #expect(uri.utf8.allSatisfy { (0x21...0x7e).contains($0) }, "\(uri)")
      #expect(try #require(URLComponents(string: uri)).path == "/Offline Access:\(user)@\(name)")
      expectYes(try Factor.root.confirm(answer.path, Phone(uri: uri).code()))
    }
  }
}
