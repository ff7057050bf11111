import Foundation
import OfflineAccess
import Testing

extension IntegrationTests {
  @Suite("What the doctor finds")
  final class Doctor {
    private let pam: String

    init() throws {
      pam = try String(contentsOfFile: "/etc/pam.d/su", encoding: .utf8)
      try Machine.reset("[Allowance]\nlogins=4\n")
      try stack("auth requisite pam_unix.so nodelay", "auth required pam_offline_access.so purpose=elevation")
    }

    deinit {
      try? Machine.write(pam, to: "/etc/pam.d/su")
      _ = try? run("chmod", "700", "/var/lib/offline-access")
    }

    private func stack(_ lines: String...) throws {
      try Machine.write(
        (lines + ["account required pam_unix.so", "session required pam_permit.so"]).joined(separator: "\n") + "\n",
        to: "/etc/pam.d/su")
    }

    /// The checks of one name, by result.
    private func checks(_ name: String, status: Int32, _ sourceLocation: SourceLocation = #_sourceLocation) throws
      -> [(result: String, message: String, details: [String])]
    {
      let result = try run("offline-access", "doctor", "--json")
      #expect(result.status == status, "\(result.output)", sourceLocation: sourceLocation)
      let all = try #require(try object(result.output)["checks"] as? [[String: Any]])
      return all.filter { $0["name"] as? String == name }.map {
        ($0["result"] as? String ?? "", $0["message"] as? String ?? "", $0["details"] as? [String] ?? [])
      }
    }

    @Test("a healthy machine: nothing fails")
    func healthy() throws {
      let user = try Machine.newUser()
      _ = try Phone.activated(user)
      let result = try run("offline-access", "doctor", "--user", user).expectSuccess()
      #expect(!result.output.contains("FAIL"), "\(result.output)")
      #expect(result.output.contains("0 failures") || result.output.contains("All is well."), "\(result.output)")
      #expect(result.output.contains("\(user): 4 offline logins remaining"), "\(result.output)")
      let asked = try #require(try checks("pam", status: 0).first)
      #expect(asked.result == "ok")
      #expect(asked.details.contains("/etc/pam.d/su:2: su, su-l"), "\(asked.details)")
      #expect(try checks("pam-stack", status: 0).isEmpty)
    }

    @Test("an ordinary user may run it too, and is told that root sees more")
    func ordinaryUser() throws {
      let user = try Machine.newUser()
      let result = try run("offline-access", "doctor", as: user).expectSuccess()
      #expect(result.output.contains("run it with sudo for a full check"))
    }

    @Test("settings in force, each with where it comes from")
    func settings() throws {
      try Machine.write("[Allowance]\n\nlogins=6\n", to: "/etc/offline-access/offline-access.conf.d/50-more.conf")
      let report = try object(run("offline-access", "doctor", "--json").expectSuccess().output)
      let settings = try #require(report["configuration"] as? [[String: String]])
      func setting(_ key: String) -> [String: String]? { settings.first { $0["key"] == key } }
      #expect(
        setting("logins") == [
          "section": "Allowance", "key": "logins", "value": "6",
          "source": "/etc/offline-access/offline-access.conf.d/50-more.conf:3",
        ])
      #expect(setting("days")?["source"] == "default")
      #expect(settings.count == Setting.all.count)
      let words = try run("offline-access", "doctor").output
      #expect(words.contains("[Allowance] logins=6  (/etc/offline-access/offline-access.conf.d/50-more.conf:3)"))
      #expect(words.contains("[Factor] passcode=totp  (default)"))
    }

    @Test("the factor before the password is warned of")
    func beforePassword() throws {
      try stack("auth required pam_offline_access.so", "auth required pam_unix.so nodelay")
      let found = try checks("pam-stack", status: 0)
      #expect(
        found.contains {
          $0.result == "warn" && $0.message.contains("/etc/pam.d/su:1 asks for the second factor before the password")
        }, "\(found)")
    }

    @Test("a stack that lets in without the factor fails")
    func skipped() throws {
      try stack("auth sufficient pam_unix.so nodelay", "auth required pam_offline_access.so")
      var found = try checks("pam-stack", status: 1)
      #expect(found.contains { $0.result == "fail" && $0.message.contains("/etc/pam.d/su:1") }, "\(found)")
      try stack("auth required pam_unix.so nodelay", "auth optional pam_offline_access.so")
      found = try checks("pam-stack", status: 1)
      #expect(
        found.contains { $0.result == "fail" && $0.message.contains("“optional” at /etc/pam.d/su:2") }, "\(found)")
    }

    @Test("no line at all is warned of")
    func noLine() throws {
      try stack("auth required pam_unix.so nodelay")
      let found = try #require(try checks("pam", status: 0).first)
      #expect(found.result == "warn")
      #expect(found.message.contains("auth required pam_offline_access.so"))
    }

    @Test("a state folder that others can enter fails, with the cure")
    func stateFolder() throws {
      _ = try Factor.root.allowance("alice")
      #expect(try checks("storage", status: 0).first?.result != "fail")
      try run("chmod", "755", "/var/lib/offline-access").expectSuccess()
      let found = try #require(try checks("storage", status: 1).first)
      #expect(found.result == "fail")
      #expect(found.message.contains("chmod 0700 /var/lib/offline-access"))
      try run("chmod", "700", "/var/lib/offline-access").expectSuccess()
      #expect(try checks("storage", status: 0).first?.result != "fail")
    }

    @Test("a broken configuration fails with file and line, and the service's own answer says so too")
    func configuration() throws {
      try Machine.configure("[Allowance]\nlogins=4\nlogons=5\n")
      let place = "/etc/offline-access/offline-access.conf:3: unknown key “logons” in [Allowance]"
      let found = try #require(try checks("configuration", status: 1).first)
      #expect(found.result == "fail" && found.message.contains(place), "\(found)")
      let words = try run("offline-access", "doctor")
      #expect(words.status == 1)
      #expect(words.output.components(separatedBy: place).count == 3, "\(words.output)")
    }

    @Test("a part of the installation that is missing, or open to others, fails")
    func installation() throws {
      let module = trimmed(try run("sh", "-c", "ls /usr/lib/*/security/pam_offline_access.so").output)
      try run("mv", module, "/run/module").expectSuccess()
      defer { _ = try? run("mv", "/run/module", module) }
      let found = try #require(try checks("pam-module", status: 1).first)
      #expect(found.result == "fail" && found.message.contains("make install"), "\(found)")
      try run("chmod", "g+w", "/usr/libexec/offline-access-helper").expectSuccess()
      defer { _ = try? run("chmod", "g-w", "/usr/libexec/offline-access-helper") }
      #expect(try checks("helper", status: 1).first?.message.contains("chmod go-w") == true)
    }

    @Test("what an administrator may have chosen without meaning it is warned of")
    func remarks() throws {
      try Machine.configure("[Failure]\nmode=open\n[Allowance]\nlimit=unlimited\n[Factor]\nexempt=root;@sudo\n")
      for name in ["failure-mode", "limit", "exempt"] {
        #expect(try checks(name, status: 0).map(\.result) == ["warn"])
      }
    }
  }
}
