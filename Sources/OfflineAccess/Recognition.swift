// Reading the service's sentences back, for programs that see them as text of a PAM conversation only. What is
// recognised is made from the sentences themselves; a test holds every one of them to it.

/// What a sentence of the service says.
public enum RecognisedSentence: Equatable, Sendable {
  /// What remains, or why nothing had to be asked: said after a yes.
  ///
  /// - Parameter isWarning: little remains, or nothing.
  case allowance(isWarning: Bool)
  /// No or not yet. `seconds` is how long a lock lasts, rounded up to minutes when it was said; nil without one.
  case refusal(Refusal.Reason, lockedFor: Int64?)

  /// - Returns: nil for a sentence that is not the service's, or that only programs get to see.
  public init?(_ sentence: String) {
    for (pattern, reason) in Self.refusals where pattern.gaps(in: sentence) != nil {
      self = .refusal(reason, lockedFor: nil)
      return
    }
    if let (said, seconds) = Self.splitLock(sentence) {
      if said.isEmpty {
        self = .refusal(.locked, lockedFor: seconds)
        return
      }
      if case .refusal(let reason, _) = Self(said) {
        self = .refusal(reason, lockedFor: seconds)
        return
      }
    }
    guard let (_, isWarning) = Self.allowances.first(where: { $0.0.gaps(in: sentence) != nil }) else { return nil }
    self = .allowance(isWarning: isWarning)
  }

  /// The sentence without what it says of a lock, "" where it says nothing else.
  public static func withoutLock(_ sentence: String) -> String { splitLock(sentence)?.said ?? sentence }

  /// The sentence about a lock of so many seconds, 1 at least.
  public static func lock(for seconds: Int64) -> String { Sentences.locked(until: max(1, seconds), at: 0) }

  /// Seconds of a `Sentences.duration`.
  static func seconds(_ duration: String) -> Int64? {
    let words = duration.split(separator: " ", omittingEmptySubsequences: false)
    guard words.count == 2, let number = Int64(words[0]), number > 0 else { return nil }
    for (unit, length) in units where words[1] == unit {
      let (seconds, overflow) = number.multipliedReportingOverflow(by: length)
      return overflow ? nil : seconds
    }
    return nil
  }

  /// The words for one second, for several and for minutes, with their lengths in seconds.
  private static let units: [(Substring, Int64)] = [(1, 1), (77, 1), (7200, 60)].compactMap { sample, length in
    Sentences.duration(sample).split(separator: " ").last.map { ($0, length) }
  }

  /// A sentence that ends with the one about the lock, without it.
  private static func splitLock(_ sentence: String) -> (said: String, seconds: Int64)? {
    let sample = Sentences.locked(until: 77, at: 0)
    let duration = Sentences.duration(77)
    if let found = TextPattern(sample, gaps: duration).gaps(in: sentence), let seconds = seconds(found[0]) {
      return ("", seconds)
    }
    guard let found = TextPattern("\u{1} " + sample, gaps: "\u{1}", duration).gaps(in: sentence),
      let seconds = seconds(found[1])
    else { return nil }
    return (found[0], seconds)
  }
}

// MARK: All sentences

extension RecognisedSentence {
  /// Stands for whatever a sentence is told.
  private static let gap = "\u{1}"

  private static let refusals: [(TextPattern, Refusal.Reason)] = {
    let fixed: [Refusal] = [
      .badResponse, .replayed, .badConfirmation, .codeRequired, .keyInsteadOfCode, .noSecurityKey, .remoteTouch,
      .wrongSecurityKey, .severalSecurityKeys, .touchTimeout, .touchGivenUp, .keyInUse, .possibleClone, .keyUnreliable,
      .badSignature, .attestationMissing, .attestationRootsUnreadable, .catalogueUnreadable, .cannotVerify,
      .pinRequired, .badPin(left: nil), .notRecognised, .noPin, .fewTries(0), .pinPaused, .alreadyActivated,
      .nothingToReplace, .noSuchActivation, .noSuchUser, .unidentifiedCaller, .othersDenied, .notAuthorized,
      .authorizationUnchecked, .interactionRequired, .onlineProofRequired, .callerGone, .tooLarge, .busy,
      .usersUnknown, .noRandomness, .noMachineID, .passcodeFailure,
      .onlineDenied(.wrongResponse), .onlineDenied(.noResponse), .onlineDenied(.user), .bypassRefused,
      .onlineMisconfigured, .leftForCode, .approvalRequired, .onlineCodeRequired, .overtaken, .setUpNeeded,
      .notAdmitted(.refusedHere), .notAdmitted(.unlisted), .notAdmitted(.admitted),
    ]
    var all = fixed.map { (TextPattern($0.sentence), $0.reason) }
    func add(_ refusal: Refusal, _ gap: String) {
      all.append((TextPattern(refusal.sentence, gaps: gap), refusal.reason))
    }
    add(.passwordToken(gap), gap)
    add(.notAdmitted(.refusedFamily(gap)), gap)
    add(.badPin(left: 77), "77")
    add(.fewTries(77), "77")
    add(.unavailable(because: gap), gap)
    add(.misconfigured(gap), gap)
    for method in FactorMethod.allCases {
      all.append((TextPattern(Refusal.notAllowed(method).sentence), .notSupported))
    }
    for circumstances in samples {
      let policy = circumstances.policy
      all.append((TextPattern(Sentences.notActivated(policy)), .notActivated))
      all.append((TextPattern(Sentences.clockUntrusted(policy)), .clockUntrusted))
      func message(_ state: AllowanceState, lastDay: Day? = nil) -> String {
        let report = report(state, lastDay: lastDay)
        return Sentences.message(for: report, exempt: false, in: circumstances)
      }
      all.append((TextPattern(message(.exhausted)), .allowanceExhausted))
      all.append((TextPattern(message(.suspended)), .onlineProofRequired))
      all.append((TextPattern(message(.expired)), .allowanceExpired))
      all.append((TextPattern(message(.expired, lastDay: day), gaps: day.spelledOut), .allowanceExpired))
      var offer = report(.notActivated)
      offer.offersActivation = true
      all.append((TextPattern(Sentences.message(for: offer, exempt: false, in: circumstances)), .notActivated))
    }
    var need = report(.ready)
    need.message = gap
    all.append((TextPattern(Sentences.responseRequired(need), gaps: gap), .responseRequired))
    return all
  }()

  private static let allowances: [(TextPattern, isWarning: Bool)] = {
    var all: [(TextPattern, isWarning: Bool)] = []
    for circumstances in samples {
      func add(_ report: AllowanceReport, _ gaps: String..., isWarning: Bool = false, exempt: Bool = false) {
        let sentence = Sentences.message(for: report, exempt: exempt, in: circumstances)
        let pattern =
          switch gaps.count {
          case 0: TextPattern(sentence)
          case 1: TextPattern(sentence, gaps: gaps[0])
          default: TextPattern(sentence, gaps: gaps[0], gaps[1])
          }
        all.append((pattern, isWarning))
      }
      let warns = circumstances.policy.warnAt > 0
      let farDay = Day(number: day.number + circumstances.policy.warnAt + 1)
      for (last, isNear) in [(day, warns), (farDay, false)] {
        let end = last.spelledOut
        add(report(.ready, lastDay: last), end, isWarning: isNear)
        add(report(.ready, remaining: 1, lastDay: last), end, isWarning: warns)
        add(report(.ready, remaining: 2, lastDay: last), "2", end, isWarning: warns)
        add(report(.ready, remaining: 77, lastDay: last), "77", end, isWarning: isNear)
      }
      add(report(.ready, remaining: 1), isWarning: warns)
      add(report(.ready, remaining: 2), "2", isWarning: warns)
      add(report(.ready, remaining: 77), "77")
      add(report(.ready))
      add(report(.exhausted, via: .offline), isWarning: true)
      add(report(.ready, via: .failOpen))
      add(report(.ready), exempt: true)
    }
    // A gap would take the word that makes it a warning, too.
    return all.filter(\.isWarning) + all.filter { !$0.isWarning }
  }()

  /// A day far from any number that stands in a sentence beside it.
  private static let day = Day(number: 20_000)

  private static func report(
    _ state: AllowanceState, remaining: UInt32? = nil, lastDay: Day? = nil, via: Via? = nil
  ) -> AllowanceReport {
    AllowanceReport(
      activated: true, offersActivation: false, method: nil, state: state, limit: .both, remaining: remaining,
      lastDay: lastDay, message: "", via: via)
  }

  /// Every policy that says something of its own, on that day.
  private static let samples: [Circumstances] = {
    struct ThatDay: LocalCalendar {
      func day(at unixTime: Int64) -> Day { RecognisedSentence.day }
      func end(of day: Day) -> Int64 { 0 }
    }
    // What is said where there is a network and only the authority is away.
    let connected = Outage(reason: "", isConnected: true)
    return [(AuthorityKind.none, Policy.StandingAlone.administrator), (.none, .firstLogin), (.radius, .administrator)]
      .flatMap { authority, standingAlone in
        // With the usual warnings, and without any.
        [(Policy().warnAt, nil), (0, nil), (0, connected)].map { warnAt, outage in
          var policy = Policy()
          (policy.authority.kind, policy.standingAlone, policy.warnAt) = (authority, standingAlone, warnAt)
          if outage != nil { policy.whileConnected = 1 }
          return Circumstances(
            policy: policy, moment: Moment(unixTime: 0, uptime: 0), calendar: ThatDay(), outage: outage)
        }
      }
  }()
}
