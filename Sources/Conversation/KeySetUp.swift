// The set-up of a security key at a prompt. This file also compiles as Embedded Swift.
#if canImport(OfflineAccess)
  import BusClient
  import BusInterface
  import OfflineAccess
#endif

extension Conversation {
  /// Asks for one touch after another until the set-up is complete.
  ///
  /// - Returns: the details of the last one.
  mutating func confirmByTouches<Service: FactorService>(
    _ service: Service, _ challenge: Challenge
  ) throws(Ending) -> BusDictionary {
    let steps = challenge.touches
    // A PIN that the key took for one touch is good for the next.
    var pin = ""
    for step in 1...steps {
      let (complete, details) = try confirmByTouch(service, challenge, step, of: steps, &pin)
      if complete { return details }
    }
    throw .service(.refused(Refusal(.failed, Texts.notSetUp)))
  }

  private mutating func confirmByTouch<Service: FactorService>(
    _ service: Service, _ challenge: Challenge, _ step: UInt32, of steps: UInt32, _ pin: inout String
  ) throws(Ending) -> (complete: Bool, details: BusDictionary) {
    var left = Self.tries
    var mayAskPIN = true
    while true {
      var telling = TouchTelling(step, of: steps)
      try tell(telling.invite())
      let options = ConfirmOptions(pin: pin, isTrial: request.storesLater)
      let refusal: Refusal
      do throws(BusFailure) {
        return try service.confirm(challenge.activation, response: "", options: options) { report in
          show(report, &telling)
        }
      } catch {
        guard case .refused(let reason) = error else { throw .service(error) }
        refusal = reason
      }
      if refusal.reason == .pinRequired, mayAskPIN {
        mayAskPIN = false
        pin = try ask(Texts.pinPrompt, echo: false)
        continue
      }
      left -= 1
      guard refusal.reason.isWorthAnotherTouch, left > 0 else { throw .service(.refused(refusal)) }
      try tell(refusal.sentence, isError: true)
    }
  }
}

extension Challenge {
  /// Touches to come; two where the service does not say.
  public var touches: UInt32 { max(1, steps ?? 2) }
}

extension Refusal.Reason {
  /// Whether the person was too slow or has to plug something in, rather than the set-up being over.
  public var isWorthAnotherTouch: Bool {
    switch self {
    case .touchTimeout, .noSecurityKey, .wrongSecurityKey: true
    case .notActivated, .alreadyActivated, .responseRequired, .badResponse, .responseReplayed, .pinRequired, .badPin,
      .pinLocked, .securityKeyRefused, .allowanceExhausted, .allowanceExpired, .locked, .clockUntrusted,
      .onlineProofRequired, .onlineDenied, .noSuchActivation, .noSuchUser, .busy, .canceled, .notSupported, .failed,
      .accessDenied, .invalidArguments, .interactiveAuthorizationRequired:
      false
    }
  }
}
