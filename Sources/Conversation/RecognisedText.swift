// Reading a conversation back, for programs that see it as prompts and messages of PAM. The PAM module and the
// helper only write, so this is no part of them.
#if canImport(OfflineAccess)
  import BusClient
  import OfflineAccess

  /// What a text of a conversation asks or says. `docs/pam-text.md` has the texts.
  public enum RecognisedText: Equatable, Sendable {
    // MARK: Prompts
    /// `left` is what remains, such as `7 logins left, until 1 December 2026`; "" where that is not said.
    case passcodePrompt(left: String)
    case pinPrompt
    /// An empty answer waits on for the approval on the phone; anything else is a passcode.
    case approvePrompt
    case onlinePrompt
    /// Answered by a word of `Answer`.
    case offerPrompt([FactorMethod], mayPutOff: Bool = true)
    /// The key in groups, for typing; the answer is the code that the app shows.
    case keyPrompt(secret: String)

    // MARK: Messages
    case contacting
    case approve
    /// The offline factor is asked for next, or the key.
    case onlineAway
    case touch(left: String)
    /// One touch of a set-up, counted from 1.
    case setUpTouch(UInt32, of: UInt32)
    case keyNeeded
    case keySilent
    case wrongKey
    case offer([FactorMethod])
    /// For a QR code.
    case uri(String)
    case setUp
    /// A set-up that was offered was put off.
    case putOff
    /// Offline access was not set up; why is the sentence itself.
    case notSetUp
    case unavailable
    case service(RecognisedSentence)

    /// - Returns: nil for a text of something else in the PAM stack.
    public init?(_ text: String) {
      for (pattern, make) in Self.all {
        if let gaps = pattern.gaps(in: text), let found = make(gaps) {
          self = found
          return
        }
      }
      guard let sentence = RecognisedSentence(text) else { return nil }
      self = .service(sentence)
    }

    /// What answers an offer.
    public enum Answer: String, CaseIterable, Sendable {
      case phone, key, later

      public init(_ method: FactorMethod) {
        switch method {
        case .passcode: self = .phone
        case .securityKey: self = .key
        }
      }
    }
  }

  extension RecognisedText {
    private typealias Pattern = (TextPattern, @Sendable ([String]) -> RecognisedText?)

    private static func fixed(_ text: String, _ meaning: RecognisedText) -> Pattern {
      (TextPattern(text), { @Sendable _ in meaning })
    }

    /// A text with one gap.
    private static func open(
      _ text: String, _ gap: String, _ meaning: @escaping @Sendable (String) -> RecognisedText
    ) -> Pattern {
      (TextPattern(text, gaps: gap), { @Sendable gaps in meaning(gaps[0]) })
    }

    private static let all: [Pattern] = {
      // The least and the most that an allowance makes a prompt say.
      let silent = Allowance()
      var telling = Allowance()
      telling.state = AllowanceState.ready.rawValue
      telling.limit = LimitKind.logins.rawValue
      telling.remaining = 77
      let left = "77 logins left"
      let gap = "\u{1}"

      var all: [Pattern] = [
        fixed(Texts.passcodePrompt(silent), .passcodePrompt(left: "")),
        open(Texts.passcodePrompt(telling), left) { .passcodePrompt(left: $0) },
        fixed(Texts.pinPrompt, .pinPrompt),
        fixed(OnlineSentences.approvePrompt, .approvePrompt),
        fixed(OnlineSentences.passcodePrompt, .onlinePrompt),
        open(Texts.keyPrompt(gap), gap) { .keyPrompt(secret: $0) },
        fixed(OnlineSentences.contacting, .contacting),
        fixed(OnlineSentences.approve, .approve),
        fixed(OnlineSentences.unreachable(nil), .onlineAway),
        fixed(OnlineSentences.unreachable(1), .onlineAway),
        open(OnlineSentences.unreachable(77), "77") { _ in .onlineAway },
        fixed(Texts.touch(silent), .touch(left: "")),
        fixed(Texts.touchPresent, .touch(left: "")),
        open(Texts.touch(telling), left) { .touch(left: $0) },
        touchPattern(first: true), touchPattern(first: false),
        fixed(Texts.keyNeeded, .keyNeeded),
        fixed(Texts.keyRetry, .keySilent),
        fixed(Texts.wrongKey, .wrongKey),
        fixed(Texts.notTheNewKey, .wrongKey),
        open("otpauth://" + gap, gap) { .uri("otpauth://" + $0) },
        fixed(Texts.setUp, .setUp),
        fixed(Texts.notSetUp, .notSetUp),
        fixed(Texts.later, .notSetUp),
        fixed(Texts.later(nil), .putOff),
        fixed(Texts.later(1), .putOff),
        fixed(Texts.later(2), .putOff),
        open(Texts.later(78), "77") { _ in .putOff },
        fixed(Texts.noEnd, .service(.refusal(.onlineDenied, lockedFor: nil))),
        fixed(Texts.setUpElsewhere, .notSetUp),
        open(Texts.unavailable(gap), gap) { _ in .unavailable },
        fixed(Texts.notText, .service(.refusal(.badResponse, lockedFor: nil))),
        fixed(Texts.passwordAgain, .service(.refusal(.badResponse, lockedFor: nil))),
        fixed(Texts.noUser, .service(.refusal(.noSuchUser, lockedFor: nil))),
      ]
      for methods in [FactorMethod.allCases] + FactorMethod.allCases.map({ [$0] }) {
        all.append(fixed(Texts.offer(methods), .offer(methods)))
        all.append(fixed(Texts.offerPrompt(methods), .offerPrompt(methods)))
        all.append(fixed(Texts.offerPrompt(methods, mayPutOff: false), .offerPrompt(methods, mayPutOff: false)))
      }
      for refusal in BusFailure.refusalsOfClients {
        all.append(fixed(refusal.sentence, .service(.refusal(refusal.reason, lockedFor: nil))))
      }
      return all
    }()

    private static func touchPattern(first: Bool) -> Pattern {
      let step: UInt32 = first ? 1 : 77
      return (
        TextPattern(Texts.touch(step, of: 88), gaps: "\(step)", "88"),
        { @Sendable gaps in
          guard let step = UInt32(gaps[0]), let steps = UInt32(gaps[1]) else { return nil }
          return .setUpTouch(step, of: steps)
        }
      )
    }
  }
#endif
