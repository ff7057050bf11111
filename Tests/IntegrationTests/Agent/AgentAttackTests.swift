import Foundation
import Glibc
import Testing

/// A polkitd that does what a test says, in the place of the real one; polkit_stand_in.py tells how.
final class PolkitStandIn {
  let program: PromptDialogue

  init(_ options: String...) throws {
    try Elevation.stopPolkit()
    // Where everybody can read it: the bus lends the name to polkit's own user only.
    let copy = "/run/polkit_stand_in.py"
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
      "polkit_stand_in.py")
    try Machine.write(try String(contentsOf: script, encoding: .utf8), to: copy)
    program = try PromptDialogue(["python3", "-B", copy] + options, as: "polkitd")
    try program.wait(for: "ready")
  }

  /// The bus's name of the agent that has registered.
  func agent() throws -> String {
    try program.wait(for: "agent ")
    return trimmed(try program.wait(for: "\n"))
  }

  /// Ends without a word.
  func die() throws { kill(try #require(try Elevation.polkitPID()), SIGKILL) }

  func tell(_ commands: String...) { program.answer(commands.joined(separator: "\n")) }
}

extension IntegrationTests.Agent {
  @Suite("The agent under attack: by a polkitd that misbehaves, by strangers on the bus, by a helper that is none")
  final class UnderAttack {
    private let user: String
    private let phone: Phone
    private let uid: String
    private let shell: AskingShell
    private let agent: TerminalAgent

    init() throws {
      try Machine.reset()
      user = try Machine.newUser()
      uid = trimmed(try run("id", "-u", user).output)
      try Elevation.install()
      phone = try Phone.activated(user)
      shell = try AskingShell(user)
      agent = try TerminalAgent(shell)
    }

    deinit { Elevation.remove() }

    /// A right answer to the real polkitd, which is put in place for it.
    private func expectAgentLives() throws {
      try Elevation.restartPolkit()
      // Registered a moment later; until then polkit has nobody to ask.
      try waitUntil("the agent asks") {
        shell.ask("auth_self")
        try waitUntil("it asks, or polkit has nobody to ask") {
          agent.dialogue.hasReceived("to try auth_self") || shell.hasStatus
        }
        if agent.dialogue.hasReceived("to try auth_self") { return true }
        #expect(try shell.status() != 0)
        return false
      }
      try agent.wait(for: "to try auth_self")
      try agent.answer("Password: ", Machine.password)
      try agent.answer("Offline passcode (", phone.nextCode())
      #expect(try shell.status() == 0)
    }

    @Test("a polkitd that dies while the agent registers, one after another, is not the agent's end")
    func dropped() throws {
      for _ in 1...3 {
        let polkit = try PolkitStandIn("--drop")
        #expect(try polkit.program.finish().status == 0)
      }
      try expectAgentLives()
    }

    @Test(
      "a question that is taken back in the same breath does not wait for the person; taken back twice it is refused by name"
    )
    func takenBack() throws {
      let polkit = try PolkitStandIn()
      _ = try polkit.agent()
      polkit.tell("begin first \(uid)", "cancel first", "begin second \(uid)")
      try polkit.program.wait(for: "cancel first ok")
      try polkit.program.wait(for: "ended first org.freedesktop.PolicyKit1.Error.Cancelled")
      try agent.wait(for: "Question second")
      try agent.wait(for: "Password: ")
      polkit.tell("cancel first", "cancel secon", "cancel second")
      try polkit.program.wait(for: "cancel first org.freedesktop.PolicyKit1.Error.Failed")
      try polkit.program.wait(for: "cancel secon org.freedesktop.PolicyKit1.Error.Failed")
      try polkit.program.wait(for: "ended second org.freedesktop.PolicyKit1.Error.Cancelled")
      try agent.wait(for: "The program does not ask any more.")
      try polkit.die()
      try expectAgentLives()
    }

    @Test("cookies that are no line, and questions that nobody may answer, are refused and start no helper")
    func nonsense() throws {
      let polkit = try PolkitStandIn()
      _ = try polkit.agent()
      for question in ["%0A \(uid)", "a%0Aroot \(uid)", "nobody", "nobody 4294967294"] {
        polkit.tell("begin \(question)")
        try polkit.program.wait(
          for: "ended \(question.split(separator: " ")[0]) org.freedesktop.PolicyKit1.Error.Failed")
      }
      #expect(try Elevation.helpers().isEmpty)
      #expect(!agent.dialogue.hasReceived("Question"))
      polkit.tell("begin last \(uid)")
      try agent.wait(for: "Password: ")
      // It dies in the middle.
      try polkit.die()
      try agent.wait(for: "The program does not ask any more.")
      try waitUntil("no helper is left") { try Elevation.helpers().isEmpty }
      try expectAgentLives()
    }

    @Test("nobody but polkitd can ask or take back, neither root nor the user themself")
    func strangers() throws {
      let polkit = try PolkitStandIn()
      let name = try polkit.agent()
      polkit.tell("begin mine \(uid)")
      try agent.wait(for: "Password: ")
      for stranger in [nil, user, "mallory"] {
        for arguments in [
          ["CancelAuthentication", "s", "mine"],
          [
            "BeginAuthentication", "sssa{ss}sa(sa{sv})", "a", "Stranger", "", "0", "c", "1", "unix-user", "1", "uid",
            "u", uid,
          ],
        ] {
          let answer = try run(
            [
              "busctl", "call", name, "/org/offlineaccess/AuthenticationAgent",
              "org.freedesktop.PolicyKit1.AuthenticationAgent",
            ] + arguments, as: stranger)
          #expect(answer.status != 0, "\(stranger ?? "root"): \(arguments[0])")
        }
      }
      #expect(!agent.dialogue.hasReceived("Stranger") && !agent.dialogue.hasReceived("does not ask any more"))
      agent.interrupt()
      try polkit.program.wait(for: "ended mine org.freedesktop.PolicyKit1.Error.Cancelled")
    }

    @Test("a helper's socket that is not root's is told nothing, and the helper is asked that is root's")
    func foreignSocket() throws {
      // Somebody listens there who could make the folder theirs.
      try run("install", "-d", "-o", "mallory", "/run/polkit").expectSuccess()
      defer { try? FileManager.default.removeItem(atPath: "/run/polkit") }
      let script = """
        import socket
        listener = socket.socket(socket.AF_UNIX)
        listener.bind("/run/polkit/agent-helper.socket")
        listener.listen()
        print("listening", flush=True)
        for _ in range(2):
            print("came", listener.accept()[0].recv(99), "and went", flush=True)
        """
      let listener = try PromptDialogue(["python3", "-c", script], as: "mallory")
      try listener.wait(for: "listening")
      try run("chmod", "777", "/run/polkit/agent-helper.socket").expectSuccess()
      shell.ask("auth_self")
      try agent.answer("Password: ", "wrong")
      try agent.answer("Offline passcode (", phone.nextCode())
      try agent.answer("Password: ", Machine.password)
      try agent.answer("Offline passcode (", phone.nextCode())
      #expect(try shell.status() == 0)
      for _ in 1...2 { try listener.wait(for: "came b'' and went") }
    }

    @Test("a process is named with its start, and another one with its number is not answered for")
    func numberReused() throws {
      let stat = try wholeFile("/proc/\(shell.pid)/stat")
      let start = try #require(stat.split(separator: ")").last?.split(separator: " ").dropFirst(19).first)
      let later = try #require(Int(start)) + 1
      let other = try PAMHost.atTerminal(
        "\(IntegrationTests.Agent.program) --tty --process \(shell.pid),\(later)", as: user)
      let refused = try other.finish()
      #expect(refused.status == 1 && refused.text.contains("there is no process"), "\(refused.text)")
      // The right start leads as far as the agent that is there already.
      let second = try PAMHost.atTerminal(
        "\(IntegrationTests.Agent.program) --tty --process \(shell.pid),\(start)", as: user)
      let ending = try second.finish()
      #expect(ending.status == 2 && ending.text.contains("answers already"), "\(ending.text)")
    }
  }
}
