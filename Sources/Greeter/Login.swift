import CGTK
import FactorScene
import FactorView

/// One person's way from being chosen to a session: authentications, one after another, until one is a yes.
@MainActor
final class Login {
  private let daemon: Daemon
  private var keeper = SceneKeeper()
  /// Prompts that came together with the one that is shown.
  private var prompts: [(text: String, manner: SceneKeeper.Manner)] = []
  /// Counts authentications, so that what was put off for one does not reach the next.
  private var number = 0

  private(set) var person: Person?
  /// The scene has changed.
  var changed: @MainActor () -> Void = {}
  /// The session to start, by its key; nil leaves it to LightDM.
  var session: @MainActor () -> String? = { nil }
  /// The language to set, where the person chose one.
  var language: @MainActor () -> String? = { nil }
  /// Whether LightDM's library knows the language as that of the person.
  var isKnown: @MainActor (String) -> Bool = { _ in true }

  var scene: Scene { keeper.scene }

  init(_ daemon: Daemon) {
    self.daemon = daemon
    daemon.heard = { [unowned self] text, manner in hear(text, manner) }
    daemon.ended = { [unowned self] in whenIdle { self.end() } }
    daemon.autologinDue = { [unowned self] in whenIdle { self.begin(.automatic) } }
  }

  /// Begins for somebody. What went wrong before is forgotten, where it was another person's.
  func begin(_ person: Person) {
    if person != self.person { keeper = SceneKeeper() }
    self.person = person
    number += 1
    prompts = []
    keeper.begin()
    changed()
    attempt { () throws(DaemonFailure) in try daemon.authenticate(person) }
  }

  /// Nobody is chosen any more.
  func leave() {
    person = nil
    number += 1
    prompts = []
    keeper = SceneKeeper()
    changed()
    attempt { () throws(DaemonFailure) in try daemon.cancel() }
  }

  func answer(_ text: String) {
    guard keeper.isAsked else { return }
    keeper.answered()
    changed()
    let asked = number
    // Never in a handler: of two that wait for each other, nobody goes on.
    whenIdle { [self] in
      guard asked == number else { return }
      attempt { () throws(DaemonFailure) in try daemon.respond(text) }
      guard !prompts.isEmpty else { return }
      let next = prompts.removeFirst()
      keeper.heard(next.text, as: next.manner)
      changed()
    }
  }

  /// Ends a wait or a question, and asks the same person from the start.
  func giveUp() {
    guard let person else { return }
    keeper = SceneKeeper()
    begin(person)
  }

  private func hear(_ text: String, _ manner: SceneKeeper.Manner) {
    guard person != nil else { return }
    if keeper.isAsked {
      prompts.append((text, manner))
      return
    }
    keeper.heard(text, as: manner)
    changed()
  }

  private func end() {
    guard let person else { return }
    let isGranted = daemon.isAuthenticated
    let goesOn = keeper.ended(granted: isGranted)
    changed()
    if isGranted {
      startSession()
    } else if goesOn {
      begin(person)
    }
  }

  /// The session begins when what was said last could be read.
  private func startSession() {
    let (ended, language) = (number, language())
    if let language { attempt { () throws(DaemonFailure) in try daemon.setLanguage(language) } }
    afterMilliseconds(scene.millisecondsToRead) { [self] in startSession(in: language, number: ended, looks: 40) }
  }

  /// LightDM sets a language at AccountsService, hears of it from there a little later, and begins a session with what it
  /// knows: so it is looked for first. Without AccountsService that is in vain.
  private func startSession(in language: String?, number: Int, looks: Int) {
    guard number == self.number else { return }
    guard let language, looks > 0, !isKnown(language) else {
      return attempt { () throws(DaemonFailure) in try daemon.startSession(session()) }
    }
    afterMilliseconds(20) { [self] in startSession(in: language, number: number, looks: looks - 1) }
  }

  private func attempt(_ call: () throws(DaemonFailure) -> Void) {
    do throws(DaemonFailure) {
      try call()
    } catch {
      keeper.failed(error.words)
      changed()
    }
  }
}
