import Foundation
import Testing

extension IntegrationTests.Strength {
  @Suite("One user hammers all methods on 200 connections")
  struct FloodOfOne {
    enum Kind: String, CaseIterable, Sendable {
      /// 20,000 calls at once, all left open.
      case burst
      /// The same, and more as fast as the bus takes them.
      case hammer
    }

    /// The service's memory in kilobytes, without asking the bus.
    private func memory(_ line: String) throws -> Int {
      let pid = trimmed(try run("pidof", "offline-accessd").expectSuccess().output)
      let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
      let field = try #require(status.split(separator: "\n").first { $0.hasPrefix(line + ":") })
      return try #require(Int(field.filter(\.isNumber)))
    }

    /// The bus itself works off for a while what it was sent; each busctl waits for 25 seconds.
    private func waitForBus() throws {
      let isBack = try (0..<4).contains { _ in try Factor(user: "mallory").allowance("").error == nil }
      try #require(isBack)
    }

    @Test(
      "Everybody else logs in within a second from its first moment on, and memory and log stay small",
      arguments: Kind.allCases)
    func hammer(kind: Kind) throws {
      let seconds = IntegrationTests.Strength.times(10, short: 1)
      try Machine.reset("[Service]\nidle-exit=0\n[Factor]\npasscode=hotp\n[Allowance]\nlogins=100000\n")
      try PAMHost.install()
      try Machine.write(FloodAttack.allMethods, to: "/run/attack.py")
      // The attacker has a factor too, so that his calls are not turned away at once.
      _ = try Phone.activated("mallory")
      let user = try Machine.newUser()
      var codes = try Phone.activated(user).codes(seconds * 2000, from: 1)[...]
      let log = try ServiceLog()
      var (slowest, logins, calls, sizes) = (Duration.zero, 0, 0, [Int]())
      // Once against a service that has to be started, then again and again against one that runs.
      for round in 0..<IntegrationTests.Strength.times(4, short: kind == .burst ? 2 : 1) {
        if round == 0 { try Machine.stopService() }
        let session = try CommandSession(
          "/usr/bin/python3", "/run/attack.py", kind.rawValue, "\(seconds)", as: "mallory")
        try session.waitFor("ready")
        while session.process.isRunning {
          let next = codes.popFirst()
          let code = try #require(next)
          let start = ContinuousClock.now
          var answer = try PAMHost.login(user, code)
          // While the bus is flooded, a start may take longer than a login waits for it; see SECURITY.md.
          if round == 0, logins == 0, answer.status != 0 { answer = try PAMHost.login(user, code) }
          let time = ContinuousClock.now - start
          expectIn(answer, saying: "offline logins remaining")
          // A sanitizer slows the service down, and keeps freed memory back.
          #expect(
            Machine.isSanitized || time < IntegrationTests.Strength.slowestLogin, "login \(logins) of round \(round)")
          slowest = max(slowest, time)
          logins += 1
        }
        #expect(session.status() == 0)
        calls += Int(trimmed(session.said.components(separatedBy: "sent").last ?? "")) ?? 0
        sizes.append(try memory("VmRSS"))
        try waitForBus()
      }
      #expect(calls >= 20_000 * sizes.count && logins >= sizes.count)
      let remaining = try #require(Int(try Factor.root.allowance(user)["remaining"] ?? ""))
      #expect(remaining == 100_000 - logins)
      // It does not grow from flood to flood.
      let isSmall = sizes.allSatisfy { $0 < 65_536 } && (sizes.last ?? 0) < sizes[0] + 16_384
      #expect(Machine.isSanitized || isSmall, "\(sizes)")
      let peak = try memory("VmHWM")
      #expect(Machine.isSanitized || peak < 98_304)
      let lines = try log.new.split(separator: "\n").filter { !$0.contains("\(user) passed") }
      #expect(lines.count < 100 + sizes.count * seconds, "\(lines.suffix(20))")
      try IntegrationTests.Strength.report(
        "Flood", tried: "one user, 200 connections, all methods, \(kind.rawValue)", times: "\(calls) calls",
        outcome: "\(logins) logins of others all passed, slowest \(slowest.formatted(.units(allowed: [.milliseconds])))"
          + "; peak \(peak / 1024) MB, \(lines.count) lines in the log")
    }
  }
}
