import Foundation
import Glibc
import Testing

extension IntegrationTests {
  @Suite("Whoever speaks D-Bus as no library does")
  struct Attacks {
    let user: String
    let phone: Phone

    init() throws {
      try Machine.reset()
      user = try Machine.newUser()
      phone = try Phone.activated(user)
    }

    private func remaining() throws -> String? { try Factor.root.allowance(user)["remaining"] }

    @Test(
      "50 rounds of one code on 64 connections at once: one yes a round, by time and by counter",
      arguments: ["totp", "hotp"])
    func race(_ kind: String) throws {
      try Machine.configure("[Factor]\npasscode=\(kind)\n[Allowance]\nlogins=1000\n")
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      let peers = try (0..<64).map { _ in try BusPeer() }
      // Each has been there before, so none waits for an introduction.
      for peer in peers { #expect(try peer.error(of: .about(user, "RemainingAllowance")) == nil) }
      for round in 1...50 {
        let code = phone.isTime ? try phone.nextCode() : try phone.code(counter: round)
        let serials = try peers.map { try $0.send(.authenticate(user, code)) }
        let errors = try zip(peers, serials).map { try $0.answer(to: $1).error }
        #expect(errors.count { $0 == nil } == 1, "\(errors)")
        #expect(errors.count { $0 == "ResponseReplayed" } == 63, "\(errors)")
        #expect(try Factor.root.allowance(user)["remaining"] == String(1000 - round))
      }
    }

    @Test("one code 100 times in one write is one yes, and every call is answered")
    func pipelined() throws {
      let peer = try BusPeer()
      #expect(try peer.error(of: .about(user, "RemainingAllowance")) == nil)
      let code = try phone.nextCode()
      let serials = try peer.send(Array(repeating: .authenticate(user, code), count: 100))
      let errors = try serials.map { try peer.answer(to: $0).error }
      #expect(errors.count { $0 == nil } == 1)
      #expect(errors.count { $0 == "ResponseReplayed" } == 99)
      #expect(try remaining() == "9")
    }

    @Test("a connection that nobody knows yet may call as often at once as one that is known: one yes, no Busy")
    func stranger() throws {
      let code = try phone.nextCode()
      // All in one write, so that they are there before the bus has said whose they are.
      let peer = try BusPeer(as: user)
      let serials = try peer.send(Array(repeating: .authenticate("", code), count: 64))
      let errors = try serials.map { try peer.answer(to: $0).error }
      #expect(errors.count { $0 == nil } == 1, "\(errors)")
      #expect(errors.count { $0 == "ResponseReplayed" } == 63, "\(errors)")
      #expect(try remaining() == "9")
      #expect(try peer.error(of: .authenticate("", code)) == "ResponseReplayed")
    }

    @Test("a call that wants no answer consumes nothing")
    func noReply() throws {
      let code = try phone.nextCode()
      let peer = try BusPeer()
      try peer.send(.authenticate(user, code, flags: 1))
      for _ in 1...6 { try peer.send(.authenticate(user, "000000", flags: 1)) }
      // The bus keeps the order of one connection, so those were looked at before this one.
      #expect(try peer.error(of: .about(user, "RemainingAllowance")) == nil)
      #expect(try remaining() == "10")
      #expect(try peer.error(of: .authenticate(user, code)) == nil)
    }

    @Test("bytes that are no UTF-8, no message or no known type end the sender's connection, and nothing else")
    func notUTF8() throws {
      let code = try phone.nextCode()
      let pid = try Machine.servicePID()
      let latin = BusCall("Authenticate", signature: "ssa{sv}") { bytes in
        bytes.text(user)
        bytes.text(Array(code.utf8) + [0xff])
        bytes.options([])
      }
      let wrongType = BusCall("Authenticate", signature: "ssa{sz}") { bytes in bytes.text(user) }
      let short = BusCall("Authenticate", signature: "ssa{sv}") { bytes in bytes.text(user) }
      let zero = BusCall("Authenticate", signature: "ssa{sv}") { bytes in
        bytes.text(user)
        bytes.text(Array(code.utf8) + [0] + Array(code.utf8))
        bytes.options([])
      }
      for message in [latin, wrongType, short, zero].map({ $0.message(7) }) + [[UInt8](repeating: 0x41, count: 64)] {
        let peer = try BusPeer(as: user)
        try peer.write(message)
        try peer.waitForTheEnd()
      }
      #expect(try Machine.servicePID() == pid)
      #expect(try remaining() == "10")
      expectYes(try Factor.root.authenticate(user, code))
    }

    @Test("options twice, of another type, or a thousand of them are refused by name")
    func options() throws {
      let code = try phone.nextCode()
      let peer = try BusPeer(as: user)
      #expect(
        try peer.error(of: .authenticate("", code, [("purpose", "login"), ("purpose", "unlock")])) == "InvalidArgs")
      #expect(try peer.error(of: .authenticate("", code, (0..<1000).map { ("key\($0)", "x") })) == "InvalidArgs")
      #expect(try peer.error(of: .authenticate("", code, [("", "")])) == "InvalidArgs")
      let number = BusCall("Authenticate", signature: "ssa{sv}") { bytes in
        bytes.text("")
        bytes.text(code)
        bytes.array(of: 8) { bytes in
          bytes.text("service")
          bytes.signature("u")
          bytes.number(1)
        }
      }
      #expect(try peer.error(of: number) == "InvalidArgs")
      #expect(try remaining() == "10")
      #expect(try peer.error(of: .authenticate("", code)) == nil)
    }

    @Test("a message to the service that is no call does not reach it")
    func otherMessages() throws {
      let peer = try BusPeer(as: "mallory")
      var signal = BusCall.authenticate(user, "000000").message(7)
      signal[1] = 4
      try peer.write(signal)
      #expect(try peer.error(of: .about("", "RemainingAllowance")) == nil)
      #expect(try remaining() == "10")
    }

    @Test("a caller who goes away right after the call is no administrator, however often")
    func vanishing() throws {
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
      let pid = try Machine.servicePID()
      // A service that a sanitizer slows down has more of their questions open at polkit at a time.
      for round in 0..<(Machine.isSanitized ? 20 : 100) {
        let peer = try BusPeer(as: "mallory")
        // Sometimes known to the service already, sometimes a stranger.
        if round.isMultiple(of: 2) {
          // Those who left may still have 64 questions open at polkit.
          #expect([nil, "Busy"].contains(try peer.error(of: .about("", "RemainingAllowance"))))
        }
        _ = try peer.send([
          .about(user, "Renew", flags: 4), .about(user, "Deactivate", flags: 4), .authenticate(user, "000000"),
        ])
        peer.close()
      }
      #expect(try Machine.servicePID() == pid)
      let allowance = try Factor.root.allowance(user)
      #expect(allowance["remaining"] == "9")
      #expect(allowance["state"] == "ready")
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
    }

    @Test("a caller who goes away has spent the right code once, or not at all")
    func vanishingOwner() throws {
      let code = try phone.nextCode()
      let peer = try BusPeer(as: user)
      #expect(try peer.error(of: .about("", "RemainingAllowance")) == nil)
      _ = try peer.send(Array(repeating: .authenticate("", code), count: 5))
      peer.close()
      // Answered after those five were done with, so what is left tells whether one of them was decided.
      let left = try remaining()
      let answer = try Factor.root.authenticate(user, code)
      #expect(left == "9" ? answer.error == "ResponseReplayed" : left == "10" && answer.error == nil)
      #expect(try remaining() == "9")
    }

    @Test("a stranger who is gone before the service could ask who it was has spent nothing")
    func goneBefore() throws {
      let code = try phone.nextCode()
      let peer = try BusPeer(as: user)
      let pid = try #require(try Machine.servicePID())
      kill(pid, SIGSTOP)
      defer { kill(pid, SIGCONT) }
      _ = try peer.send([.authenticate("", code), .authenticate("", "000000"), .authenticate("", code)])
      peer.close()
      try waitUntil("the caller is gone") {
        try !run("busctl", "list", "--unique", "--no-legend").expectSuccess().output.contains(" \(user) ")
      }
      kill(pid, SIGCONT)
      #expect(try remaining() == "10")
      expectYes(try Factor.root.authenticate(user, code))
    }

    @Test("20,000 calls of one user that are not waited for keep nobody else out")
    func flood() throws {
      let pid = try Machine.servicePID()
      let peers = try (0..<4).map { _ in try BusPeer(as: "mallory") }
      let calls = Array(repeating: BusCall.about("bob", "Renew", flags: 4), count: 250)
      for _ in 0..<20 {
        for peer in peers { _ = try peer.send(calls) }
        expectYes(try Factor.root.allowance(user))
      }
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
      #expect(try Factor(user: user).allowance("")["remaining"] == "9")
      #expect(try Machine.servicePID() == pid)
      for peer in peers { peer.close() }
      try waitUntil("mallory is heard again") { try Factor(user: "mallory").allowance("").error == nil }
    }

    @Test("what a caller says of itself starts no line of its own in the log, and rings no terminal's bell")
    func log() throws {
      let log = try ServiceLog()
      let peer = try BusPeer(as: user)
      let lie = "sshd\nofflineaccessd: admin passed\r\u{1b}]0;owned\u{7}\u{9b}31m\u{2028}x"
      #expect(try peer.error(of: .authenticate("", phone.nextCode(), [("service", lie), ("remote", lie)])) == nil)
      #expect(try peer.error(of: .authenticate("", "000000", [("service", lie), ("remote", lie)])) == "BadResponse")
      #expect(try peer.error(of: .authenticate(lie, "000000")) == "AccessDenied")
      let text = try log.new
      #expect(text.contains("\(user) passed offline") && text.contains("\(user) refused: BadResponse"))
      #expect(!text.split(separator: "\n").contains { $0.hasPrefix("offlineaccessd: admin") })
      #expect(!text.unicodeScalars.contains { ($0.value < 0x20 && $0 != "\n") || (0x7f...0x9f).contains($0.value) })
    }

    @Test("introspection tells the contract as it is installed")
    func introspection() throws {
      let installed = try String(
        contentsOfFile: "/usr/share/dbus-1/interfaces/org.offlineaccess.Factor1.xml", encoding: .utf8)
      let answer = try Factor(user: "mallory").call(
        "/org/offlineaccess/Factor1", "org.freedesktop.DBus.Introspectable", "Introspect", [])
      let served = try #require(expectYes(answer).values.first as? String)
      let main = try #require(
        installed.firstMatch(of: #/(?s)<interface name="org\.offlineaccess\.Factor1">.*?</interface>/#)
      ).output
      let own = try #require(
        served.firstMatch(of: #/(?s)<interface name="org\.offlineaccess\.Factor1">.*?</interface>/#)
      ).output
      func names(_ text: some StringProtocol) -> [String] {
        String(text).matches(of: #/<(method|property|signal) [^>]*name="([^"]+)"/#).map { "\($0.1) \($0.2)" }.sorted()
      }
      #expect(names(own) == names(main))
      #expect(names(own).count == 10)
    }
  }
}
