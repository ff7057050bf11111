import Foundation
import Glibc
import Testing

extension IntegrationTests.Strength {
  @Suite("A clock that is wrong, set or moved: named, closed, and a way in that needs no clock")
  final class ClockTrouble {
    static let untrusted =
      "This computer's clock stands behind a time it has already seen. "
      + "Set it right, or let the administrator renew offline access."

    /// One user with codes by time and one with codes by counter.
    private let (timed, counted): (Person, Person)

    private struct Person {
      let name: String
      let phone: Phone
    }

    init() throws {
      try Machine.reset()
      try PAMHost.install()
      timed = try Self.person()
      try Machine.configure("[Factor]\npasscode=hotp\n")
      counted = try Self.person()
    }

    deinit {
      _ = try? run("ln", "-sfn", "/usr/share/zoneinfo/Etc/UTC", "/etc/localtime")
      try? Clock.set(0)
    }

    private static func person() throws -> Person {
      let name = try Machine.newUser()
      return Person(name: name, phone: try Phone.activated(name))
    }

    private var counter = 0
    private func nextCount() throws -> String {
      counter += 1
      return try counted.phone.code(counter: counter)
    }

    private func expectUntrusted(_ user: String, _ code: String, atPrompts: Bool = false) throws {
      let answer = try Factor.root.authenticate(user, code)
      expectRefused(answer, "ClockUntrusted")
      #expect(answer.sentence == Self.untrusted)
      #expect(try Factor.root.allowance(user)["state"] == "clock-untrusted")
      guard atPrompts else { return }
      for ending in [try PAMHost.login(user, code), try PAMHost.sudo(user, code)] {
        expectOut(ending, saying: Self.untrusted)
        #expect(!ending.text.contains("Offline passcode"))
      }
    }

    @Test(
      "back an hour, a day, to 1970: codes by time and days are suspended, codes by counter under a count are not",
      arguments: [-3600, -86_400, nil])
    func back(seconds: Int?) throws {
      try Machine.configure("[Allowance]\nlimit=logins\n")
      expectYes(try Factor.root.authenticate(timed.name, timed.phone.nextCode()))
      let before = try Clock.offset
      if let seconds { try Clock.advance(seconds) } else { try Clock.move(to: 5) }
      for limit in ["logins", "unlimited", "both", "days"] {
        try Machine.configure("[Allowance]\nlimit=\(limit)\n")
        // Of a phone that is right, and of one that goes with the clock.
        try expectUntrusted(timed.name, timed.phone.code(ahead: 60 - Clock.offset), atPrompts: true)
        try expectUntrusted(timed.name, timed.phone.code())
        if limit == "logins" || limit == "unlimited" {
          expectYes(try Factor.root.authenticate(counted.name, nextCount()))
          expectIn(try PAMHost.login(counted.name, nextCount()))
        } else {
          try expectUntrusted(counted.name, counted.phone.code(counter: counter + 1), atPrompts: limit == "days")
        }
        // Six wrong ones would lock.
        for _ in 1...6 { expectRefused(try Factor.root.authenticate(timed.name, "000000"), "ClockUntrusted") }
        try Machine.stopService()
      }
      try Machine.configure("")
      try Clock.set(before)
      #expect(try Factor.root.allowance(timed.name)["remaining"] == "9")
      #expect(try Factor.root.allowance(counted.name)["remaining"] == "6")
      expectIn(try PAMHost.login(timed.name, timed.phone.nextCode()), saying: "8 offline logins remaining.")
    }

    @Test("a clock that is set back is the administrator's to vouch for; codes that were spent stay spent")
    func renewal() throws {
      try Machine.configure("[Allowance]\nlimit=both\n")
      expectYes(try Factor.root.authenticate(timed.name, timed.phone.nextCode()))
      try Clock.advance(-86_400)
      for person in [timed, counted] { #expect(try Factor.root.renew(person.name)["state"] == "ready") }
      expectIn(try PAMHost.login(counted.name, nextCount()))
      // Those of the day before are older than one that was used; those of the world do not fit this clock.
      expectRefused(try Factor.root.authenticate(timed.name, timed.phone.code()), "ResponseReplayed")
      expectRefused(try Factor.root.authenticate(timed.name, timed.phone.code(ahead: 86_460)), "BadResponse")
      // Right again it is ahead of what was vouched for, and that is no matter.
      try Clock.advance(86_400)
      for (person, code) in [(timed, try timed.phone.nextCode()), (counted, try nextCount())] {
        expectIn(try PAMHost.login(person.name, code))
      }
    }

    @Test("ten years forward and back: what was only looked at leaves no trace, what was relied on does")
    func forward() throws {
      let tenYears = 3650 * 86_400
      try Machine.configure("[Allowance]\nlimit=logins\n")
      try Clock.advance(tenYears)
      expectRefused(try Factor.root.authenticate(timed.name, timed.phone.code(ahead: 60 - tenYears)), "BadResponse")
      for name in [timed.name, counted.name] { #expect(try Factor.root.allowance(name)["state"] == "ready") }
      try Clock.advance(-tenYears)
      expectYes(try Factor.root.authenticate(timed.name, timed.phone.nextCode()))
      // Enough failures for a lock do not make it last ten years.
      try Clock.advance(tenYears)
      for _ in 1...5 { expectRefused(try Factor.root.authenticate(timed.name, "000000"), "BadResponse") }
      try Clock.advance(-tenYears)
      expectRefused(try Factor.root.authenticate(timed.name, timed.phone.code(ahead: 30)), "Locked")
      try Clock.advance(31)
      expectYes(try Factor.root.authenticate(timed.name, timed.phone.nextCode()))
      // A yes relies on the time.
      try Clock.advance(tenYears)
      expectYes(try Factor.root.authenticate(counted.name, nextCount()))
      try Clock.advance(-tenYears)
      try expectUntrusted(timed.name, timed.phone.nextCode())
      expectYes(try Factor.root.authenticate(counted.name, nextCount()))
      expectYes(try Factor.root.renew(timed.name))
      expectYes(try Factor.root.authenticate(timed.name, timed.phone.nextCode()))
    }

    @Test("ten years forward and back: a last day that was seen to end has ended, until it is renewed")
    func forwardOverTheEnd() throws {
      let tenYears = 3650 * 86_400
      try Machine.configure("[Allowance]\nlimit=days\n")
      let lastDay = try Factor.root.allowance(timed.name)["last-day"]
      try Clock.advance(tenYears)
      for (name, code) in [(timed.name, try timed.phone.code()), (counted.name, try counted.phone.code(counter: 1))] {
        let answer = try Factor.root.authenticate(name, code)
        expectRefused(answer, "AllowanceExpired")
        #expect(answer.sentence.hasPrefix("Offline access ended on "))
        expectOut(try PAMHost.login(name, code), saying: "Offline access ended on ")
      }
      for restarted in [false, true] {
        if restarted { try Machine.stopService(signal: SIGKILL) }
        try Clock.advance(-tenYears)
        try expectUntrusted(timed.name, timed.phone.nextCode())
        try expectUntrusted(counted.name, counted.phone.code(counter: 1))
        #expect(try Factor.root.allowance(timed.name)["last-day"] == lastDay)
        try Clock.advance(tenYears)
      }
      try Clock.advance(-tenYears)
      expectYes(try Factor.root.renew(timed.name))
      expectYes(try Factor.root.authenticate(timed.name, timed.phone.nextCode()))
    }

    @Test("a clock that is moved while a set-up waits neither ends it nor lets a code in that does not fit it")
    func pending() throws {
      try Machine.configure("[Activation]\nstanding-alone=first-login\n")
      for seconds in [-3600, 3600, -86_400, 3650 * 86_400] {
        let (name, other) = (try Machine.newUser(), try Machine.newUser())
        // root stands for nobody here, so these set-ups speak for no clock.
        let first = expectYes(try Factor.root.activate(name))
        let second = expectYes(try Factor.root.activate(other))
        let phone = try Phone(uri: try #require(first["uri"]))
        let others = try Phone(uri: try #require(second["uri"]))
        try Clock.advance(seconds)
        let ofTheWorld = try Factor.root.confirm(first.path, phone.code(ahead: -seconds))
        expectRefused(ofTheWorld, seconds < 0 ? "ClockUntrusted" : "BadResponse")
        #expect(
          ofTheWorld.sentence
            == (seconds < 0
              ? Self.untrusted
              : "That code does not fit. Type the one the app shows now; check the clocks of the phone and of this computer.")
        )
        if seconds < 0 { expectRefused(try Factor.root.confirm(second.path, others.code()), "ClockUntrusted") }
        try Clock.advance(-seconds)
        #expect(try Factor.root.allowance(name)["activated"] == "0")
        expectYes(try Factor.root.confirm(first.path, phone.code()))
        expectYes(try Factor.root.confirm(second.path, others.code()))
        expectYes(try Factor.root.authenticate(name, phone.nextCode()))
      }
    }

    @Test("a set-up that an administrator stands behind takes the clock as it is, with a code that fits it")
    func grantedWhilePending() throws {
      let name = try Machine.newUser()
      try Machine.configure("")
      let answer = expectYes(try Factor.root.activate(name))
      let phone = try Phone(uri: try #require(answer["uri"]))
      try Clock.advance(-86_400)
      let wrong = try Factor.root.confirm(answer.path, phone.code(ahead: 86_400))
      expectRefused(wrong, "BadResponse")
      #expect(wrong.sentence.contains("check the clocks of the phone and of this computer"))
      expectYes(try Factor.root.confirm(answer.path, phone.code()))
      expectIn(try PAMHost.login(name, phone.nextCode()))
    }

    @Test(
      "the last second of the last day is a yes, the next is the end, and a step back over it is none",
      arguments: [
        ("Etc/UTC", "2027-06-14"), ("Europe/Berlin", "2027-10-31"), ("Europe/Berlin", "2028-03-26"),
        // Where midnight itself is skipped, and on either side of the date line.
        ("America/Sao_Paulo", "2017-10-14"), ("Pacific/Kiritimati", "2027-12-31"), ("Pacific/Pago_Pago", "2028-02-29"),
      ])
    func lastDay(zone: String, date: String) throws {
      try Machine.reset("[Allowance]\nlimit=days\ndays=2\n")
      try use(zone: zone)
      func seconds(_ text: String) throws -> Int {
        try #require(Int(trimmed(run("date", "-d", text, "+%s", environment: ["TZ": zone]).expectSuccess().output)))
      }
      try Clock.freeze(at: seconds("\(date) 12:00 2 days ago"))
      let person = try Self.person()
      let end = try seconds("\(date) 12:00 1 day") - 43_200
      // Noon less half a day is midnight, or an hour before it where that is skipped: the first second of the day.
      let skipped = try run("date", "-d", "@\(end)", "+%F", environment: ["TZ": zone]).output.hasPrefix(date) ? 3600 : 0
      let midnight = end + (zone == "America/Sao_Paulo" ? max(0, skipped) : 0)
      let report = try Factor.root.allowance(person.name)
      #expect(report["last-day"] == date)
      #expect(report["expires"] == String(midnight))
      try Clock.freeze(at: midnight - 1)
      expectYes(try Factor.root.authenticate(person.name, person.phone.code(at: midnight - 31)))
      #expect(try Factor.root.allowance(person.name)["state"] == "ready")
      try Clock.freeze(at: midnight)
      expectRefused(try Factor.root.authenticate(person.name, person.phone.code(at: midnight)), "AllowanceExpired")
      for (time, reason) in [
        (midnight - 1, "AllowanceExpired"), (midnight - 60, "AllowanceExpired"), (midnight - 61, "ClockUntrusted"),
      ] {
        try Clock.freeze(at: time)
        expectRefused(try Factor.root.authenticate(person.name, person.phone.code(at: midnight)), reason)
        try Machine.stopService()
        expectRefused(try Factor.root.authenticate(person.name, person.phone.code(at: midnight)), reason)
      }
    }

    /// Sets the machine's time zone, as timedatectl does.
    private func use(zone: String) throws {
      try run("ln", "-sfn", "/usr/share/zoneinfo/\(zone)", "/etc/localtime").expectSuccess()
    }

    @Test("another time zone counts from the next call on, in a service that runs too")
    func zone() throws {
      try Machine.reset("[Allowance]\nlimit=days\ndays=1\n")
      try use(zone: "Etc/UTC")
      try Clock.move(to: 1_812_888_000)  // 13 June 2027, 12:00 UTC
      let person = try Self.person()
      let midnight = 1_812_888_000 + 43_200 + 86_400
      let pid = try Machine.servicePID()
      func state() throws -> String? { try Factor.root.allowance(person.name)["state"] }
      #expect(try Factor.root.allowance(person.name)["expires"] == String(midnight))
      try Clock.move(to: midnight - 1800)
      try use(zone: "America/New_York")
      #expect(try Factor.root.allowance(person.name)["expires"] == String(midnight + 4 * 3600))
      #expect(try state() == "ready")
      try use(zone: "Europe/Berlin")
      #expect(try Factor.root.allowance(person.name)["expires"] == String(midnight - 2 * 3600))
      expectRefused(
        try Factor.root.authenticate(person.name, person.phone.nextCode()), "AllowanceExpired")
      #expect(try pid != nil && Machine.servicePID() == pid)
    }
  }
}
