extension UserState {
  /// Decides on one response and changes the state accordingly.
  ///
  /// A yes spends the code, counts the login where its purpose counts, ends the failure count and
  /// moves the clock's mark; a wrong response counts one failure. The caller makes the state
  /// durable before it tells anybody.
  ///
  /// - Parameters:
  ///   - response: what the person typed; "" asks what is needed and never counts.
  ///   - purpose: nil for a proof of the factor that is no login (it draws nothing down).
  /// - Returns: the report after a yes.
  /// - Throws: the need or the refusal.
  public mutating func authenticate(
    response: String, purpose: Purpose?, in circumstances: Circumstances, by algorithm: some PasscodeAlgorithm
  ) throws(Refusal) -> AllowanceReport {
    let passcode: PasscodeFactor
    switch try usableFactor(for: purpose, in: circumstances) {
    case .passcode(let factor): passcode = factor
    case .securityKey: throw Refusal.keyInsteadOfCode
    }
    guard response.utf8.contains(where: { $0 != UInt8(ascii: " ") }) else {
      throw Refusal(.responseRequired, Sentences.responseRequired(report(exempt: false, in: circumstances)))
    }
    switch try passcode.match(response, at: circumstances.now, by: algorithm) {
    case .fresh(let spent): return accept(.passcode(spent), for: purpose, in: circumstances)
    case .replayed:
      // No failure: whoever sends a spent code has learned nothing about the next one.
      throw Refusal.replayed
    case .wrong: throw fail(.badResponse, in: circumstances)
    }
  }

  /// The security key that is to be touched, or nil where a response is to be typed.
  ///
  /// - Throws: the refusal where no factor may be used now.
  public mutating func keyToTouch(
    for purpose: Purpose?, in circumstances: Circumstances
  ) throws(Refusal) -> SecurityKeyFactor? {
    switch try usableFactor(for: purpose, in: circumstances) {
    case .passcode: nil
    case .securityKey(let key): key
    }
  }

  /// Decides on what came of a touch, as `authenticate(response:purpose:in:by:)` does on a code.
  ///
  /// A touch takes its time, so all is looked at again: the allowance may be used up meanwhile, the factor replaced.
  public mutating func authenticate(
    touch: Result<KeyProof, Refusal>, purpose: Purpose?, in circumstances: Circumstances
  ) throws(Refusal) -> AllowanceReport {
    let factor = try usableFactor(for: purpose, in: circumstances)
    let proof: KeyProof
    switch touch {
    case .success(let given): proof = given
    case .failure(let refusal):
      // A wrong PIN that the key has seen, and a forged proof, are guesses; that nobody touched is none.
      throw refusal.isGuess ? fail(refusal, in: circumstances) : refusal
    }
    guard case .securityKey(let key) = factor, key.credential == proof.credential else {
      throw Refusal.wrongSecurityKey
    }
    return accept(.securityKey(try key.advanced(to: proof.counter)), for: purpose, in: circumstances)
  }

  /// The factor that may be used now, or the refusal.
  private mutating func usableFactor(for purpose: Purpose?, in circumstances: Circumstances) throws(Refusal) -> Factor {
    settleLock(in: circumstances)
    if let obstacle = obstacle(for: purpose, in: circumstances) {
      if obstacle == .expired { noteEnd(in: circumstances) }
      throw refusal(for: obstacle, in: circumstances)
    }
    guard let enrollment else { throw Refusal(.notActivated, Sentences.notActivated(circumstances.policy)) }
    return enrollment.factor
  }

  /// A yes: the factor as it is after its use, and what the use costs.
  private mutating func accept(
    _ factor: Factor, for purpose: Purpose?, in circumstances: Circumstances
  ) -> AllowanceReport {
    if var enrollment {
      enrollment.factor = factor
      enrollment.failures = Failures()
      if let purpose, circumstances.policy.counts.contains(purpose), enrollment.grant.used < .max {
        enrollment.grant.used += 1
        if circumstances.outage?.isConnected == true, enrollment.grant.usedConnected < .max {
          enrollment.grant.usedConnected += 1
        }
      }
      self.enrollment = enrollment
    }
    noteOutage(in: circumstances)
    advanceClockMark(to: circumstances.now)
    return report(exempt: false, in: circumstances, via: .offline)
  }

  /// Counts a failure, and says so where it locks.
  private mutating func fail(_ refusal: Refusal, in circumstances: Circumstances) -> Refusal {
    guard var failures = enrollment?.failures else { return refusal }
    failures.add(at: circumstances.now, attempts: circumstances.policy.attempts)
    enrollment?.failures = failures
    guard failures.isLocked(at: circumstances.now) else { return refusal }
    return Refusal(
      refusal.reason,
      refusal.sentence + " " + Sentences.locked(until: failures.lockedUntil, at: circumstances.now))
  }

  /// Takes note of what time alone has changed; for a look at the state that decides nothing.
  public mutating func observe(in circumstances: Circumstances) {
    settleLock(in: circumstances)
    if obstacle(for: nil, in: circumstances) == .expired { noteEnd(in: circumstances) }
  }

  /// Seeing the last day pass is remembered, or setting the clock back would bring it again: with the user as well,
  /// since the mark is everybody's, and falls where an authority vouches for the clock.
  private mutating func noteEnd(in circumstances: Circumstances) {
    advanceClockMark(to: circumstances.now)
    guard let grant = enrollment?.grant else { return }
    let lastDay = circumstances.lastDay(of: grant)
    if grant.ended.map({ $0 < lastDay }) ?? true { enrollment?.grant.ended = lastDay }
  }

  /// Fills the allowance again on an authority's word, ends a lock and trusts the clock as it is.
  public mutating func renew(in circumstances: Circumstances) throws(Refusal) -> AllowanceReport {
    guard var enrollment else { throw Refusal(.notActivated, Sentences.notActivated(circumstances.policy)) }
    enrollment.grant = Grant(day: circumstances.today)
    enrollment.failures = Failures()
    self.enrollment = enrollment
    standing.suspendedSince = nil
    clockMark = circumstances.now
    return report(exempt: false, in: circumstances)
  }

  /// Forgets the factor.
  public mutating func deactivate(in circumstances: Circumstances) throws(Refusal) {
    guard enrollment != nil else { throw Refusal(.notActivated, Sentences.notActivated(circumstances.policy)) }
    // A suspension is the authority's word and stays.
    enrollment = nil
  }

  /// The refusal that an obstacle means.
  func refusal(for obstacle: AllowanceState, in circumstances: Circumstances) -> Refusal {
    let reason: Refusal.Reason =
      switch obstacle {
      case .exhausted: .allowanceExhausted
      case .expired: .allowanceExpired
      case .locked: .locked
      case .clockUntrusted: .clockUntrusted
      case .notActivated: .notActivated
      case .suspended: .onlineProofRequired
      case .ready: .failed
      }
    var report = report(exempt: false, in: circumstances)
    report.state = obstacle
    return Refusal(reason, Sentences.message(for: report, exempt: false, in: circumstances))
  }

  /// Shortens a lock that a clock set back had stretched.
  mutating func settleLock(in circumstances: Circumstances) {
    guard var failures = enrollment?.failures else { return }
    if failures.settle(at: circumstances.now, attempts: circumstances.policy.attempts) {
      enrollment?.failures = failures
    }
  }

  mutating func advanceClockMark(to now: Int64) {
    if now > clockMark { clockMark = now }
  }
}
