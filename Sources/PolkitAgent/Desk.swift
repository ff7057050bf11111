import GLibBus

/// The questions of polkit's that are open: one is shown, the others wait for their turn.
@BusActor
final class Desk {
  private final class Entry {
    let cookie: String
    var talk: Talk?
    var isWithdrawn = false
    /// Whom to wake when it is this one's turn, or it is withdrawn.
    var turn: CheckedContinuation<Void, Never>?
    init(_ cookie: String) { self.cookie = cookie }
  }

  private let presenter: any Presenter
  private let helpers: Talk.HelperSource
  private let forecasts = Forecasts()
  /// In the order in which they came; the first is shown.
  private var entries: [Entry] = []

  init(_ presenter: any Presenter, helpers: @escaping Talk.HelperSource = HelperChannel.open) {
    self.presenter = presenter
    self.helpers = helpers
  }

  /// Answers a question, after those that came before.
  ///
  /// - Parameters:
  ///   - cookie: polkit's word for it, by which it can be withdrawn from now on.
  ///   - read: finds out what is asked and who may answer, which may take its time.
  /// - Returns: nil where `read` found no question.
  func answer(_ cookie: String, _ read: () async -> AuthenticationRequest?) async -> Talk.Outcome? {
    let entry = Entry(cookie)
    entries.append(entry)
    defer { leave(entry) }
    guard let request = await read() else { return nil }
    if !entry.isWithdrawn, entries.first !== entry { await withCheckedContinuation { entry.turn = $0 } }
    if entry.isWithdrawn { return .withdrawn }
    let talk = Talk(request, with: presenter, forecasts: forecasts, helpers: helpers)
    entry.talk = talk
    return await talk.run()
  }

  /// Nobody waits for the answer any more.
  ///
  /// - Returns: whether there was such a question.
  @discardableResult
  func withdraw(_ cookie: String) -> Bool {
    let meant = entries.filter { $0.cookie == cookie }
    for entry in meant { withdraw(entry) }
    return !meant.isEmpty
  }

  func withdrawAll() { for entry in entries { withdraw(entry) } }

  /// The person leaves the question that is shown; false where there is none.
  func dismiss() -> Bool {
    guard let talk = entries.first?.talk else { return false }
    talk.dismiss()
    return true
  }

  private func withdraw(_ entry: Entry) {
    entry.isWithdrawn = true
    entry.talk?.withdraw()
    wake(entry)
  }

  private func leave(_ entry: Entry) {
    entries.removeAll { $0 === entry }
    if let next = entries.first { wake(next) }
  }

  private func wake(_ entry: Entry) {
    entry.turn?.resume()
    entry.turn = nil
  }
}
