import GLibBus

/// The questions of polkit's that are open: one is shown, the others wait for their turn.
@BusActor
final class Desk {
  private final class Entry {
    let request: AuthenticationRequest
    var talk: Talk?
    var isWithdrawn = false
    /// Whom to wake when it is this one's turn, or it is withdrawn.
    var turn: CheckedContinuation<Void, Never>?
    init(_ request: AuthenticationRequest) { self.request = request }
  }

  private let presenter: any Presenter
  private let forecasts = Forecasts()
  /// In the order in which they came; the first is shown.
  private var entries: [Entry] = []

  init(_ presenter: any Presenter) { self.presenter = presenter }

  /// Answers a question, after those that came before.
  func answer(_ request: AuthenticationRequest) async -> Talk.Outcome {
    let entry = Entry(request)
    entries.append(entry)
    if entries.first !== entry { await withCheckedContinuation { entry.turn = $0 } }
    defer { leave(entry) }
    if entry.isWithdrawn { return .withdrawn }
    let talk = Talk(request, with: presenter, forecasts: forecasts)
    entry.talk = talk
    return await talk.run()
  }

  /// Nobody waits for the answer any more.
  ///
  /// - Returns: whether there was such a question.
  @discardableResult
  func withdraw(_ cookie: String) -> Bool {
    guard let entry = entries.first(where: { $0.request.cookie == cookie }) else { return false }
    withdraw(entry)
    return true
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
