import Foundation
import Testing

extension IntegrationTests {
  @Suite("The allowance, from the first login to the last")
  struct Allowance {
    init() throws { try Machine.reset() }

    @Test("logins count down, warn near the end, and are renewed")
    func logins() throws {
      try Machine.configure("[Allowance]\nlogins=4\nwarn-at=2\n")
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      let first = try Factor.root.allowance(user)
      #expect(first["remaining"] == "4")
      #expect(first["limit"] == "logins")
      #expect(first["state"] == "ready")
      #expect(first["last-day"] == nil)
      #expect(first["message"] == "4 offline logins remaining.")
      #expect(
        expectYes(try Factor.root.authenticate(user, phone.nextCode()))["message"] == "3 offline logins remaining.")
      let second = expectYes(try Factor.root.authenticate(user, phone.nextCode()))
      #expect(second["message"]?.hasPrefix("Warning: 2 offline logins remaining.") == true)
      #expect(second["via"] == "offline")
      #expect(
        expectYes(try Factor.root.authenticate(user, phone.nextCode()))["message"]?.contains(
          "1 offline login remaining") == true)
      let last = expectYes(try Factor.root.authenticate(user, phone.nextCode()))
      #expect(last["state"] == "exhausted")
      #expect(last["remaining"] == "0")
      #expect(last["message"]?.hasPrefix("That was the last offline login.") == true)
      let refused = try Factor.root.authenticate(user, phone.nextCode())
      expectRefused(refused, "AllowanceExhausted")
      #expect(refused.sentence == "No offline logins remaining. The administrator must renew it first.")
      #expect(expectYes(try Factor.root.renew(user))["remaining"] == "4")
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
    }

    @Test("the last day ends at local midnight, also where the clocks change")
    func days() throws {
      let berlin = "/usr/share/zoneinfo/Europe/Berlin"
      try run("ln", "-sf", berlin, "/etc/localtime").expectSuccess()
      defer { _ = try? run("ln", "-sf", "/usr/share/zoneinfo/Etc/UTC", "/etc/localtime") }
      // Granted at noon, two days before the clocks change on the last day: 31 October 2027 has 25
      // hours, 26 March 2028 has 23.
      for (granted, lastDay, midnight) in [
        ("2027-10-29 12:00", "2027-10-31", "2027-11-01 00:00"), ("2028-03-24 12:00", "2028-03-26", "2028-03-27 00:00"),
      ] {
        try Machine.reset("[Allowance]\nlimit=days\ndays=2\n")
        try Clock.move(to: seconds(granted))
        let user = try Machine.newUser()
        let phone = try Phone.activated(user)
        let allowance = try Factor.root.allowance(user)
        #expect(allowance["last-day"] == lastDay)
        #expect(try allowance["expires"] == String(seconds(midnight)))
        #expect(allowance["remaining"] == nil)
        try Clock.move(to: seconds(midnight) - 20)
        expectYes(try Factor.root.authenticate(user, phone.code()))
        #expect(try Factor.root.allowance(user)["state"] == "ready")
        try Clock.move(to: seconds(midnight) + 10)
        #expect(try Factor.root.allowance(user)["state"] == "expired")
        let refused = try Factor.root.authenticate(user, phone.code())
        expectRefused(refused, "AllowanceExpired")
        #expect(refused.sentence.hasPrefix("Offline access ended on"))
        // Seen to be over, it stays over when the clock is set back.
        try Clock.move(to: seconds(midnight) - 3600)
        expectRefused(try Factor.root.authenticate(user, phone.code()), "ClockUntrusted")
      }
    }

    /// A wall-clock time in Berlin as seconds since 1970, by date(1).
    private func seconds(_ time: String) throws -> Int {
      let result = try run("date", "-d", time, "+%s", environment: ["TZ": "Europe/Berlin"]).expectSuccess()
      return try #require(Int(trimmed(result.output)))
    }

    @Test("both limits hold together, and unlimited has none")
    func bothAndUnlimited() throws {
      try Machine.configure("[Allowance]\nlimit=both\nlogins=5\ndays=3\n")
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      let both = try Factor.root.allowance(user)
      #expect(both["remaining"] == "5")
      #expect(both["last-day"] != nil)
      try Machine.configure("[Allowance]\nlimit=unlimited\n")
      let unlimited = try Factor.root.allowance(user)
      #expect(unlimited["limit"] == "unlimited")
      #expect(unlimited["remaining"] == nil)
      #expect(unlimited["last-day"] == nil)
      try Clock.advance(400 * 86_400)
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
      try Machine.configure("[Allowance]\nlimit=days\ndays=3\n")
      expectRefused(try Factor.root.authenticate(user, phone.nextCode()), "AllowanceExpired")
    }

    @Test("only the configured purposes cost a login; the others pass when none is left")
    func purposes() throws {
      try Machine.configure("[Allowance]\nlogins=2\ncounts=login\n")
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      for purpose in ["elevation", "unlock"] {
        #expect(
          expectYes(try Factor.root.authenticate(user, phone.nextCode(), ["purpose": purpose]))["remaining"] == "2")
      }
      #expect(expectYes(try Factor.root.authenticate(user, phone.nextCode(), ["purpose": "login"]))["remaining"] == "1")
      #expect(expectYes(try Factor.root.authenticate(user, phone.nextCode()))["remaining"] == "0")
      expectRefused(try Factor.root.authenticate(user, phone.nextCode(), ["purpose": "login"]), "AllowanceExhausted")
      expectYes(try Factor.root.authenticate(user, phone.nextCode(), ["purpose": "unlock"]))
    }

    @Test("exempt users and members of exempt groups need no factor; a deleted group exempts nobody")
    func exemption() throws {
      try Machine.configure("[Factor]\nexempt=root;@wheelers;@no-such-group\n")
      let (member, other) = (try Machine.newUser(), try Machine.newUser())
      try Machine.append("wheelers:x:7777:\(member)\n", to: "/etc/group")
      let yes = expectYes(try Factor.root.authenticate(member, ""))
      #expect(yes["via"] == "exempt")
      #expect(expectYes(try Factor.root.authenticate("root", ""))["via"] == "exempt")
      expectRefused(try Factor.root.authenticate(other, ""), "NotActivated")
      try Machine.configure("[Factor]\nexempt=\n")
      expectRefused(try Factor.root.authenticate("root", ""), "NotActivated")
    }

    @Test("mode=open lets in who has no factor, and never who has one")
    func failOpen() throws {
      try Machine.configure("[Failure]\nmode=open\n")
      let (without, with) = (try Machine.newUser(), try Machine.newUser())
      let phone = try Phone.activated(with)
      let open = expectYes(try Factor.root.authenticate(without, ""))
      #expect(open["via"] == "fail-open")
      #expect(open["message"]?.contains("without a second factor") == true)
      expectRefused(try Factor.root.authenticate(with, ""), "ResponseRequired")
      expectRefused(try Factor.root.authenticate(with, "000000"), "BadResponse")
      #expect(expectYes(try Factor.root.authenticate(with, phone.nextCode()))["via"] == "offline")
    }

    @Test("HOTP: the counter moves on, ten ahead are found, eleven are not")
    func counter() throws {
      try Machine.configure("[Factor]\npasscode=hotp\n")
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      #expect(!phone.isTime)
      expectYes(try Factor.root.authenticate(user, phone.code(counter: 1)))
      expectRefused(try Factor.root.authenticate(user, phone.code(counter: 1)), "ResponseReplayed")
      expectYes(try Factor.root.authenticate(user, phone.code(counter: 12)))
      expectRefused(try Factor.root.authenticate(user, phone.code(counter: 24)), "BadResponse")
      expectRefused(try Factor.root.authenticate(user, phone.code(counter: 7)), "ResponseReplayed")
      // A count needs no clock.
      try Clock.advance(-100 * 86_400)
      expectYes(try Factor.root.authenticate(user, phone.code(counter: 13)))
    }
  }
}
