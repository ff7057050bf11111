// The set-up dialogue at a prompt. This file also compiles as Embedded Swift.
#if canImport(OfflineAccess)
  import BusClient
  import BusInterface
  import OfflineAccess
#endif

extension Conversation {
  /// Codes or touches that may be tried before the set-up is dropped.
  static var tries: Int { 3 }

  /// Offers a set-up after a yes of the online service, which nothing here takes back.
  mutating func offer<Service: FactorService>(_ service: Service, _ outcome: Allowance) {
    do throws(Ending) {
      let offered = try offeredMethods(service)
      try tell(Texts.offer(offered))
      let answer: String
      do throws(Ending) { answer = try ask(Texts.offerPrompt(offered), echo: true) } catch {
        // Whoever breaks off, or cannot answer, puts it off as well.
        postpone(service, offered)
        throw error
      }
      guard let method = Texts.choice(answer, of: offered) else {
        postpone(service, offered)
        return try tell(Texts.later(outcome.later))
      }
      try setUp(service, by: method)
    } catch {
      switch error {
      case .service(.refused(let refusal)): try? tell(refusal.sentence, isError: true)
      case .service(.unavailable(let words)): try? tell(Texts.unavailable(words), isError: true)
      case .person: return
      }
    }
  }

  /// A set-up that is begun and cancelled is what the service knows as "later".
  private func postpone<Service: FactorService>(_ service: Service, _ offered: [FactorMethod]) {
    guard let first = offered.first, let begun = try? service.activate(request.user, method: first, name: "") else {
      return
    }
    try? service.cancel(begun.activation)
  }

  /// Offers a set-up without which nobody gets in; a return means that it is complete, or proven where it is stored
  /// later.
  mutating func setUp<Service: FactorService>(_ service: Service, mayPutOff: Bool = true) throws(Ending) {
    let offered = try offeredMethods(service)
    try tell(Texts.offer(offered))
    let answer = try ask(Texts.offerPrompt(offered, mayPutOff: mayPutOff), echo: true)
    guard let method = Texts.choice(answer, of: offered) else {
      throw .service(.refused(Refusal(.notActivated, Texts.later)))
    }
    try setUp(service, by: method)
  }

  private mutating func setUp<Service: FactorService>(_ service: Service, by method: FactorMethod) throws(Ending) {
    let user = request.user
    let challenge = try heard { () throws(BusFailure) in
      try service.activate(user, method: method, name: "")
    }
    do throws(Ending) {
      let details =
        switch method {
        case .passcode: try confirmByCode(service, challenge)
        case .securityKey: try confirmByTouches(service, challenge)
        }
      if request.storesLater { proven = challenge.activation }
      let sentence = details.string(ChallengeKey.message.rawValue) ?? ""
      try? tell(sentence.isEmpty ? Texts.setUp : sentence)
    } catch {
      // Nobody will finish it. A service that did not answer is not waited for a second time.
      if case .service(.unavailable) = error {} else { try? service.cancel(challenge.activation) }
      throw error
    }
  }

  /// What the person can choose from. A key can only be touched at the computer itself.
  private func offeredMethods<Service: FactorService>(_ service: Service) throws(Ending) -> [FactorMethod] {
    let names = try heard { () throws(BusFailure) in try service.methods() }
    var offered: [FactorMethod] = []
    for method in FactorMethod.allCases where names.contains(method.rawValue) {
      if method == .passcode || request.remote.isEmpty { offered.append(method) }
    }
    guard !offered.isEmpty else { throw .service(.refused(Refusal(.notActivated, Texts.setUpElsewhere))) }
    return offered
  }

  private mutating func confirmByCode<Service: FactorService>(
    _ service: Service, _ challenge: Challenge
  ) throws(Ending) -> BusDictionary {
    try show(challenge.uri)
    for _ in 0..<Self.tries {
      let code = try ask(Texts.keyPrompt(challenge.secret), echo: false)
      do throws(BusFailure) {
        let options = ConfirmOptions(isTrial: request.storesLater)
        let (complete, details) = try service.confirm(challenge.activation, response: code, options: options)
        if complete { return details }
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
