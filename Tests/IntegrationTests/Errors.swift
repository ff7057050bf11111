import Foundation
import Glibc
import OfflineAccess
import Testing

/// All tests share one machine, one bus and one clock, so they run one after another.
@Suite(.serialized)
enum IntegrationTests {}

extension IntegrationTests {
  @Suite("Every error of the contract, through the real bus")
  struct Errors {
    init() throws { try Machine.reset() }

    @Test("NotActivated: a user without a factor")
    func notActivated() throws {
      let user = try Machine.newUser()
      let answer = try Factor.root.authenticate(user, "123456")
      expectRefused(answer, "NotActivated")
      #expect(answer.sentence.contains("Ask the administrator"))
      expectRefused(try Factor.root.renew(user), "NotActivated")
      expectRefused(try Factor.root.deactivate(user), "NotActivated")
      expectRefused(try Factor.root.reactivate(user), "NotActivated")
    }

    @Test("AlreadyActivated, ResponseRequired, BadResponse and ResponseReplayed")
    func responses() throws {
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      expectRefused(try Factor.root.activate(user), "AlreadyActivated")
      expectRefused(try Factor.root.authenticate(user, ""), "ResponseRequired")
      expectRefused(try Factor.root.authenticate(user, "000000"), "BadResponse")
      expectRefused(try Factor.root.authenticate(user, "not a code"), "BadResponse")
      let code = try phone.nextCode()
      expectYes(try Factor.root.authenticate(user, code))
      expectRefused(try Factor.root.authenticate(user, code), "ResponseReplayed")
    }

    @Test("AllowanceExhausted and AllowanceExpired")
    func allowance() throws {
      try Machine.configure("[Allowance]\nlimit=both\nlogins=1\ndays=1\n")
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
      expectRefused(try Factor.root.authenticate(user, phone.nextCode()), "AllowanceExhausted")
      expectYes(try Factor.root.renew(user))
      try Clock.advance(3 * 86_400)
      expectRefused(try Factor.root.authenticate(user, phone.nextCode()), "AllowanceExpired")
    }

    @Test("Locked after five failures, ClockUntrusted after the clock was set back")
    func lockedAndClock() throws {
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      for _ in 1...5 { expectRefused(try Factor.root.authenticate(user, "000000"), "BadResponse") }
      expectRefused(try Factor.root.authenticate(user, phone.code(ahead: 30)), "Locked")
      expectYes(try Factor.root.renew(user))
      try Clock.advance(-3600)
      expectRefused(try Factor.root.authenticate(user, phone.code()), "ClockUntrusted")
    }

    @Test("NoSuchActivation, NoSuchUser, NotSupported, InvalidArgs and AccessDenied")
    func names() throws {
      let user = try Machine.newUser()
      expectRefused(try Factor.root.confirm("/org/offlineaccess/Factor1/activation/4711", "1"), "NoSuchActivation")
      expectRefused(try Factor.root.confirm("/org/offlineaccess/Factor1/activation/x", "1"), "NoSuchActivation")
      expectRefused(try Factor.root.cancel("/org/offlineaccess/Factor1/activation/4711"), "NoSuchActivation")
      expectRefused(try Factor.root.authenticate("nobody-of-that-name", "1"), "NoSuchUser")
      expectRefused(try Factor.root.activate(user, "carrier-pigeon"), "InvalidArgs")
      expectRefused(try Factor.root.authenticate(user, "1", ["frobnicate": "1"]), "InvalidArgs")
      expectRefused(try Factor.root.authenticate(user, "1", ["purpose": "fun"]), "InvalidArgs")
      expectRefused(try Factor.root.activate(user, "passcode", ["name": "a:b"]), "InvalidArgs")
      expectRefused(try Factor(user: "mallory").authenticate(user, "123456"), "AccessDenied")
      expectRefused(try Factor(user: "mallory").allowance(user), "AccessDenied")
      try Machine.configure("[Factor]\nmethods=passcode\n")
      expectRefused(try Factor.root.activate(user, "security-key"), "NotSupported")
    }

    @Test("InteractiveAuthorizationRequired where polkit would ask and the caller does not let it")
    func interactive() throws {
      let user = try Machine.newUser()
      _ = try Phone.activated(user)
      for answer in [
        try Factor(user: user).renew(""), try Factor(user: user).deactivate(""), try Factor(user: user).reactivate(""),
        try Factor(user: user).activate("bob"), try Factor(user: user).renew("bob"),
      ] { expectRefused(answer, "InteractiveAuthorizationRequired") }
      #expect(try Factor.root.allowance(user)["activated"] == "1")
    }

    @Test("Failed: the sealing key is gone")
    func failed() throws {
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      try Machine.stopService()
      try run("mv", "/var/lib/offline-access/sealing.key", "/run/key").expectSuccess()
      defer { _ = try? run("mv", "/run/key", "/var/lib/offline-access/sealing.key") }
      let answer = try Factor.root.authenticate(user, phone.nextCode())
      expectRefused(answer, "Failed")
      #expect(answer.sentence.contains("key is missing"))
    }

    @Test("Canceled: a caller who is gone before it is decided; what nobody hears stands in the journal")
    func canceled() throws {
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      let code = try phone.nextCode()
      let log = try ServiceLog()
      let peer = try BusPeer(as: user)
      #expect(try peer.error(of: .about("", "RemainingAllowance")) == nil)
      let pid = try #require(try Machine.servicePID())
      kill(pid, SIGSTOP)
      defer { kill(pid, SIGCONT) }
      _ = try peer.send([.authenticate("", code)])
      peer.close()
      // The bus tells the service in the order in which it happened: the call, then who left.
      try waitUntil("the caller is gone") {
        try !run("busctl", "list", "--unique", "--no-legend").expectSuccess().output.contains(" \(user) ")
      }
      kill(pid, SIGCONT)
      try waitUntil("the journal has it") { try log.new.contains("Canceled") }
      #expect(try log.new.split(separator: "\n").contains { $0.contains("Canceled") && $0.contains(user) })
      #expect(try Factor.root.allowance(user)["remaining"] == "10")
      expectYes(try Factor.root.authenticate(user, code))
    }

    @Test("every other reason cannot be heard in this version")
    func unreachable() {
      /// Raised in this suite; Busy in another one.
      let shown: Set<Refusal.Reason> = [
        .notActivated, .alreadyActivated, .responseRequired, .badResponse, .responseReplayed, .allowanceExhausted,
        .allowanceExpired, .locked, .clockUntrusted, .noSuchActivation, .noSuchUser, .notSupported, .failed, .busy,
        .accessDenied, .invalidArguments, .interactiveAuthorizationRequired,
      ]
      /// Raised in this suite too, but said to a caller who is gone.
      let unheard: Set<Refusal.Reason> = [.canceled]
      /// Of security keys and online authorities.
      let later: Set<Refusal.Reason> = [
        .pinRequired, .badPin, .pinLocked, .noSecurityKey, .wrongSecurityKey, .securityKeyRefused, .touchTimeout,
        .onlineProofRequired, .onlineDenied,
      ]
      #expect(shown.count + unheard.count + later.count == Refusal.Reason.allCases.count)
      #expect(shown.union(unheard).union(later) == Set(Refusal.Reason.allCases))
    }
  }
}
