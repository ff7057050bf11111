import CLinux
import GLibBus
import Glibc
import PolkitAgent

/// The life of the agent's process.
@BusActor
enum AgentProcess {
  private static var agent: Agent?
  private static var isLeaving = false

  static func start(_ options: Options) async {
    let presenter = presenter(options)
    let agent = Agent(presenter) { ending in give(up: ending) }
    self.agent = agent
    MainLoop.on(SIGTERM) { leave() }
    MainLoop.on(SIGINT) { if !agent.dismiss() { leave() } }
    if case .process(let pid, _)? = options.process { end(with: pid, options) }
    guard await agent.start(for: options.process, fallback: options.isFallback) else { return }
    if let notify = options.notify { close(notify) }
  }

  private static func presenter(_ options: Options) -> any Presenter {
    guard options.isTerminal else {
      guard let window = WindowPresenter() else { give(up: "there is no display; --tty asks on a terminal") }
      return window
    }
    guard let terminal = Terminal() else { give(up: "there is no terminal") }
    var shell: pid_t?
    if case .process(let pid, _)? = options.process { shell = pid_t(pid) }
    return TerminalPresenter(terminal, shell: shell)
  }

  /// Nobody is left to answer for when the process has ended.
  private static func end(with process: UInt32, _ options: Options) {
    let descriptor = linux_watch_process(Int32(process))
    // It may have ended meanwhile, and another one have its number.
    guard descriptor >= 0, Subject(process: process) == options.process else { give(up: "the process has ended") }
    _ = whenReadable(descriptor) { leave() }
  }

  private static func leave() {
    guard !isLeaving else { return }
    isLeaving = true
    onBus {
      await agent?.stop()
      MainLoop.quit(EXIT_SUCCESS)
    }
  }

  private static func give(up ending: Agent.Ending) {
    switch ending {
    case .otherAgent: give(up: AgentTexts.otherAgent, Program.otherAgent)
    case .refused(let cause): give(up: AgentTexts.refused(cause))
    case .noSession: give(up: AgentTexts.noSession)
    case .busLost: give(up: AgentTexts.busLost)
    }
  }

  private static func give(up sentence: String, _ status: Int32 = EXIT_FAILURE) -> Never {
    Program.leave(status, "offline-access-agent: \(sentence)\n")
  }
}
