// The set-up dialogue at a prompt. This file also compiles as Embedded Swift.
#if canImport(OfflineAccess)
  import BusClient
  import BusInterface
  import OfflineAccess
#endif

extension Conversation {
  /// Codes that may be tried before the set-up is dropped.
  private static var tries: Int { 3 }

  /// Offers a set-up with an authenticator app; a return means that it is complete.
  mutating func setUp<Service: FactorService>(_ service: Service) throws(Ending) {
    try tell(Texts.offer)
    guard Texts.isYes(try ask(Texts.offerPrompt, echo: true)) else {
      throw .service(.refused(Refusal(.notActivated, Texts.later)))
    }
    let user = request.user
    let challenge = try heard { () throws(BusFailure) in
      try service.activate(user, method: .passcode, name: "")
    }
    do throws(Ending) {
      try confirm(service, challenge)
    } catch {
      // Nobody will finish it. A service that did not answer is not waited for a second time.
      if case .service(.unavailable) = error {} else { try? service.cancel(challenge.activation) }
      throw error
    }
  }

  private mutating func confirm<Service: FactorService>(
    _ service: Service, _ challenge: Challenge
  ) throws(Ending) {
    try show(challenge.uri)
    for _ in 0..<Self.tries {
      let code = try ask(Texts.keyPrompt(challenge.secret), echo: false)
      do throws(BusFailure) {
        let (complete, details) = try service.confirm(challenge.activation, response: code)
        guard complete else { continue }
        let sentence = details.string(ChallengeKey.message.rawValue) ?? ""
        try? tell(sentence.isEmpty ? Texts.setUp : sentence)
        return
      } catch {
        guard case .refused(let refusal) = error, refusal.isWorthAnotherCode else {
          throw .service(error)
        }
        try tell(refusal.sentence, isError: true)
      }
    }
    throw .service(.refused(Refusal(.notActivated, Texts.notSetUp)))
  }

  /// The code to scan: drawn where lines keep their shape, else as the text that a greeter draws.
  private mutating func show(_ uri: String) throws(Ending) {
    if request.atTerminal, let rows = QRText.rows(encoding: uri) {
      for row in rows { try tell(row) }
    } else if limit.holds(uri) {
      // Half a URI would be of no use; the key in the prompt says the same.
      try tell(uri)
    }
  }
}

extension Refusal {
  /// Whether the person mistyped, rather than the set-up being over.
  fileprivate var isWorthAnotherCode: Bool {
    switch reason {
    case .badResponse, .responseReplayed, .responseRequired: true
    default: false
    }
  }
}
