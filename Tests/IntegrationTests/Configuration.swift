import Foundation
import Testing

extension IntegrationTests {
  @Suite("The configuration, read by the running service")
  struct Configuration {
    private static let folder = "/etc/offline-access"
    private static let main = "/etc/offline-access/offline-access.conf"

    init() throws { try Machine.reset() }

    /// A wrong configuration and what is said of it.
    struct Mistake: CustomTestStringConvertible, Sendable {
      let text: String
      let line: Int
      let reason: String
      var testDescription: String { text.prefix(60).debugDescription }

      init(_ text: String, _ line: Int, _ reason: String) { (self.text, self.line, self.reason) = (text, line, reason) }
    }

    static let mistakes = [
      Mistake("[Allowance]\nlogons=5\n", 2, "unknown key “logons” in [Allowance]"),
      Mistake("# fine\n\n[Allowances]\nlogins=5\n", 4, "unknown section [Allowances]"),
      Mistake("[Allowance]\n[Nothing]\n", 2, "unknown section [Nothing]"),
      Mistake("logins=5\n", 1, "“logins” stands before any [Section]"),
      Mistake("[Allowance]\nlogins=5\nlogins=6\n", 3, "“logins” is given twice; first on line 2"),
      Mistake("[Allowance]\nlogins=5\n[Failure]\n[Allowance]\nlogins=6\n", 5, "is given twice"),
      Mistake("[Allowance]\nlogins\n", 2, "neither a section, a comment nor KEY=VALUE"),
      Mistake("[Allowance\nlogins=5\n", 1, "is no section"),
      Mistake("[]\n", 1, "is no section"),
      Mistake("[Allowance]\n; logins=5\n", 2, "unknown key “; logins” in [Allowance]"),
      Mistake("[Allowance]\nlogins=\n", 2, "expected a whole number from 1 to 1000000"),
      Mistake("[Allowance]\nlogins=0\n", 2, "expected a whole number"),
      Mistake("[Allowance]\nlogins=-1\n", 2, "expected a whole number"),
      Mistake("[Allowance]\nlogins=+5\n", 2, "expected a whole number"),
      Mistake("[Allowance]\nlogins=5.0\n", 2, "expected a whole number"),
      Mistake("[Allowance]\nlogins=five\n", 2, "expected a whole number"),
      Mistake("[Allowance]\nlogins=99999999999999999999\n", 2, "expected a whole number"),
      Mistake("[Allowance]\nlogins=5 # of them\n", 2, "expected a whole number"),
      Mistake("[Allowance]\ndays=3651\n", 2, "from 1 to 3650"),
      Mistake("[Allowance]\nlimit=none\n", 2, "expected logins, days, both, unlimited"),
      Mistake("[Allowance]\ncounts=login,elevation\n", 2, "is none of login, unlock, elevation"),
      Mistake("[Failure]\nmode=OPEN\n", 2, "expected closed, open"),
      Mistake("[Failure]\nattempts=0\n", 2, "from 1 to 100"),
      Mistake("[Service]\nidle-exit=1h\n", 2, "from 0 to 86400"),
      Mistake("[Service]\ngreeter-users=gdm lightdm\n", 2, "is no name"),
      Mistake("[Factor]\nmethods=\n", 2, "at least one is needed"),
      Mistake("[Factor]\nmethods=passcode;fax\n", 2, "“fax” is none of passcode, security-key"),
      Mistake("[Factor]\npasscode=sms\n", 2, "expected totp, hotp"),
      Mistake("[Factor]\nissuer=a:b\n", 2, "without colon"),
      Mistake("[Factor]\nissuer=" + String(repeating: "x", count: 65) + "\n", 2, "at most 64 characters"),
      Mistake("[Factor]\nissuer=a\\qb\n", 2, "cannot be interpreted"),
      Mistake("[Factor]\nexempt=root;@\n", 2, "a group's name is missing behind @"),
      Mistake("[Factor]\nexempt=root;;alice\n", 2, "“” is no name"),
      Mistake("[Activation]\nstanding-alone=anybody\n", 2, "expected administrator, first-login"),
      Mistake("[Authority]\nkind=duo\n", 2, "kind=duo needs “host”"),
      Mistake("[Factor]\nissuer=a\u{0}b\n", 2, "not valid UTF-8 text"),
    ]

    @Test("a mistake closes the door with file and line, until it is corrected", arguments: mistakes)
    func mistake(_ mistake: Mistake) throws {
      try Machine.configure("[Service]\nidle-exit=0\n")
      expectYes(try Factor.root.allowance("alice"))
      let pid = try Machine.servicePID()
      try expectRefusal("\(Self.main):\(mistake.line): ", mistake.reason) { try Machine.configure(mistake.text) }
      try Machine.configure("")
      expectYes(try Factor.root.allowance("alice"))
      #expect(try pid != nil && Machine.servicePID() == pid)
    }

    @Test("a file that is no text is refused by its line")
    func noText() throws {
      try expectRefusal("\(Self.main):2: ", "not valid UTF-8 text") {
        try Data([0x23, 0x0A, 0x23, 0xFF, 0xFE, 0x0A]).write(to: URL(fileURLWithPath: Self.main))
      }
    }

    @Test(
      "a file that is not to be trusted, or no file, is refused by its name",
      arguments: [
        ("chmod g+w FILE", "writable by root alone"), ("chmod o+w FILE", "writable by root alone"),
        ("chown alice FILE", "must belong to root"), ("rm FILE; mkdir FILE", "not a regular file"),
        ("rm FILE; mkfifo -m 600 FILE", "not a regular file"), ("rm FILE; ln -s FILE FILE", "symbolic links"),
        ("rm FILE; ln -s /dev/zero FILE", "not a regular file"), ("truncate -s 2M FILE", "larger than"),
        (
          "printf '[Failure]\\nmode=open\\n' >/run/alices; chown alice /run/alices; rm FILE; ln -s /run/alices FILE",
          "must belong to root"
        ),
        ("rmdir FILE.d; echo >FILE.d", "Not a directory"),
      ])
    func untrusted(spoil: String, reason: String) throws {
      defer { _ = try? run("sh", "-c", "rm -rf \(Self.main) \(Self.main).d; mkdir \(Self.main).d") }
      expectYes(try Factor.root.allowance("alice"))
      try expectRefusal(Self.main, reason) {
        try run("sh", "-c", spoil.replacingOccurrences(of: "FILE", with: Self.main)).expectSuccess()
      }
      try run("sh", "-c", "rm -rf \(Self.main) \(Self.main).d; mkdir \(Self.main).d").expectSuccess()
      expectYes(try Factor.root.allowance("alice"))
    }

    @Test("nothing is granted while the configuration is wrong, and nothing is lost")
    func closed() throws {
      let (user, other) = (try Machine.newUser(), try Machine.newUser())
      let phone = try Phone.activated(user)
      let code = try phone.nextCode()
      try Machine.configure("[Failure]\nmode=open\nmood=good\n")
      for answer in [
        try Factor.root.authenticate(user, code), try Factor.root.authenticate(other, ""),
        try Factor.root.authenticate("root", ""), try Factor.root.activate(other), try Factor.root.reactivate(user),
        try Factor.root.renew(user), try Factor.root.deactivate(user), try Factor(user: user).authenticate("", code),
      ] {
        expectRefused(answer, "Failed")
        #expect(answer.sentence.contains("\(Self.main):3: "), "\(answer.sentence)")
      }
      try Machine.configure("")
      expectYes(try Factor.root.authenticate(user, code))
    }

    @Test("a service that starts with a mistake says so, and is right once it is corrected")
    func atStart() throws {
      try Machine.stopService()
      try expectRefusal("\(Self.main):1: ", "is no section") { try Machine.configure("[") }
      try Machine.configure("[Allowance]\nlogins=2\n")
      let user = try Machine.newUser()
      _ = try Phone.activated(user)
      #expect(try Factor.root.allowance(user)["remaining"] == "2")
    }

    @Test("drop-ins override the file, the later name the earlier one, key by key")
    func dropIns() throws {
      try Machine.configure("[Allowance]\nlimit=both\nlogins=2\ndays=2\n")
      try Machine.write("[Allowance]\nlogins=3\n", to: "\(Self.main).d/10-a.conf")
      try Machine.write("[Allowance]\nlogins=4\n", to: "\(Self.main).d/20-b.conf")
      // Names that are none of a drop-in.
      try Machine.write("[Allowance]\nlogins=5\n", to: "\(Self.main).d/30-c.conf~")
      try Machine.write("[Allowance]\nlogins=6\n", to: "\(Self.main).d/.40-d.conf")
      let user = try Machine.newUser()
      _ = try Phone.activated(user)
      let allowance = try Factor.root.allowance(user)
      #expect(allowance["remaining"] == "4")
      #expect(allowance["limit"] == "both")
      try FileManager.default.removeItem(atPath: "\(Self.main).d/20-b.conf")
      #expect(try Factor.root.renew(user)["remaining"] == "3")
      try expectRefusal("\(Self.main).d/10-a.conf:2: ", "whole number") {
        try Machine.write("[Allowance]\nlogins=x\n", to: "\(Self.main).d/10-a.conf")
      }
    }

    @Test("a changed limit holds with the next call")
    func changedLimit() throws {
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      #expect(try Factor.root.allowance(user)["remaining"] == "10")
      let pid = try Machine.servicePID()
      try Machine.configure("[Allowance]\nlogins=1\n")
      #expect(try Factor.root.allowance(user)["remaining"] == "1")
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
      expectRefused(try Factor.root.authenticate(user, phone.nextCode()), "AllowanceExhausted")
      try Machine.configure("[Allowance]\nlimit=unlimited\n")
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
      try Machine.configure("[Failure]\nattempts=1\n")
      expectRefused(try Factor.root.authenticate(user, "000000"), "BadResponse")
      expectRefused(try Factor.root.authenticate(user, phone.code(ahead: 30)), "Locked")
      #expect(try Machine.servicePID() == pid)
    }

    /// Expects that `spoil` makes the next call fail with `place` and `reason`, in its sentence and in the log.
    private func expectRefusal(
      _ place: String, _ reason: String, _ sourceLocation: SourceLocation = #_sourceLocation, spoil: () throws -> Void
    ) throws {
      let log = try ServiceLog()
      try spoil()
      let answer = try Factor.root.allowance("alice")
      expectRefused(answer, "Failed", sourceLocation: sourceLocation)
      #expect(answer.sentence.contains(place), "\(answer.sentence)", sourceLocation: sourceLocation)
      #expect(answer.sentence.contains(reason), "\(answer.sentence)", sourceLocation: sourceLocation)
      // The bus's log is written without a locale: quotation marks come out as numbers there.
      try log.expect("the configuration is refused: \(place)", sourceLocation)
      for part in reason.split(whereSeparator: { "“”".contains($0) }) { try log.expect(part, sourceLocation) }
    }
  }
}

/// What the service wrote to its log from now on.
struct ServiceLog {
  private static let path = "/run/dbus-daemon.log"
  private let start: Int

  init() throws { start = try Data(contentsOf: URL(fileURLWithPath: Self.path)).count }

  var new: String {
    get throws {
      String(decoding: try Data(contentsOf: URL(fileURLWithPath: Self.path)).dropFirst(start), as: UTF8.self)
    }
  }

  func expect(_ text: some StringProtocol, _ sourceLocation: SourceLocation = #_sourceLocation) throws {
    let new = try new
    #expect(new.contains(text), sourceLocation: sourceLocation)
  }
}
