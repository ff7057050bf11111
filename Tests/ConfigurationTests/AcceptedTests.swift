import Configuration
import Foundation
import OfflineAccess
import Testing

@Suite("A configuration that is accepted")
struct AcceptedTests {
  @Test("Without any file the defaults hold")
  func nothing() throws {
    let loaded = try ConfigurationFixture().files.load()
    #expect(loaded.policy == Policy())
    #expect(loaded.effective.count == Setting.all.count)
    #expect(loaded.effective.allSatisfy { $0.source == "default" })
    #expect(try ConfigurationFiles(folder: "/nowhere/at/all").load().policy == Policy())
  }

  @Test("The defaults are those of the documentation")
  func defaults() throws {
    let expected = [
      "Service/idle-exit=30", "Service/greeter-users=lightdm;gdm;sddm;greeter",
      "Factor/methods=passcode;security-key", "Factor/passcode=totp", "Factor/issuer=", "Factor/exempt=root",
      "SecurityKey/verification=none", "SecurityKey/keys=listed", "SecurityKey/allow=", "SecurityKey/refuse=",
      "SecurityKey/attestation-ca-file=", "Activation/standing-alone=administrator", "Activation/later=",
      "Allowance/limit=logins", "Allowance/logins=10", "Allowance/days=7", "Allowance/while-connected=",
      "Allowance/counts=login;elevation", "Allowance/warn-at=3", "Failure/mode=closed", "Failure/attempts=5",
      "Authority/kind=none", "Authority/url=", "Authority/realm=", "Authority/public-key=", "Authority/host=",
      "Authority/ikey=", "Authority/skey-file=", "Authority/servers=", "Authority/secret-file=", "Authority/ca-file=",
      "Authority/pinned-key=", "Authority/proxy=", "Authority/user=%u", "Authority/push=no", "Authority/timeout=8",
      "Authority/bypass=refuse", "Authority/misconfigured=refuse",
    ]
    let effective = try ConfigurationFixture().files.load().effective
    #expect(effective.map { "\($0.section)/\($0.key)=\($0.value)" } == expected)
  }

  @Test("Every key takes effect")
  func everything() throws {
    let policy = try ConfigurationFixture(
      """
      [Service]
      idle-exit=0
      greeter-users=greetd
      [Factor]
      methods=security-key;passcode;
      passcode=hotp
      issuer=Example Ltd
      exempt=backup;@operators
      [SecurityKey]
      verification=required
      keys=chosen
      allow=1050:0407;096e:*;
      refuse=f8a011f3-8c0a-4d15-8006-17111f9edc7d
      attestation-ca-file=/etc/offline-access/roots.pem
      [Activation]
      standing-alone=first-login
      later=3
      [Allowance]
      limit=both
      logins=1000000
      days=3650
      while-connected=0
      counts=unlock
      warn-at=0
      [Failure]
      mode=open
      attempts=100
      [Authority]
      kind=privacyidea
      url=https://mfa.example.org:8443/pi
      realm=staff
      public-key=/etc/offline-access/pi.pem
      host=api-12345678.duosecurity.com
      ikey=DI0123456789
      skey-file=/etc/offline-access/skey
      servers=radius1.example.org;[2001:db8::1]:1812
      secret-file=credential:radius
      ca-file=/etc/offline-access/ca.pem
      pinned-key=sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
      proxy=http://proxy.example.org:3128
      user=%u@%h
      push=yes
      timeout=5
      bypass=allow
      misconfigured=offline
      """
    ).policy()
    var expected = Policy()
    expected.idleExit = 0
    expected.greeterUsers = ["greetd"]
    expected.methods = [.securityKey, .passcode]
    expected.passcode = .hotp
    expected.issuer = "Example Ltd"
    expected.exempt = [.user("backup"), .group("operators")]
    expected.securityKeys.verification = .required
    expected.securityKeys.admission = .chosen
    expected.securityKeys.allowed = [.product(vendor: 0x1050, product: 0x0407), .vendor(0x096E)]
    expected.securityKeys.refused = try [.model(#require(AAGUID("f8a011f3-8c0a-4d15-8006-17111f9edc7d")))]
    expected.securityKeys.attestationRoots = "/etc/offline-access/roots.pem"
    expected.standingAlone = .firstLogin
    expected.limit = .both
    expected.logins = 1_000_000
    expected.days = 3650
    expected.counts = [.unlock]
    expected.warnAt = 0
    expected.failureMode = .open
    expected.attempts = 100
    expected.postponements = 3
    expected.whileConnected = 0
    expected.authority.kind = .privacyIDEA
    expected.authority.url = "https://mfa.example.org:8443/pi"
    expected.authority.realm = "staff"
    expected.authority.publicKeyFile = "/etc/offline-access/pi.pem"
    expected.authority.host = "api-12345678.duosecurity.com"
    expected.authority.integrationKey = "DI0123456789"
    expected.authority.secretKeyFile = "/etc/offline-access/skey"
    expected.authority.servers = ["radius1.example.org", "[2001:db8::1]:1812"]
    expected.authority.secretFile = "credential:radius"
    expected.authority.caFile = "/etc/offline-access/ca.pem"
    expected.authority.pinnedKeys = ["sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]
    expected.authority.proxy = "http://proxy.example.org:3128"
    expected.authority.userTemplate = "%u@%h"
    expected.authority.push = .yes
    expected.authority.timeout = 5
    expected.authority.bypass = .allow
    expected.authority.whenMisconfigured = .offline
    #expect(policy == expected)
  }

  @Test(
    "Layout is free where it cannot be mistaken",
    arguments: [
      "[Allowance]\nlogins=4", "[Allowance]\r\nlogins=4\r\n", "\n\n# one\n#two\n[Allowance]\n\n# three\nlogins=4\n\n",
      "[Allowance]\nlogins = 4\n", "[Allowance]\nlogins =4\n", "[Allowance]\nlogins=\t4\n",
      "  [Allowance]  \n\tlogins=4\n",
      "[Service]\n[Allowance]\nlogins=4\n", "[Allowance]\ndays=7\n[Service]\n[Allowance]\nlogins=4\n",
      "[Allowance]\nlogins=0004\n",
    ])
  func layout(_ text: String) throws {
    var expected = Policy()
    expected.logins = 4
    #expect(try ConfigurationFixture(text).policy() == expected)
  }

  @Test("An empty list empties what may be empty")
  func emptyLists() throws {
    let policy = try ConfigurationFixture("[Service]\ngreeter-users=\n[Factor]\nexempt=\n[Allowance]\ncounts=\n")
      .policy()
    #expect(policy.greeterUsers.isEmpty)
    #expect(policy.exempt.isEmpty)
    #expect(policy.counts.isEmpty)
  }

  @Test(
    "Items of a list may stand apart and end with a semicolon",
    arguments: ["login;unlock", "login;unlock;", "login ; unlock ;", "unlock;login", "login;login;unlock"])
  func lists(_ text: String) throws {
    #expect(try ConfigurationFixture("[Allowance]\ncounts=\(text)\n").policy().counts == [.login, .unlock])
  }

  @Test("A word that stands twice in a list means what it means once")
  func repeated() throws {
    let policy = try ConfigurationFixture("[Factor]\nmethods=passcode;security-key;passcode\n").policy()
    #expect(policy.methods == [.passcode, .securityKey])
  }

  @Test(
    "An issuer may be in any script, 64 characters long, and hold what other formats escape",
    arguments: [
      "", "Büro & Söhne", "日本", "a#b", "a=b", "a;b", "[x]", String(repeating: "é", count: 64),
    ])
  func issuers(_ issuer: String) throws {
    #expect(try ConfigurationFixture("[Factor]\nissuer=\(issuer)\n").policy().issuer == issuer)
  }

  @Test("GLib's escapes are read", arguments: [("a\\sb", "a b"), ("a\\\\b", "a\\b")])
  func escapes(_ written: String, _ issuer: String) throws {
    #expect(try ConfigurationFixture("[Factor]\nissuer=\(written)\n").policy().issuer == issuer)
  }

  @Test("What a setting writes it reads again, for every setting")
  func roundTrip() throws {
    var policy = Policy()
    policy.idleExit = 7
    policy.greeterUsers = []
    policy.methods = [.securityKey]
    policy.passcode = .hotp
    policy.issuer = "Example"
    policy.exempt = [.group("wheel"), .user("root")]
    policy.standingAlone = .firstLogin
    policy.limit = .unlimited
    policy.logins = 1
    policy.days = 2
    policy.counts = Set(Purpose.allCases)
    policy.warnAt = 9
    policy.failureMode = .open
    policy.attempts = 1
    policy.postponements = 0
    policy.whileConnected = 4
    policy.authority.kind = .radius
    policy.authority.servers = ["one", "two:1812"]
    policy.authority.secretFile = "/etc/offline-access/secret"
    policy.authority.push = .yes
    for source in [policy, Policy()] {
      var copy = source == policy ? Policy() : policy
      for setting in Setting.all { try setting.apply(setting.text(in: source), to: &copy) }
      #expect(copy == source)
    }
  }

  @Test("No two settings share a place, and each is explained")
  func settings() {
    #expect(Set(Setting.all.map { "\($0.section)/\($0.key)" }).count == Setting.all.count)
    #expect(Setting.all.allSatisfy { $0.summary.hasSuffix(".") && !$0.values.isEmpty })
  }

  @Test("The file that is shipped says nothing but the defaults, its comments neither")
  func shipped() throws {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(
      path: "../../data/offline-access.conf")
    let text = try String(contentsOf: path, encoding: .utf8)
    let loaded = try ConfigurationFixture(text).files.load()
    #expect(loaded.policy == Policy())
    #expect(loaded.effective.allSatisfy { $0.source == "default" })
    let spoken = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      line.firstMatch(of: /^#\s?([a-z-]+=.*|\[[A-Z][a-z]+\])$/).map { String($0.1) } ?? String(line)
    }
    #expect(try ConfigurationFixture(spoken.joined(separator: "\n")).policy() == Policy())
  }
}
