import Foundation
import Testing

extension IntegrationTests.OnlineFactor {
  @Suite("Where the authority is away, the offline factor decides")
  struct OnlineOutages {
    /// A server that is none, and what becomes of it.
    private struct Fault: CustomStringConvertible {
      let mode: String
      var certificate = "server"
      let reason: String
      var isAlarm = false
      var description: String { "\(mode) (\(certificate))" }
    }

    private static let faults = [
      Fault(mode: "status 500", reason: "http-500"), Fault(mode: "body {\"result\":", reason: "malformed"),
      Fault(mode: "portal", reason: "tls"), Fault(mode: "full", reason: "timeout"),
      Fault(mode: "silent", reason: "timeout"),
      Fault(mode: "body {}", certificate: "forged", reason: "tls-ca", isAlarm: true),
      Fault(mode: "body {}", certificate: "past", reason: "clock", isAlarm: true),
    ]

    @Test("in time, first with a question and then by its code, for each way to be away")
    func away() throws {
      try OnlineService.reset()
      let user = try OnlineUser()
      let phone = try user.activate()
      let many = "[Allowance]\nlogins=100\n"
      for fault in Self.faults {
        let log = try ServiceLog()
        let port = try FaultServer.start(fault.mode, fault.certificate)
        // Whatever answers gets the time to.
        let timeout = fault.reason == "timeout" ? 1 : 5
        let away = try OnlineService.configuration(port: port, "timeout=\(timeout)", other: many)
        try Machine.configure(away)
        let peer = try BusPeer()
        let start = Date()
        let asked = try peer.answer(to: peer.send(.authenticate(user.name, "")))
        #expect(asked.error == "ResponseRequired" && asked.holds("Type the offline passcode"), "\(fault)")
        #expect(Date().timeIntervalSince(start) < 8)
        try peer.waitForProgress("online-waiting", saying: "The online service cannot be reached")
        // Asked for the offline factor, the person answers with it: no server is asked a second time.
        try Machine.configure(try OnlineService.configuration(port: 9, other: many))
        let answer = try peer.answer(to: peer.send(.authenticate(user.name, phone.nextCode())))
        #expect(answer.error == nil && answer.holds("offline"), "\(fault)")
        let entries = IntegrationTests.Strength.Audit.entries(try log.new)
        #expect(entries.last { $0["event"] == "granted" }?["outage"] == fault.reason)
        #expect(Set(entries.filter { $0["event"] == "online" }.map { $0["reason"] }) == [fault.reason])
        #expect(try log.new.contains("possible attack") == fault.isAlarm, "\(fault)")
        // A code at once, and a wrong one, go the same way.
        try Machine.configure(away)
        expectRefused(try Factor.root.authenticate(user.name, "000000"), "BadResponse")
        let second = expectYes(try Factor.root.authenticate(user.name, phone.nextCode()))
        #expect(second["offline-reason"] == fault.reason)
      }
      #expect(try Factor.root.allowance(user.name)["remaining"] == String(100 - 2 * Self.faults.count))
      try waitUntil("the process has ended") { try OnlineService.talks().isEmpty }
    }

    @Test("a code typed for an authority that goes meanwhile is no guess at the offline factor")
    func goesMeanwhile() throws {
      let relay = try ServerRelay()
      try OnlineService.reset(port: relay.port)
      let user = try OnlineUser()
      let phone = try user.activate()
      try Machine.configure(try OnlineService.configuration(port: relay.port, other: "[Failure]\nattempts=3\n"))
      // As many times as lock a factor that is guessed at.
      for left in ["9", "8", "7"] {
        try relay.up()
        let peer = try BusPeer()
        #expect(try peer.error(of: .authenticate(user.name, "")) == "ResponseRequired")
        try relay.down()
        let typed = try peer.answer(to: peer.send(.authenticate(user.name, user.code())))
        #expect(typed.error == "ResponseRequired" && typed.holds("Type the offline passcode"))
        let yes = try peer.answer(to: peer.send(.authenticate(user.name, phone.nextCode())))
        #expect(yes.error == nil && yes.holds("offline"))
        let allowance = try Factor.root.allowance(user.name)
        #expect(allowance["remaining"] == left && allowance["state"] == "ready")
        #expect(allowance["locked-until"] == nil)
      }
    }

    @Test("the whole time that there is passes within eight seconds")
    func wholeTime() throws {
      try OnlineService.reset(port: try FaultServer.start("full"))
      let user = try Machine.newUser()
      let start = Date()
      expectRefused(try Factor.root.authenticate(user, ""), "NotActivated")
      // And what starting a process takes.
      #expect(Date().timeIntervalSince(start) < 12)
    }

    @Test("a network that is up bounds the logins more strictly, and says so")
    func whileConnected() throws {
      try OnlineService.reset()
      let user = try OnlineUser()
      let phone = try user.activate()
      let limited = "[Allowance]\nwhile-connected=2\n"
      // A port that refuses is an answer of somebody, so there is a network.
      try Machine.configure(try OnlineService.configuration(port: 9, other: limited))
      let peer = try BusPeer()
      #expect(try peer.error(of: .authenticate(user.name, "")) == "ResponseRequired")
      try peer.waitForProgress(
        "online-waiting", saying: "While this computer has a network, 2 offline logins can be used")
      for left in ["1", "0"] {
        #expect(try expectYes(Factor.root.authenticate(user.name, phone.nextCode()))["remaining"] == left)
      }
      let out = try Factor.root.authenticate(user.name, phone.nextCode())
      expectRefused(out, "AllowanceExhausted")
      #expect(
        out.sentence == "No offline logins remaining while this computer has a network. Authenticate online first.")
      // A silent server where there is no way out: no network.
      let silent = try OnlineService.configuration(
        port: try FaultServer.start("full"), "timeout=1", other: limited)
      try Machine.configure(silent)
      #expect(try expectYes(Factor.root.authenticate(user.name, phone.nextCode()))["remaining"] == "7")
      // The same with a way out, be it to nowhere.
      try run("ip", "route", "add", "default", "dev", "lo").expectSuccess()
      defer { _ = try? run("ip", "route", "del", "default", "dev", "lo") }
      expectRefused(try Factor.root.authenticate(user.name, phone.nextCode()), "AllowanceExhausted")
      // An approval fills both.
      try Machine.configure(try OnlineService.configuration(other: limited))
      #expect(try user.approve()["remaining"] == "10")
      try Machine.configure(silent)
      #expect(try expectYes(Factor.root.authenticate(user.name, phone.nextCode()))["remaining"] == "1")
    }
  }
}
