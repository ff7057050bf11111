import Foundation
import Glibc
import Testing

extension IntegrationTests.Agent {
  @Suite("The agent on a terminal: what goes away, what comes together, what is made up")
  final class Trouble {
    private let user: String
    private let phone: Phone

    init() throws {
      try Machine.reset()
      user = try Machine.newUser()
      try Elevation.install(administrators: ["admin", user])
      phone = try Phone.activated(user)
    }

    deinit { Elevation.remove() }

    private func remaining() throws -> String? { try Factor.root.allowance(user)["remaining"] }

    /// Answers what is asked next, rightly.
    private func grant(_ agent: TerminalAgent) throws {
      try agent.answer("Password: ", Machine.password)
      try agent.answer("Offline passcode (", phone.nextCode())
      try agent.wait(for: "Authentication complete.")
    }

    @Test(
      "Ctrl-C cancels at each stage: polkit hears of it at once, no helper stays, and the next question is answered")
    func cancel() throws {
      let shell = try AskingShell(user)
      let agent = try TerminalAgent(shell)
      let stages: [(String, () throws -> Void)] = [
        ("Who are you? (1-2): ", {}),
        (
          "Password: ",
          {
            try agent.answer("Who are you? (1-2): ", self.user)
          }
        ),
        (
          "Offline passcode (10 logins left): ",
          {
            try agent.answer("Who are you? (1-2): ", self.user)
            try agent.answer("Password: ", Machine.password)
          }
        ),
      ]
      for (stage, reach) in stages {
        shell.ask("auth_admin")
        try reach()
        try agent.wait(for: stage)
        agent.interrupt()
        try agent.wait(for: "Authentication cancelled.")
        #expect(try shell.status() == 3, "\(stage)")
        try waitUntil("no helper is left") { try Elevation.helpers().isEmpty }
      }
      shell.ask("auth_self")
      try grant(agent)
      #expect(try shell.status() == 0)
      #expect(try remaining() == "9")
    }

    @Test("while a key blinks, too: it goes dark, and a touch answers the next question")
    func key() throws {
      let host = try SoftKeyHost()
      try host.underService {
        try host.plug("mine")
        let holder = try KeyedUser(host)
        try host.tell("set mine touch=by-command")
        let shell = try AskingShell(holder.user)
        let agent = try TerminalAgent(shell)
        shell.ask("auth_self")
        try agent.wait(for: "This elevation will leave 9 of your 10 offline logins.")
        try agent.answer("Password: ", Machine.password)
        try agent.wait(for: "Touch your security key (10 logins left)")
        try host.tell("wait mine blinking")
        agent.interrupt()
        #expect(try shell.status() == 3)
        try host.tell("wait mine dark")
        shell.ask("auth_self")
        try agent.answer("Password: ", Machine.password)
        try agent.wait(for: "Touch your security key")
        try host.touchWhenBlinking("mine")
        try agent.wait(for: "9 offline logins remaining.")
        #expect(try shell.status() == 0)
      }
    }

    @Test("when the program that asked goes away, its question does too, and the next one is answered")
    func callerGone() throws {
      let shell = try AskingShell(user)
      let agent = try TerminalAgent(shell)
      shell.run("pkexec /usr/bin/id -un & echo asks=$!. ; wait")
      try shell.dialogue.wait(for: "asks=")
      let asking = try #require(Int32(shell.dialogue.wait(for: ".").dropLast()))
      try agent.wait(for: "Password: ")
      kill(asking, SIGKILL)
      try agent.wait(for: "The program does not ask any more.")
      _ = try shell.status()
      try waitUntil("no helper is left") { try Elevation.helpers().isEmpty }
      shell.ask("auth_self")
      try grant(agent)
      #expect(try shell.status() == 0)
    }

    @Test("when polkitd is restarted, its questions are gone, and the agent answers the next polkitd")
    func polkitRestarted() throws {
      let shell = try AskingShell(user)
      let agent = try TerminalAgent(shell)
      shell.ask("auth_self")
      try agent.wait(for: "Password: ")
      try Elevation.restartPolkit()
      try agent.wait(for: "The program does not ask any more.")
      #expect(try shell.status() != 0)
      // Registered anew a moment later; until then polkit has nobody to ask.
      try waitUntil("the agent is registered again") {
        shell.ask("auth_self")
        try waitUntil("it asks, or polkit has nobody to ask") {
          agent.dialogue.hasReceived("Password: ") || shell.hasStatus
        }
        if agent.dialogue.hasReceived("Password: ") { return true }
        #expect(try shell.status() != 0)
        return false
      }
      try grant(agent)
      #expect(try shell.status() == 0)
    }

    @Test("ten questions at once are shown one after another, each with its own answer")
    func ten() throws {
      let shell = try AskingShell(user)
      let agent = try TerminalAgent(shell)
      let check = "pkcheck --process \(shell.pid) --action-id \(Elevation.action("auth_self")) -u"
      shell.run("for i in 1 2 3 4 5 6 7 8 9 10; do { \(check); echo \"end $?\"; } & done; wait")
      for number in 1...10 {
        try agent.wait(for: "Password: ")
        try waitUntil("one helper is left") { try Elevation.helpers().count == 1 }
        if number.isMultiple(of: 2) {
          agent.interrupt()
          try agent.wait(for: "Authentication cancelled.")
        } else {
          agent.dialogue.answer(Machine.password)
          try agent.answer("Offline passcode (", phone.nextCode())
          try agent.wait(for: "Authentication complete.")
        }
      }
      let said = try shell.dialogue.wait(for: "status=")
      #expect(said.components(separatedBy: "end 0").count == 6, "\(said)")
      #expect(said.components(separatedBy: "end 3").count == 6, "\(said)")
      #expect(try remaining() == "5")
    }

    @Test("a made-up cookie opens nothing, whatever is typed behind it, and disturbs no question")
    func madeUpCookie() throws {
      let shell = try AskingShell(user)
      let agent = try TerminalAgent(shell)
      shell.ask("auth_self")
      try agent.wait(for: "Password: ")
      for cookie in ["made-up", "1-00000000000000000000000000000000-1-00000000000000000000000000000000", ""] {
        let helper = try PromptDialogue.run(
          ["/usr/lib/polkit-1/polkit-agent-helper-1", user], as: user,
          typing: [cookie, Machine.password, phone.nextCode()])
        #expect(helper.status != 0 && helper.text.contains("FAILURE") && !helper.text.contains("SUCCESS"))
      }
      agent.dialogue.answer(Machine.password)
      try agent.answer("Offline passcode (", phone.nextCode())
      #expect(try shell.status() == 0)
    }

    @Test("nobody but those whom polkit has named can answer, not even with the question's own cookie")
    func notInTheList() throws {
      try Machine.configure("[Factor]\nexempt=mallory\n")
      let monitor = try PromptDialogue([
        "busctl", "monitor", "--system", "--json=short", "--match", "member='BeginAuthentication'",
      ])
      try monitor.wait(for: "Monitoring bus message stream")
      let shell = try AskingShell(user)
      let agent = try TerminalAgent(shell)
      shell.ask("auth_self")
      try agent.wait(for: "Password: ")
      let question = try monitor.wait(for: "unix-user")
      let cookie = try #require(question.matches(of: /"([0-9a-f-]{40,})"/).last).1
      let helper = try PromptDialogue.run(
        ["/usr/lib/polkit-1/polkit-agent-helper-1", "mallory"], as: user,
        typing: [String(cookie), "password-mallory"])
      #expect(helper.text.contains("This user needs no second factor."), "\(helper.text)")
      #expect(helper.status != 0 && helper.text.contains("FAILURE"), "\(helper.text)")
      // The same cookie with the one who was named.
      let right = try PromptDialogue.run(
        ["/usr/lib/polkit-1/polkit-agent-helper-1", user], as: user,
        typing: [String(cookie), Machine.password, phone.nextCode()])
      #expect(right.text.contains("SUCCESS"), "\(right.text)")
      agent.interrupt()
      kill(monitor.pid, SIGTERM)
    }

    @Test("where another agent answers already, it says so and leaves")
    func otherAgent() throws {
      let shell = try AskingShell(user)
      let other = try PromptDialogue(
        [
          "script", "--quiet", "--return", "--command",
          "bash -c 'pkttyagent --process \(shell.pid) --notify-fd 9 9>&1 >/dev/tty | { cat; echo registered; }'",
          "/dev/null",
        ], as: user)
      try other.wait(for: "registered")
      let ending = try PAMHost.atTerminal(
        "\(IntegrationTests.Agent.program) --tty --process \(shell.pid)", as: user
      ).finish()
      #expect(ending.status == 2)
      #expect(ending.text.contains("Another authentication agent answers already"), "\(ending.text)")
      // The other one goes on, and asks in PAM's words.
      shell.ask("auth_self")
      try other.wait(for: "Password: ")
      try other.answerHidden(Machine.password)
      try other.wait(for: "Offline passcode (10 logins left): ")
      try other.answerHidden(phone.nextCode())
      #expect(try shell.status() == 0)
      #expect(try remaining() == "9")
    }

    @Test("on the terminal of the shell itself it comes to the front to ask, and goes back; it ends with the shell")
    func sameTerminal() throws {
      let script = """
        set -m
        mkfifo /run/ready.\(user)
        \(IntegrationTests.Agent.program) --tty --process $$ --notify-fd 9 9>/run/ready.\(user) &
        echo agent=$!.
        read -r _ </run/ready.\(user)
        pkcheck --process $$ --action-id \(Elevation.action("auth_self")) -u
        echo first=$?.
        pkcheck --process $$ --action-id \(Elevation.action("auth_self")) -u &
        wait $!
        echo second=$?.
        """
      try run("chmod", "1777", "/run").expectSuccess()
      defer { _ = try? run("chmod", "755", "/run") }
      try Machine.write(script, to: "/run/shell.sh", mode: 0o755)
      let dialogue = try PAMHost.atTerminal("bash /run/shell.sh", as: user)
      try dialogue.wait(for: "agent=")
      let agent = try #require(Int32(dialogue.wait(for: ".").dropLast()))
      try dialogue.wait(for: "Password: ")
      dialogue.answer(Machine.password)
      try dialogue.wait(for: "Offline passcode (")
      dialogue.answer(try phone.nextCode())
      try dialogue.wait(for: "first=0.")
      // What runs behind the shell's back does not take the terminal from it.
      try dialogue.wait(for: "Start it in the foreground.")
      try dialogue.wait(for: "second=3.")
      expectIn(try dialogue.finish())
      try waitUntil("the agent has ended with the shell") { kill(agent, 0) != 0 }
    }

    @Test("the helper behind a socket, as of polkit 127, is asked by user, cookie, then the answers")
    func socketHelper() throws {
      // A stand-in for 127's unit, which does not exist here: the real helper of this polkit behind a socket. Its
      // caller is told by the user id, as 122 knows no other way.
      let uid = trimmed(try run("id", "-u", user).output)
      try Machine.write(
        """
        #!/bin/bash
        read -r user
        echo "asked for $user" >>/run/helper.log
        exec setpriv --reuid \(uid) --clear-groups /usr/lib/polkit-1/polkit-agent-helper-1 "$user" 2>>/run/helper.log

        """, to: "/run/helper.sh", mode: 0o755)
      try? FileManager.default.removeItem(atPath: "/run/helper.log")
      try FileManager.default.createDirectory(atPath: "/run/polkit", withIntermediateDirectories: true)
      let socket = try PromptDialogue([
        "systemd-socket-activate", "--listen=/run/polkit/agent-helper.socket", "--accept", "--inetd", "/run/helper.sh",
      ])
      defer {
        kill(socket.pid, SIGKILL)
        try? FileManager.default.removeItem(atPath: "/run/polkit")
      }
      try socket.wait(for: "Listening on")
      try run("chmod", "666", "/run/polkit/agent-helper.socket").expectSuccess()
      let shell = try AskingShell(user)
      let agent = try TerminalAgent(shell)
      shell.ask("auth_self")
      try agent.answer("Password: ", Machine.password)
      try agent.answer("Offline passcode (10 logins left): ", "000000")
      try agent.wait(for: "That passcode is not right.")
      try grant(agent)
      #expect(try shell.status() == 0)
      shell.ask("auth_self")
      try agent.wait(for: "Password: ")
      agent.interrupt()
      #expect(try shell.status() == 3)
      try waitUntil("no helper is left") { try Elevation.helpers().isEmpty }
      #expect(try wholeFile("/run/helper.log").components(separatedBy: "asked for \(user)\n").count == 4)
      // A socket that nobody is behind: the setuid helper is taken.
      kill(socket.pid, SIGKILL)
      try waitUntil("nobody listens") { try run("pgrep", "-f", "systemd-socket-activate").status != 0 }
      shell.ask("auth_self")
      try grant(agent)
      #expect(try shell.status() == 0)
      #expect(try remaining() == "8")
    }

    @Test("words of a program that asks reach the terminal without orders for it")
    func controls() throws {
      let shell = try AskingShell(user)
      let agent = try TerminalAgent(shell)
      shell.run("pkexec /usr/bin/id $'\\e[2J\\e]0;title\\a' 2>/dev/null")
      let words = try agent.wait(for: "Password: ")
      #expect(words.contains("Program: pkexec /usr/bin/id"))
      #expect(!words.contains("\u{1b}") && !words.contains("\u{7}"))
      agent.interrupt()
      #expect(try shell.status() == 126)
    }

    @Test("the command line: usage, a process that is not there, no terminal, no display")
    func commandLine() throws {
      let program = IntegrationTests.Agent.program
      for arguments in [["--frobnicate"], ["--process"], ["--process", "x"], ["--notify-fd", "-1"], ["--tty=1"]] {
        let answer = try run([program] + arguments)
        #expect(answer.status == 64 && answer.errors.contains("Usage:"), "\(arguments)")
      }
      let missing = try run(program, "--tty", "--process", "4194300")
      #expect(missing.status == 1 && missing.errors.contains("there is no process 4194300"))
      let other = try run(program, "--tty", "--process", "1,1")
      #expect(other.status == 1 && other.errors.contains("there is no process 1,1"))
      let terminal = try PromptDialogue.run([program, "--tty"])
      #expect(terminal.status == 1 && terminal.text.contains("there is no terminal"))
      let display = try run(program, environment: ["DISPLAY": "", "WAYLAND_DISPLAY": ""])
      #expect(display.status == 1 && display.errors.contains("there is no display"))
      #expect(try run(program, "--version").expectSuccess().output.hasPrefix("offline-access-agent "))
      // Not for a process of somebody else.
      let shell = try AskingShell(user)
      let foreign = try PAMHost.atTerminal("\(program) --tty --process \(shell.pid)", as: "mallory").finish()
      #expect(foreign.status == 1 && foreign.text.contains("polkit does not take this agent"), "\(foreign.text)")
    }
  }
}
