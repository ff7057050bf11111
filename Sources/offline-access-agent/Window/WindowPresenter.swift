import CGTK
import FactorScene
import FactorView
import GLibBus
import Glibc
import OfflineAccess
import PolkitAgent

/// Asks in a window: what PAM says becomes a scene.
///
/// GTK runs on GLib's main context, as the bus actor does: both are the process's first thread.
@BusActor
final class WindowPresenter: Presenter {
  private var window: AgentWindow?
  private var keeper = SceneKeeper()
  private var talk: Talk?
  private var answer: CheckedContinuation<Secret?, Never>?
  private var again: CheckedContinuation<Bool, Never>?

  /// nil where there is no display.
  init?() {
    guard MainActor.assumeIsolated({ gtk_init_check(nil, nil) != 0 }) else { return nil }
    // Handlers of GTK leave at once: what they start may change the very widget that called.
    let actions = AgentWindow.Actions(
      answer: { [weak self] text in onBus { [weak self] in self?.answered(text) } },
      dismiss: { [weak self] in onBus { [weak self] in self?.talk?.dismiss() } },
      tryAgain: { [weak self] in onBus { [weak self] in self?.tryAgain() } },
      choose: { [weak self] place in onBus { [weak self] in self?.choose(place) } })
    window = MainActor.assumeIsolated { AgentWindow(actions) }
  }

  private func draw(_ change: @MainActor (AgentWindow) -> Void) {
    guard let window else { return }
    MainActor.assumeIsolated { change(window) }
  }

  private func drawScene() {
    let scene = keeper.scene
    draw { $0.show(scene) }
  }

  // MARK: The talk

  func begin(_ talk: Talk) {
    self.talk = talk
    keeper = SceneKeeper()
    let request = talk.request
    drawScene()
    draw { $0.open(request) }
  }

  /// The user who sits here, or the first; the window lets another one be chosen at any time.
  func chooseIdentity(of identities: [Identity]) async -> Identity? {
    identities.first { $0.uid == getuid() } ?? identities.first
  }

  func tries(as identity: Identity, forecast: Forecast?) {
    keeper.begin()
    let place = talk?.request.identities.firstIndex(of: identity) ?? 0
    draw { $0.show(identity, place: place, forecast: forecast) }
    drawScene()
  }

  func ask(_ prompt: String, echo: Bool) async -> Secret? {
    guard let talk, !talk.isOver else { return nil }
    keeper.heard(shown(prompt), as: echo ? .visiblePrompt : .hiddenPrompt)
    drawScene()
    return await withCheckedContinuation { answer = $0 }
  }

  func tell(_ text: String, isError: Bool) {
    keeper.heard(shown(text), as: isError ? .error : .info)
    drawScene()
  }

  func triesAgain(wasAsked: Bool, isLast: Bool) async -> Bool {
    guard let talk, !talk.isOver else { return false }
    let goesOn = keeper.ended(granted: false)
    if goesOn, isLast { return false }
    drawScene()
    if goesOn { return true }
    // To be read: the person says what is next.
    return await withCheckedContinuation { again = $0 }
  }

  func withdraw() {
    answer?.resume(returning: nil)
    answer = nil
    again?.resume(returning: false)
    again = nil
  }

  func end(_ outcome: Talk.Outcome) {
    talk = nil
    keeper = SceneKeeper()
    draw { $0.hide() }
    if case .noHelper = outcome { complain(AgentTexts.noHelper) }
  }

  // MARK: The person

  private func answered(_ text: String) {
    guard let answer else { return }
    self.answer = nil
    keeper.answered()
    drawScene()
    answer.resume(returning: Secret(text.utf8))
  }

  private func tryAgain() {
    again?.resume(returning: true)
    again = nil
  }

  private func choose(_ place: Int) {
    guard let talk, talk.request.identities.indices.contains(place) else { return }
    talk.start(over: talk.request.identities[place])
  }

  private func complain(_ sentence: String) {
    let line = "offline-access-agent: \(sentence)\n"
    write(STDERR_FILENO, line, line.utf8.count)
  }
}
