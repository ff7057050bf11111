import Foundation
import Glibc
import Testing

extension IntegrationTests.Strength {
  @Suite("The agent, again and again")
  final class AgentInARow {
    private let user: String
    private let phone: Phone

    init() throws {
      try Machine.reset("[Service]\nidle-exit=0\n[Allowance]\nlogins=1000\n[Failure]\nattempts=100\n")
      user = try Machine.newUser()
      try Elevation.install()
      phone = try Phone.activated(user)
    }

    deinit { Elevation.remove() }

    /// What could pile up in a process: descriptors, children, and its memory in kilobytes.
    private func state(of pid: Int32) throws -> (descriptors: Int, children: String, memory: Int) {
      let children = trimmed(try wholeFile("/proc/\(pid)/task/\(pid)/children"))
      let status = try wholeFile("/proc/\(pid)/status")
      let memory = try #require(status.firstMatch(of: /VmRSS:\s+([0-9]+)/).flatMap { Int($0.1) })
      return (try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count, children, memory)
    }

    @Test("yes, no and cancelled, 200 in a row on a terminal: no process, descriptor or memory is left behind")
    func onTerminal() throws {
      let rounds = IntegrationTests.Strength.times(200, short: 12)
      let shell = try AskingShell(user)
      let agent = try TerminalAgent(shell)
      let pid = try agent.pid()
      var (yeses, noes, cancelled) = (0, 0, 0)
      var first: (descriptors: Int, children: String, memory: Int)?
      for round in 1...rounds {
        shell.ask("auth_self")
        try agent.wait(for: "Password: ")
        switch round % 4 {
        case 0:
          agent.interrupt()
          #expect(try shell.status() == 3)
          cancelled += 1
        case 1:
          agent.dialogue.answer(Machine.password)
          for _ in 1...2 {
            try agent.answer("Offline passcode (", "000000")
            try agent.answer("Password: ", Machine.password)
          }
          try agent.answer("Offline passcode (", "000000")
          #expect(try shell.status() == 1)
          noes += 1
        default:
          agent.dialogue.answer(Machine.password)
          try agent.answer("Offline passcode (", phone.nextCode())
          #expect(try shell.status() == 0)
          yeses += 1
        }
        // Past what each kind loads and caches once.
        if round == rounds / 3 {
          try waitUntil("no helper is left") { try state(of: pid).children.isEmpty }
          first = try state(of: pid)
        }
      }
      try waitUntil("no helper is left") { try Elevation.helpers().isEmpty }
      let before = try #require(first)
      try waitUntil("nothing is open that was not before") {
        let now = try state(of: pid)
        return now.descriptors == before.descriptors && now.children == before.children
      }
      let grown = try state(of: pid).memory - before.memory
      #expect(grown < 1024, "\(grown) KB more")
      #expect(try Factor.root.allowance(user)["remaining"] == "\(1000 - yeses)")
      try IntegrationTests.Strength.report(
        "Agent", tried: "elevations one after another by the agent on a terminal", times: "\(rounds) questions",
        outcome:
          "\(yeses) yeses, \(noes) noes of three wrong codes, \(cancelled) cancelled; same descriptors, no child, \(grown) KB more"
      )
    }

    @Test("the same in a window, which is made once")
    func inWindow() throws {
      let rounds = IntegrationTests.Strength.times(200, short: 4)
      let title = "Authentication is required"
      let desktop = try Desktop.shared.get()
      let session = try FakeSession(user)
      let agent = try desktop.start([IntegrationTests.Agent.program], in: session)
      let shell = try AskingShell(user, session: session)
      var (yeses, cancelled) = (0, 0)
      var first: (descriptors: Int, children: String, memory: Int)?
      for round in 1...rounds {
        shell.ask("auth_self")
        try desktop.wait(for: "\(title): Password")
        if round.isMultiple(of: 2) {
          try desktop.press("Escape")
          #expect(try shell.status() == 3)
          cancelled += 1
        } else {
          try desktop.answer(Machine.password)
          try desktop.wait(for: "\(title): Offline passcode")
          try desktop.answer(phone.nextCode())
          #expect(try shell.status() == 0)
          yeses += 1
        }
        try desktop.waitForNone(title)
        if round == rounds / 2 {
          try waitUntil("no helper is left") { try Elevation.helpers().isEmpty }
          first = try state(of: agent.pid)
        }
      }
      let before = try #require(first)
      try waitUntil("nothing is open that was not before") {
        let now = try state(of: agent.pid)
        return now.descriptors == before.descriptors && now.children == before.children
      }
      let grown = try state(of: agent.pid).memory - before.memory
      #expect(grown < 2048, "\(grown) KB more")
      kill(agent.pid, SIGTERM)
      try IntegrationTests.Strength.report(
        "Agent", tried: "elevations one after another by the agent's window", times: "\(rounds) questions",
        outcome: "\(yeses) yeses, \(cancelled) cancelled; same descriptors, no child, \(grown) KB more")
    }
  }
}
