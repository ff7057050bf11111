import GLibBus
import Glibc
import OfflineAccess
import PolkitAgent

/// Asks on a terminal, in the words of PAM's conversation.
@BusActor
final class TerminalPresenter: Presenter {
  private let terminal: Terminal
  /// The process whose questions these are.
  private let shell: pid_t?
  private var talk: Talk?
  /// The identity of the last try.
  private var identity: Identity?

  init(_ terminal: Terminal, shell: pid_t?) {
    self.terminal = terminal
    self.shell = shell
  }

  func begin(_ talk: Talk) {
    self.talk = talk
    identity = nil
    let request = talk.request
    let isTaken = terminal.take(from: shell)
    terminal.print("\n\(shown(request.message))")
    for line in [
      request.program.map(AgentTexts.program), AgentTexts.action(shown(request.action)),
      request.caller.map(AgentTexts.caller),
    ] { if let line { terminal.print("  \(line)") } }
    guard isTaken else {
      terminal.print(AgentTexts.inBackground)
      return talk.dismiss()
    }
    terminal.ended = { [weak talk] in talk?.dismiss() }
  }

  func chooseIdentity(of identities: [Identity]) async -> Identity? {
    guard !isOver else { return nil }
    terminal.print(AgentTexts.identities)
    for (index, identity) in identities.enumerated() { terminal.print("  \(index + 1)  \(identity.shownName)") }
    while let answer = await terminal.ask(AgentTexts.choose(identities.count), echo: true) {
      let text = answer.withBytes { String(decoding: $0, as: UTF8.self) }
      if let number = Int(text), identities.indices.contains(number - 1) { return identities[number - 1] }
      if let identity = identities.first(where: { $0.name == text }) { return identity }
      terminal.print(AgentTexts.notAChoice(identities.count))
    }
    return nil
  }

  func tries(as identity: Identity, forecast: Forecast?) {
    if identity != self.identity { terminal.print("  \(AgentTexts.identity(identity.shownName))") }
    self.identity = identity
    if let forecast { terminal.print(forecast.text) }
  }

  func ask(_ prompt: String, echo: Bool) async -> Secret? {
    isOver ? nil : await terminal.ask(shown(prompt), echo: echo)
  }

  func tell(_ text: String, isError: Bool) {
    // For a picture that a camera reads; the next prompt has the same in letters.
    if text.hasPrefix("otpauth://") { return }
    terminal.print(shown(text))
  }

  func triesAgain(wasAsked: Bool, isLast: Bool) async -> Bool {
    guard wasAsked, !isLast else { return false }
    terminal.print(AgentTexts.again)
    return true
  }

  func withdraw() { terminal.withdraw() }

  func end(_ outcome: Talk.Outcome) {
    switch outcome {
    case .granted: terminal.print(AgentTexts.granted)
    case .denied: terminal.print(AgentTexts.denied)
    case .dismissed: terminal.print(AgentTexts.cancelled)
    case .withdrawn: terminal.print(AgentTexts.withdrawn)
    case .noHelper: terminal.print(AgentTexts.noHelper)
    }
    terminal.ended = nil
    terminal.giveBack()
    talk = nil
  }

  private var isOver: Bool { talk?.isOver ?? true }
}
