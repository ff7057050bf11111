import Foundation
import Testing

extension IntegrationTests {
  /// Security keys at the unmodified service, by umockdev's devices on a real bus.
  @Suite("Security keys")
  enum SecurityKeys {}
}

/// A user with a security key that was set up by root with two touches, which the key gives itself.
struct KeyedUser {
  let user: String
  let host: SoftKeyHost

  /// Sets up the key `name`, which has to be plugged in and touched at once.
  init(_ host: SoftKeyHost, user: String? = nil, pin: String? = nil) throws {
    self.host = host
    self.user = try user ?? Machine.newUser()
    try Self.confirm(expectYes(try Factor.root.activate(self.user, "security-key")).path, pin: pin)
  }

  /// The two touches of a set-up.
  static func confirm(_ path: String, pin: String? = nil, by factor: Factor = .root) throws {
    let options = pin.map { ["pin": $0] } ?? [:]
    let first = expectYes(try factor.confirm(path, "", options))
    #expect(first.values.first as? Bool == false)
    #expect(first["steps"] == "1")
    let second = expectYes(try factor.confirm(path, "", options))
    #expect(second.values.first as? Bool == true)
    #expect(second["method"] == "security-key")
  }
}

extension IntegrationTests.SecurityKeys {
  @Suite("Set-up, login, sudo")
  struct KeyLogin {
    private let host: SoftKeyHost

    init() throws {
      try Machine.reset("[Service]\nidle-exit=0\n")
      try PAMHost.install()
      host = try SoftKeyHost()
    }

    @Test("two touches set a key up; one logs in and one elevates, from one allowance")
    func mainJob() throws {
      try host.underService {
        try host.plug("mine", "vendor=1050 product=0407")
        let user = try Machine.newUser()
        let challenge = expectYes(try Factor.root.activate(user, "security-key"))
        #expect(challenge["steps"] == "2")
        #expect(challenge["method"] == "security-key")
        #expect(challenge["uri"] == nil && challenge["secret"] == nil)
        try KeyedUser.confirm(challenge.path)
        expectRefused(try Factor.root.confirm(challenge.path, ""), "NoSuchActivation")
        #expect(try host.status("mine")["touches"] == "2")
        #expect(try Factor.root.allowance(user)["remaining"] == "10")
        expectIn(try PAMHost.login(user), saying: "Touch your security key (10 logins left)", "9 offline logins")
        expectIn(try PAMHost.sudo(user), saying: "Touch your security key (9 logins left)", "root")
        let answer = expectYes(try Factor(user: user).authenticate("", ""))
        #expect(answer["via"] == "offline")
        #expect(answer["remaining"] == "7")
        #expect(try host.status("mine")["touches"] == "5")
      }
    }

    @Test("a U2F key does the same")
    func u2f() throws {
      try host.underService {
        try host.plug("mine", "kind=u2f")
        let holder = try KeyedUser(host)
        expectIn(try PAMHost.login(holder.user), saying: "9 offline logins")
      }
    }

    @Test("of two plugged-in keys the refused one is not asked, and alone it is refused by name")
    func twoKeys() throws {
      try host.underService {
        try host.plug("refused", "vendor=096e product=0880 aaguid=9f77e279-a6e2-4d58-b700-31e5943c6a98")
        let user = try Machine.newUser()
        let refusal = try Factor.root.confirm(expectYes(try Factor.root.activate(user, "security-key")).path, "")
        expectRefused(refusal, "SecurityKeyRefused")
        #expect(refusal.sentence.contains("HyperFIDO"))
        try host.plug("allowed", "vendor=096e product=0858 aaguid=833b721a-ff5f-4d00-bb2e-bdda3ec01e29")
        let holder = try KeyedUser(host, user: user)
        expectIn(try PAMHost.login(holder.user), saying: "9 offline logins")
        #expect(try host.status("refused")["touches"] == "0")
        // A policy that changed its mind holds at once.
        try Machine.configure("[Service]\nidle-exit=0\n[SecurityKey]\nrefuse=096e:*\n")
        expectRefused(try Factor.root.authenticate(holder.user, ""), "SecurityKeyRefused")
      }
    }

    @Test("the caller alone hears what is waited for, in order, before the key blinks")
    func progress() throws {
      try host.underService {
        try host.plug("mine")
        let holder = try KeyedUser(host)
        try host.unplug("mine")
        try host.tell("set mine touch=by-command")
        let (caller, other) = (try BusPeer(as: holder.user), try BusPeer(as: holder.user))
        let serial = try caller.send(.authenticate(holder.user, ""))
        try caller.waitForProgress("key-needed")
        try host.plug("other")
        try caller.waitForProgress("wrong-key")
        try host.plug("mine")
        try caller.waitForProgress("touch-needed")
        try host.touchWhenBlinking("mine")
        #expect(try caller.answer(to: serial).error == nil)
        // A key that was slow to answer is asked again.
        let told = caller.signals.compactMap(\.text).filter { $0 != "retry" }
        #expect(told == ["key-needed", "wrong-key", "touch-needed", "touch-accepted"])
        #expect(try other.error(of: .about(holder.user, "RemainingAllowance")) == nil)
        #expect(other.signals.isEmpty)
      }
    }

    @Test("over a remote connection nobody is asked to touch, and is told why")
    func remote() throws {
      try host.underService {
        try host.plug("mine")
        let holder = try KeyedUser(host)
        let ending = try PAMHost.login(holder.user, items: ["rhost=far.example"])
        expectOut(ending, saying: "only be touched at the computer itself")
        #expect(!ending.text.contains("Touch your"))
        #expect(try host.status("mine")["touches"] == "2")
        #expect(try Factor.root.allowance(holder.user)["remaining"] == "10")
      }
    }

    @Test("a passcode typed for a key is no failure that locks")
    func typedCode() throws {
      try host.underService {
        try host.plug("mine")
        let holder = try KeyedUser(host)
        for _ in 1...8 { expectRefused(try Factor.root.authenticate(holder.user, "123456"), "BadResponse") }
        expectYes(try Factor.root.authenticate(holder.user, ""))
      }
    }

    @Test("phone to key, key to phone, key to key: the old one is dead once the new one is confirmed")
    func reactivation() throws {
      try host.underService {
        try host.plug("one")
        let user = try Machine.newUser()
        let phone = try Phone.activated(user)
        // By a code of the phone.
        let toKey = expectYes(
          try Factor(user: user).reactivate("", "security-key", ["response": phone.nextCode()]))
        expectYes(try Factor.root.authenticate(user, phone.nextCode()))
        try KeyedUser.confirm(toKey.path, by: Factor(user: user))
        expectRefused(try Factor.root.authenticate(user, phone.nextCode()), "BadResponse")
        expectYes(try Factor.root.authenticate(user, ""))
        // By a touch of the key.
        let toPhone = expectYes(try Factor(user: user).reactivate("", "passcode", ["response": ""]))
        let other = try Phone(uri: try #require(toPhone["uri"]))
        expectYes(try Factor(user: user).confirm(toPhone.path, other.code()))
        expectRefused(try Factor.root.authenticate(user, ""), "ResponseRequired")
        let back = expectYes(try Factor.root.reactivate(user, "security-key"))
        try KeyedUser.confirm(back.path)
        // Key to key.
        let next = expectYes(try Factor(user: user).reactivate("", "security-key", ["response": ""]))
        try host.unplug("one")
        try host.plug("two")
        try KeyedUser.confirm(next.path, by: Factor(user: user))
        expectYes(try Factor.root.authenticate(user, ""))
        #expect(try Factor.root.allowance(user)["method"] == "security-key")
      }
    }

    @Test("a counter that goes back is refused as a possible copy and draws nothing; one that is always 0 is not")
    func clone() throws {
      try host.underService {
        try host.plug("mine")
        let holder = try KeyedUser(host)
        expectYes(try Factor.root.authenticate(holder.user, ""))
        try host.tell("counter mine 1")
        let refusal = try Factor.root.authenticate(holder.user, "")
        expectRefused(refusal, "SecurityKeyRefused")
        #expect(refusal.sentence.contains("copy"))
        #expect(try Factor.root.allowance(holder.user)["remaining"] == "9")
        try host.tell("counter mine 1000")
        expectYes(try Factor.root.authenticate(holder.user, ""))
        try host.unplug("mine")
        try host.plug("still", "counts=no")
        let other = try KeyedUser(host)
        expectYes(try Factor.root.authenticate(other.user, ""))
        expectYes(try Factor.root.authenticate(other.user, ""))
      }
    }
  }
}
