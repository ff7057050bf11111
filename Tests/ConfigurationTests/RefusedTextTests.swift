import Configuration
import Testing

@Suite("A configuration that is refused")
struct RefusedTextTests {
  /// A wrong text, the line to blame and what the reason has to name.
  struct Wrong: CustomTestStringConvertible, Sendable {
    let text: String
    let line: Int
    var names: [String]
    var testDescription: String { text.debugDescription }

    init(_ text: String, _ line: Int, _ names: String...) {
      self.text = text
      self.line = line
      self.names = names
    }

    /// One setting in its section, on the second line.
    static func key(_ section: String, _ setting: String, _ names: String...) -> Wrong {
      var wrong = Wrong("[\(section)]\n\(setting)\n", 2)
      wrong.names = names
      return wrong
    }
  }

  static let structure: [Wrong] = [
    Wrong("[Service]\nidle=3\n", 2, "unknown key", "idle", "[Service]"),
    Wrong("[Service]\nidle-exit=3\n\n# note\nlogins=5\n", 5, "unknown key", "logins", "[Service]"),
    Wrong("[Allowance]\nLogins=5\n", 2, "unknown key", "Logins"),
    Wrong("[allowance]\nlogins=5\n", 2, "unknown section", "[allowance]"),
    Wrong("[Alowance]\nlogins=5\n", 2, "unknown section", "[Alowance]"),
    Wrong("\n[Nothing]\n[Service]\nidle-exit=3\n", 2, "unknown section", "[Nothing]"),
    Wrong("[Service]\n[]\n", 2, "[]", "section"),
    Wrong("[]\nidle-exit=3\n", 1, "[]", "section"),
    Wrong("[ Service ]\nidle-exit=3\n", 2, "[ Service ]"),
    Wrong("[Service\nidle-exit=3\n", 1, "[Service", "section"),
    Wrong("[Service] # the service\nidle-exit=3\n", 1, "[Service] # the service"),
    Wrong("[Ser]vice]\nidle-exit=3\n", 1, "Ser]vice"),
    Wrong("idle-exit=3\n[Service]\n", 1, "idle-exit", "before"),
    Wrong("# fine\n\nidle-exit=3\n", 3, "idle-exit", "before"),
    Wrong("[Service]\nidle-exit\n", 2, "idle-exit"),
    Wrong("[Service]\nidle-exit: 3\n", 2, "idle-exit: 3"),
    Wrong("[Service]\n=3\n", 2, "=3"),
    Wrong("[Service]\n; a comment of another format\n", 2, "; a comment"),
    Wrong("[Service]\nidle-exit=3\nidle-exit=4\n", 3, "idle-exit", "twice", "line 2"),
    Wrong("[Service]\nidle-exit=3\n[Allowance]\nlogins=5\n[Service]\nidle-exit=3\n", 6, "idle-exit", "line 2"),
    Wrong("[Allowance]\nlogins[de]=5\n", 2, "logins[de]"),
    Wrong("[Allowance]\nlo[gins=5\n", 2, "lo[gins"),
    Wrong("[Service]\ridle-exit=3\r", 1, "[Service]"),
    Wrong("\u{feff}[Service]\nidle-exit=3\n", 1, "[Service]"),
    Wrong("[Service]\nidle-exit=3\n[Authority]\nhosts=example.org\n", 4, "unknown key", "hosts", "[Authority]"),
    Wrong("[Service]\n\u{c}idle-exit=3\n", 2, "idle-exit"),
  ]

  static let values: [Wrong] =
    ["many", "-1", "+5", "5.0", "", "99999999999999999999", "0x10", "1e1", "٣", "5 5", "0", "1000001", "5;"].map {
      .key("Allowance", "logins=\($0)", "logins=\($0)", "whole number from 1 to 1000000")
    } + [
      .key("Allowance", "days=0", "days=0", "from 1 to 3650"),
      .key("Allowance", "days=3651", "days=3651", "from 1 to 3650"),
      .key("Allowance", "warn-at=-3", "warn-at=-3", "from 0 to 1000"),
      .key("Allowance", "warn-at=1001", "warn-at=1001", "from 0 to 1000"),
      .key("Failure", "attempts=0", "attempts=0", "from 1 to 100"),
      .key("Failure", "attempts=101", "attempts=101", "from 1 to 100"),
      .key("Service", "idle-exit=86401", "idle-exit=86401", "from 0 to 86400"),
      .key("Service", "idle-exit=9223372036854775808", "idle-exit=9223372036854775808", "from 0 to 86400"),
      .key("Factor", "passcode=TOTP", "passcode=TOTP", "totp, hotp"),
      .key("Factor", "passcode=", "passcode=", "totp, hotp"),
      .key("Factor", "passcode=totp;hotp", "passcode=totp;hotp", "totp, hotp"),
      .key("Activation", "standing-alone=user", "standing-alone=user", "administrator, first-login"),
      .key("Allowance", "limit=none", "limit=none", "logins, days, both, unlimited"),
      .key("Failure", "mode=Open", "mode=Open", "closed, open"),
      .key("Failure", "mode=open closed", "mode=open closed", "closed, open"),
      .key("Factor", "methods=", "methods=", "at least one"),
      .key("Factor", "methods=passcode;yubikey", "“yubikey”", "passcode, security-key"),
      .key("Factor", "methods=passcode,security-key", "“passcode,security-key”"),
      .key("Factor", "methods=;passcode", "“”", "passcode, security-key"),
      .key("Allowance", "counts=login;logon", "“logon”", "login, unlock, elevation"),
      .key("Allowance", "counts=login;;unlock", "“”"),
      .key("Service", "greeter-users=light dm", "“light dm”"),
      .key("Service", "greeter-users=lightdm;;gdm", "“”"),
      .key("Service", "greeter-users=a:b", "“a:b”"),
      .key("Factor", "exempt=@", "exempt=@", "group"),
      .key("Factor", "exempt=root;@", "exempt=root;@", "group"),
      .key("Factor", "exempt=the root", "“the root”"),
      .key("Factor", "issuer=Example: Laptops", "issuer=Example: Laptops", "colon"),
      .key("Factor", "issuer=" + String(repeating: "x", count: 65), "issuer=xxx", "64"),
      .key("Factor", "issuer=two\\nlines", "issuer=", "control"),
      .key("Factor", "issuer=\\q", "issuer"),
      .key("Factor", "issuer=ends\\", "issuer"),
      .key("Authority", "kind=duo", "kind=duo", "“host”"),
      .key("Authority", "kind=radius", "kind=radius", "“servers”"),
      .key("Authority", "kind=privacyidea", "kind=privacyidea", "“url”"),
      .key("Authority", "url=http://mfa.example.org", "url=http", "https://"),
      .key("Authority", "url=https://", "url=https", "https://"),
      .key("Authority", "url=https://mfa.example.org/?realm=x", "url=https", "https://"),
      .key("Authority", "host=api example", "host=api", "NAME[:PORT]"),
      .key("Authority", "host=api.example.org/auth", "host=api", "NAME[:PORT]"),
      .key("Authority", "servers=one;;two", "servers=one", "NAME[:PORT]"),
      .key("Authority", "skey-file=skey", "skey-file=skey", "absolute path"),
      .key("Authority", "secret-file=credential:", "secret-file=", "credential:NAME"),
      .key("Authority", "secret-file=credential:../shadow", "secret-file=", "credential:NAME"),
      .key("Authority", "ca-file=ca.pem", "ca-file=ca.pem", "absolute path"),
      .key("Authority", "public-key=key.pem", "public-key=key.pem", "absolute path"),
      .key("Authority", "pinned-key=abc", "pinned-key=abc", "sha256//"),
      .key("Authority", "proxy=socks5://proxy:1080", "proxy=socks5", "http://"),
      .key("Authority", "user=alice", "user=alice", "%u"),
      .key("Authority", "user=%u@%x", "user=%u@%x", "percent"),
      .key("Authority", "user=%u%", "user=%u%", "percent"),
      .key("Authority", "push=maybe", "push=maybe", "no, yes"),
      .key("Authority", "timeout=0", "timeout=0", "1 to 8"),
      .key("Authority", "timeout=9", "timeout=9", "1 to 8"),
      .key("Authority", "bypass=yes", "bypass=yes", "refuse, allow"),
      .key("Authority", "misconfigured=open", "misconfigured=open", "refuse, offline"),
      .key("Activation", "later=never", "later=never", "whole number"),
      .key("Allowance", "while-connected=-1", "while-connected=-1", "whole number"),
      .key("Authority", "kind=ldap", "kind=ldap", "none"),
      .key("Authority", "kind=", "kind=", "none"),
    ]

  @Test("A wrong line is blamed by file, line and what stands on it", arguments: structure)
  func wrongLine(_ wrong: Wrong) throws { try check(wrong) }

  @Test("A wrong value is blamed by file, line, key, value and what would be right", arguments: values)
  func wrongValue(_ wrong: Wrong) throws { try check(wrong) }

  private func check(_ wrong: Wrong) throws {
    let fixture = try ConfigurationFixture(wrong.text)
    let error = try #require(fixture.error())
    #expect(error.file == fixture.files.main)
    #expect(error.line == wrong.line)
    for name in wrong.names { #expect(error.reason.contains(name)) }
    #expect(error.description == "\(fixture.files.main):\(wrong.line): \(error.reason)")
  }

  @Test(
    "Bytes that are no text are blamed by their line",
    arguments: [
      ([0xff], 1), ([0x5b, 0xc3, 0x28, 0x5d], 1), (Array("[Factor]\nissuer=B".utf8) + [0xfc] + Array("ro\n".utf8), 2),
      (Array("# a\n\n# ".utf8) + [0xed, 0xa0, 0x80], 3), (Array("[Factor]\n\n\nissuer=a".utf8) + [0, 0x0a], 4),
      (Array("[Service]\n# ".utf8) + [0], 2),
    ] as [([UInt8], Int)])
  func notText(_ bytes: [UInt8], _ line: Int) throws {
    let fixture = try ConfigurationFixture()
    try fixture.write(bytes, to: fixture.files.main)
    let error = try #require(fixture.error())
    #expect(error.file == fixture.files.main)
    #expect(error.line == line)
    #expect(error.reason.contains("UTF-8"))
  }

  @Test("Whatever is done to a good file, it is accepted or blamed by a line that it has")
  func mutated() throws {
    let good = Array(
      "# comment\n[Service]\nidle-exit=30\n\n[Factor]\nissuer=Example\nexempt=root;@staff\n[Allowance]\nlogins = 10\n"
        .utf8)
    let pieces: [[UInt8]] =
      ["[", "]", "=", "\n", "\\", ";", "#", " ", "\t", "\r", "\u{c}", "\u{301}", "[x]", "@", "0"].map {
        Array($0.utf8)
      } + [[0], [0x80]]
    let fixture = try ConfigurationFixture()
    for index in 0...good.count {
      for piece in pieces {
        for removed in [0, 1] {
          let changed = good.prefix(index) + piece + good.dropFirst(index + removed)
          try fixture.write(Array(changed), to: fixture.files.main)
          guard let error = fixture.error() else { continue }
          let lines = changed.count { $0 == 0x0a } + 1
          let blamed = error.line.map { (1...lines).contains($0) } ?? false
          #expect(blamed, "\(error) in \(String(decoding: changed, as: UTF8.self).debugDescription)")
        }
      }
    }
  }
}
