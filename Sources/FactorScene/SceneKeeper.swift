import Conversation
import OfflineAccess

/// Turns what PAM says into a scene. It holds no answer, and of secrets only those that PAM showed.
public struct SceneKeeper: Sendable {
  /// The four things that PAM can say.
  public enum Manner: Sendable {
    /// A prompt; whether the answer may be seen.
    case visiblePrompt
    case hiddenPrompt
    case info
    case error
  }

  public private(set) var scene = Scene(.waiting)
  /// Whether PAM waits for an answer.
  public private(set) var isAsked = false
  /// The refusal that ends this authentication, should it end now.
  private var refused: Refused?
  /// The URI that was shown; the next prompt for its code belongs to it.
  private var uri: String?
  /// The touch of the set-up that is under way.
  private var step: KeyPicture.Step?
  private var isByKey = false
  private var hasAnswered = false

  public init() {}

  /// An authentication begins. What the one before ended with stays to be read, beside its first prompt.
  public mutating func begin() {
    let left = scene.notices
    self = SceneKeeper()
    scene.notices = left
  }

  /// PAM says something.
  public mutating func heard(_ text: String, as manner: Manner) {
    let text = text.trimmed
    switch manner {
    case .visiblePrompt: asked(text, isVisible: true)
    case .hiddenPrompt: asked(text, isVisible: false)
    case .info: told(text)
    case .error: warned(text)
    }
  }

  /// The prompt was answered; PAM is at work.
  public mutating func answered() {
    isAsked = false
    hasAnswered = true
    refused = nil
    if case .question(let question) = scene.content, question.kind == .approvalOrPasscode {
      change(.approval)
    } else {
      change(.waiting)
    }
  }

  /// PAM is done.
  ///
  /// - Returns: whether to begin anew at once: something was answered, and another answer may be the right one.
  @discardableResult
  public mutating func ended(granted: Bool) -> Bool {
    isAsked = false
    guard !granted else {
      if case .accepted = scene.content {} else { change(.accepted(Accepted(sentence: "", isByKey: isByKey))) }
      return false
    }
    let said = scene.notices.last(where: \.isError)?.text
    let sentence = refused?.sentence ?? said ?? (hasAnswered ? SceneTexts.notRight : SceneTexts.notGranted)
    guard hasAnswered, !(refused?.isFinal ?? false) else {
      scene = Scene(.refused(refused ?? Refused(sentence: sentence)))
      return false
    }
    scene = Scene(.waiting, notices: [Notice(text: sentence, isError: true)])
    return true
  }

  /// The display manager could not do what it was asked to.
  public mutating func failed(_ words: String) {
    isAsked = false
    scene = Scene(.refused(Refused(sentence: "\(SceneTexts.broken) (\(words))")))
  }

  // MARK: What PAM says

  private mutating func asked(_ text: String, isVisible: Bool) {
    isAsked = true
    func question(_ kind: Question.Kind) -> Scene.Content {
      .question(Question(kind: kind, label: SceneTexts.label(of: text), isVisible: isVisible))
    }
    let isOver: Scene.Content =
      switch RecognisedText(prompt: text) {
      case .passcodePrompt(let left): question(.passcode(left: left))
      case .pinPrompt: question(.pin)
      case .approvePrompt: question(.approvalOrPasscode)
      case .onlinePrompt: question(.onlinePasscode)
      case .offerPrompt(let methods, let mayPutOff): .offer(Offer(methods: methods, mayPutOff: mayPutOff))
      case .keyPrompt(let secret): .phoneSetUp(phoneSetUp(secret))
      default: question(isVisible ? .other : .password)
      }
    change(isOver, keepsNotices: true)
  }

  private mutating func told(_ text: String) {
    guard !text.isEmpty else { return }
    switch RecognisedText(text) {
    case .contacting: change(.contacting)
    case .approve: change(.approval)
    case .touch(let left):
      // Without a number it is said again, after the key was plugged in or its PIN was typed.
      let known = if case .securityKey(let picture) = scene.content { picture.left } else { "" }
      key(.touch, left: left.isEmpty ? known : left)
    case .setUpTouch(let number, let count):
      step = KeyPicture.Step(number: number, count: count)
      key(.touch)
    case .keyNeeded: key(.insert)
    case .keySilent: key(.silent)
    case .wrongKey: key(.wrong)
    case .uri(let uri): self.uri = uri
    case .offer: break  // its prompt says the same
    case .setUp: accept(text, isWarning: false)
    case .service(.allowance(let isWarning)): accept(text, isWarning: isWarning)
    default: add(Notice(text: text, isError: false))
    }
  }

  private mutating func warned(_ text: String) {
    guard !text.isEmpty else { return }
    add(Notice(text: text, isError: true))
    switch RecognisedText(text) {
    case .service(.refusal(let reason, let seconds)):
      refused = Refused(reason: reason, sentence: text, wait: seconds)
      if reason == .wrongSecurityKey, case .securityKey = scene.content { key(.wrong) }
    case .notSetUp: refused = Refused(reason: .notActivated, sentence: text)
    case .unavailable: refused = Refused(reason: .failed, sentence: text)
    default: refused = nil
    }
  }

  // MARK: Changing the scene

  /// - Parameter keepsNotices: whether what was said belongs to what comes now.
  private mutating func change(_ content: Scene.Content, keepsNotices: Bool = false) {
    scene = Scene(content, notices: keepsNotices ? scene.notices : [])
  }

  private mutating func key(_ state: KeyPicture.State, left: String? = nil) {
    isByKey = true
    let known = if case .securityKey(let picture) = scene.content { picture.left } else { "" }
    change(.securityKey(KeyPicture(state: state, left: left ?? known, step: step)), keepsNotices: true)
  }

  private mutating func accept(_ sentence: String, isWarning: Bool) {
    change(.accepted(Accepted(sentence: sentence, isWarning: isWarning, isByKey: isByKey)))
  }

  /// More than a few lines are not read, and they would push what is asked off the screen.
  private static let mostNotices = 4

  private mutating func add(_ notice: Notice) {
    scene.notices.append(notice)
    if scene.notices.count > Self.mostNotices { scene.notices.removeFirst() }
  }

  private func phoneSetUp(_ secret: String) -> PhoneSetUp {
    let names = uri.map(OTPAuthLabel.init) ?? OTPAuthLabel(issuer: "", account: "")
    return PhoneSetUp(uri: uri, secret: secret, issuer: names.issuer, account: names.account)
  }
}

extension Refused {
  /// Whether the next try would end like this one, so that something else has to be done first.
  public var isFinal: Bool {
    if wait != nil { return true }
    switch reason {
    case .badResponse, .responseReplayed, .responseRequired, .pinRequired, .badPin, .noSecurityKey, .wrongSecurityKey,
      .touchTimeout, .onlineDenied, .noSuchActivation, .busy, .canceled, .noSuchUser, nil:
      return false
    case .notActivated, .alreadyActivated, .pinLocked, .securityKeyRefused, .allowanceExhausted, .allowanceExpired,
      .locked, .clockUntrusted, .onlineProofRequired, .notSupported, .failed, .accessDenied, .invalidArguments,
      .interactiveAuthorizationRequired:
      return true
    }
  }
}

extension RecognisedText {
  /// Prompts end with a blank, which some hosts of PAM take away.
  init?(prompt text: String) { self.init(text + " ") }
}

extension String {
  /// Without blanks and line ends around it.
  var trimmed: String {
    func isBlank(_ character: Character) -> Bool { character.isWhitespace || character.isNewline }
    var rest = self[...]
    while let first = rest.first, isBlank(first) { rest.removeFirst() }
    while let last = rest.last, isBlank(last) { rest.removeLast() }
    return String(rest)
  }
}
