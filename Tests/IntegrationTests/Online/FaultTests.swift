import Foundation
import Glibc
import OnlineWire
import Testing

extension IntegrationTests.OnlineFactor {
  @Suite("Servers that fail: each has its verdict, in time")
  struct FaultTests {
    /// A fault and what it has to come to.
    struct Fault: CustomTestStringConvertible, Sendable {
      var mode: String
      var certificate = "server"
      var value: VerdictValue
      var reason: OnlineReason
      var alarm = false
      /// Nothing comes, so all of the time is used.
      var isSilent = false

      var testDescription: String { "\(mode), \(certificate)" }
    }

    static let faults = [
      Fault(mode: "status 500", value: .unreachable, reason: .serverError),
      Fault(mode: "status 503", value: .unreachable, reason: .serverError),
      Fault(mode: "status 302", value: .misconfigured, reason: .redirect),
      Fault(mode: "status 401", value: .denied, reason: .unauthorized),
      Fault(mode: "status 404", value: .misconfigured, reason: .notFound),
      Fault(mode: "body -", value: .unreachable, reason: .empty),
      Fault(mode: "body <html>Welcome</html>", value: .unreachable, reason: .malformed),
      Fault(mode: "body {\"result\":", value: .unreachable, reason: .malformed),
      Fault(mode: "closes", value: .unreachable, reason: .empty),
      Fault(mode: "noise", value: .unreachable, reason: .malformed),
      Fault(mode: "large 10485760", value: .unreachable, reason: .tooLarge),
      Fault(mode: "large endless", value: .unreachable, reason: .tooLarge),
      Fault(mode: "flood", value: .unreachable, reason: .tooLarge),
      Fault(mode: "silent", value: .unreachable, reason: .timeout, isSilent: true),
      Fault(mode: "slow", value: .unreachable, reason: .timeout, isSilent: true),
      Fault(mode: "stalled", value: .unreachable, reason: .timeout, isSilent: true),
      Fault(mode: "full", value: .unreachable, reason: .timeout, isSilent: true),
      Fault(mode: "portal", value: .unreachable, reason: .tls),
      Fault(mode: "body {}", certificate: "forged", value: .unreachable, reason: .tlsAuthority, alarm: true),
      Fault(mode: "body {}", certificate: "elsewhere", value: .unreachable, reason: .tlsHost, alarm: true),
      Fault(mode: "body {}", certificate: "past", value: .unreachable, reason: .clock, alarm: true),
      Fault(mode: "body {}", certificate: "future", value: .unreachable, reason: .clock, alarm: true),
    ]

    init() throws { try Machine.require() }

    private func settings(_ kind: AuthorityName, port: Int) throws -> AuthoritySettings {
      var settings = AuthoritySettings(kind: kind)
      settings.url = "https://localhost:\(port)"
      settings.host = "localhost:\(port)"
      settings.integrationKey = "DI"
      settings.secret = [1]
      settings.authorities = try OnlinePKI.authority()
      return settings
    }

    @Test("at privacyIDEA", arguments: faults)
    func privacyIDEA(_ fault: Fault) throws { try expect(fault, .privacyidea) }

    @Test("at Duo", arguments: faults)
    func duo(_ fault: Fault) throws { try expect(fault, .duo) }

    private func expect(_ fault: Fault, _ kind: AuthorityName) throws {
      let settings = try settings(kind, port: try FaultServer.start(fault.mode, fault.certificate))
      let start = Date()
      let talk = try OnlineTalk()
      expectVerdict(
        try talk.begin(settings, "alice", deadline: fault.isSilent ? 1000 : 5000), fault.value, fault.reason,
        alarm: fault.alarm)
      #expect(try talk.end() == 0)
      let seconds = Date().timeIntervalSince(start)
      #expect((fault.isSilent ? 1.0..<6 : 0..<6).contains(seconds), "\(seconds)")
      let probe = try OnlineTalk().probe(settings, deadline: fault.isSilent ? 1000 : 5000)
      #expect(probe.reason == fault.reason && probe.alarm == fault.alarm)
      #expect(probe.value == (fault.value == .unreachable ? .unreachable : .misconfigured))
    }

    @Test("nothing at the port, no such name, and no way")
    func nowhere() throws {
      for kind in [AuthorityName.privacyidea, .duo] {
        expectVerdict(
          try OnlineTalk().begin(settings(kind, port: 1), "alice"), .unreachable, .refusedPort)
        var lost = try settings(kind, port: 1)
        (lost.url, lost.host) = ("https://no-such-host.invalid", "no-such-host.invalid")
        expectVerdict(try OnlineTalk().begin(lost, "alice"), .unreachable, .nameNotFound)
        // The machine has no network but its own.
        (lost.url, lost.host) = ("https://192.0.2.1", "192.0.2.1")
        expectVerdict(try OnlineTalk().begin(lost, "alice"), .unreachable, .network)
        lost.proxy = "http://127.0.0.1:1"
        expectVerdict(try OnlineTalk().begin(lost, "alice"), .unreachable, .refusedPort)
      }
    }

    @Test(
      "a CA file without certificates is the administrator's fault; the system's certificates do not count beside it")
    func authorities() throws {
      let port = try FaultServer.start("body {}", "forged")
      var settings = try settings(.privacyidea, port: port)
      // The other authority becomes one of the system's.
      try run("cp", "\(OnlinePKI.folder)/other-ca.pem", "/etc/ssl/certs/other-ca.pem").expectSuccess()
      try run("openssl", "rehash", "/etc/ssl/certs").expectSuccess()
      try run("sh", "-c", "cat \(OnlinePKI.folder)/other-ca.pem >> /etc/ssl/certs/ca-certificates.crt").expectSuccess()
      expectVerdict(
        try OnlineTalk().begin(settings, "alice"), .unreachable, .tlsAuthority, alarm: true)
      settings.authorities = []
      expectVerdict(try OnlineTalk().begin(settings, "alice"), .unreachable, .malformed)
      settings.authorities = Array("no certificate\n".utf8)
      expectVerdict(try OnlineTalk().begin(settings, "alice"), .misconfigured, .badAuthorities)
    }

    @Test("a configured proxy is used, and one that refuses is named")
    func proxies() throws {
      var settings = try PrivacyIDEAServer.settings()
      settings.proxy = "http://127.0.0.1:\(try FaultServer.start("proxy"))"
      #expect(try OnlineTalk().probe(settings).value == .ok)
      settings.proxy = "http://127.0.0.1:\(try FaultServer.start("proxy 407"))"
      expectVerdict(try OnlineTalk().begin(settings, "alice"), .unreachable, .proxy)
    }

    @Test("a name server that never answers costs no more than the time there is")
    func nameServer() throws {
      let silent = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
      defer { close(silent) }
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_addr.s_addr = UInt32(0x7f00_0035).bigEndian
      address.sin_port = UInt16(53).bigEndian
      let bound = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(silent, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      try #require(bound == 0)
      let before = try String(contentsOfFile: "/etc/resolv.conf", encoding: .utf8)
      defer { try? Machine.write(before, to: "/etc/resolv.conf") }
      try Machine.write("nameserver 127.0.0.53\n", to: "/etc/resolv.conf")
      for kind in AuthorityName.allCases {
        var lost = try settings(kind, port: 1)
        (lost.url, lost.host, lost.servers) = ("https://mfa.example.org", "mfa.example.org", "mfa.example.org")
        let start = Date()
        let talk = try OnlineTalk()
        expectVerdict(try talk.begin(lost, "alice", deadline: 1000), .unreachable, .timeout)
        #expect(try talk.end() == 0)
        #expect((1.0..<6).contains(Date().timeIntervalSince(start)))
      }
    }

    @Test("a pinned key is wanted besides the certificate")
    func pinned() throws {
      var settings = try PrivacyIDEAServer.settings()
      let user = try PrivacyIDEAServer.newUser()
      try PrivacyIDEAServer.tell("hotp \(user) \(PrivacyIDEAServer.secret)")
      settings.pinnedKey = try OnlinePKI.pin()
      #expect(try OnlineTalk().begin(settings, user).challenge != nil)
      settings.pinnedKey = try OnlinePKI.pin("forged")
      expectVerdict(try OnlineTalk().begin(settings, user), .unreachable, .pinnedKey, alarm: true)
    }

    @Test(
      "a proxy that holds a right certificate and changes a reply is found out by the signature",
      arguments: [
        ("REJECT", "ACCEPT"), ("false", "true"), ("rsa_sha256_pss:", "rsa_sha256_pss:00"),
        ("\"signature\"", "\"signed\""),
        ("wrong", "right"),
      ])
    func altered(_ old: String, _ new: String) throws {
      let user = try PrivacyIDEAServer.newUser()
      try PrivacyIDEAServer.tell("hotp \(user) \(PrivacyIDEAServer.secret)")
      let settings = try PrivacyIDEAServer.settings(
        port: try FaultServer.start("alters \(PrivacyIDEAServer.port()) \(old) \(new)"))
      expectVerdict(try OnlineTalk().begin(settings, user), .misconfigured, .signature, alarm: true)
    }

    @Test("a proxy that passes everything on as it is, is not noticed")
    func unaltered() throws {
      let user = try PrivacyIDEAServer.newUser()
      let serial = try PrivacyIDEAServer.tell("hotp \(user) \(PrivacyIDEAServer.secret)")
      let talk = try OnlineTalk()
      let port = try FaultServer.start("alters \(PrivacyIDEAServer.port()) nothing nothing")
      _ = try talk.begin(PrivacyIDEAServer.settings(port: port), user)
      expectApproved(try talk.answer(PrivacyIDEAServer.codes[0]), by: serial)
    }

    @Test("while it waits for a server it hears at once that nobody wants the answer any more")
    func hangUp() throws {
      let settings = try settings(.privacyidea, port: try FaultServer.start("silent"))
      let talk = try OnlineTalk()
      let start = Date()
      try talk.send(.begin(talk.id, settings, OnlineSubject(user: "alice")))
      #expect(try talk.end() == 0)
      #expect(Date().timeIntervalSince(start) < 2)
    }
  }
}
