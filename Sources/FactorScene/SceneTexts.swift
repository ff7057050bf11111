import OfflineAccess

/// The words that a graphical front end adds to those of the conversation.
public enum SceneTexts {
  /// Something was answered, and nobody said what was wrong.
  static let notRight = "That was not right. Try again."
  /// Nothing was asked.
  static let notGranted = "This user cannot log in here."
  static let broken = "The login cannot go on. Try again, or restart the computer."
  public static let giveUp = "Cancel"
  public static let tryAgain = "Try again"
  public static let proceed = "Continue"
  public static let stillWaiting = "I have approved"
  public static let codeLabel = "Code that the app shows"
  public static let later = "Later"

  public static func choice(_ method: FactorMethod) -> String {
    switch method {
    case .passcode: "An authenticator app on my phone"
    case .securityKey: "A security key"
    }
  }

  public static let waitIsOver = "You can try again now."
  public static let capsLock = "Caps Lock is on."

  /// A prompt without its colon.
  static func label(of prompt: String) -> String {
    var rest = prompt[...]
    while let last = rest.last, last == ":" || last.isWhitespace { rest.removeLast() }
    return String(rest)
  }
}

extension Scene {
  /// What is going on or to be done, in a few words: the headline.
  public var title: String {
    switch content {
    case .waiting: "One moment"
    case .question(let question): question.title
    case .securityKey(let picture): picture.title
    case .contacting: "Asking the online service"
    case .approval: "Approve the request on your phone"
    case .offer: "Set up offline access"
    case .phoneSetUp: "Add this account to your authenticator app"
    case .accepted(let accepted): accepted.isByKey ? "Security key accepted" : "Accepted"
    case .refused(let refused): refused.title
    }
  }

  /// What to do, in a sentence or two; "" where the title says it all.
  ///
  /// - Parameter elapsed: seconds since the scene was shown, for what counts down.
  public func detail(after elapsed: Int64 = 0) -> String {
    switch content {
    case .waiting: ""
    case .question(let question): question.detail
    case .securityKey(let picture): picture.detail
    case .contacting: "This takes a few seconds. Without a network you are asked for your offline passcode or key."
    case .approval: "Waiting for your approval. You can cancel and log in another way."
    case .offer: "With it you can log in when the online service cannot be reached. What do you want to use?"
    case .phoneSetUp(let setUp): setUp.detail
    case .accepted(let accepted): accepted.sentence
    case .refused(let refused): refused.detail(after: elapsed)
    }
  }
}

extension Scene {
  /// How long the last words before a session are left on the screen, in milliseconds.
  public var millisecondsToRead: UInt32 {
    guard case .accepted(let accepted) = content, !accepted.sentence.isEmpty else { return 0 }
    return accepted.isWarning ? 2_500 : 500
  }
}

extension Question {
  var title: String {
    switch kind {
    case .password: label
    case .passcode: "Offline passcode"
    case .pin: "PIN of your security key"
    case .onlinePasscode: "Online passcode"
    case .approvalOrPasscode: "Approve the request on your phone"
    case .other: label
    }
  }

  var detail: String {
    switch kind {
    case .password, .other: ""
    case .passcode(let left):
      "Type the code that your authenticator app shows." + (left.isEmpty ? "" : " \(Remainder.sentence(left))")
    case .pin: "The key asks for it before it lets itself be touched."
    case .onlinePasscode: "Type the code that you were given for this login."
    case .approvalOrPasscode: "When you have approved, go on. Or type a passcode."
    }
  }
}

extension KeyPicture {
  var title: String {
    let touch = step.map { "Touch \($0.number) of \($0.count)" }
    switch state {
    case .insert: return "Plug in your security key"
    case .touch: return touch.map { "\($0): touch the security key" } ?? "Touch your security key"
    case .wrong: return "This is another security key"
    case .silent: return "The security key did not answer"
    }
  }

  var detail: String {
    let left = left.isEmpty ? "" : Remainder.sentence(left)
    switch state {
    case .insert: return left
    case .touch:
      guard let step else { return left }
      return step.number == 1
        ? "Plug in the key that you want to use, and touch it as soon as it blinks."
        : "Touch the same key once more, to show that it works."
    case .wrong:
      return step == nil ? "Plug in the one that was set up for you." : "Plug in the one that you touched before."
    case .silent: return "It is asked once more. If it stays silent, pull it out and plug it in again."
    }
  }
}

extension PhoneSetUp {
  var detail: String {
    if uri == nil { return "Type this key into the app, then type the code that it shows." }
    return name.isEmpty
      ? "Scan the picture with the app, or type the key. Then type the code that the app shows."
      : "Scan the picture with the app, or type the key. Check that the app shows this name, then type its code."
  }
}

extension Refused {
  /// What was said, with the seconds that are left of its wait.
  func detail(after elapsed: Int64) -> String {
    guard let wait else { return sentence }
    let said = RecognisedSentence.withoutLock(sentence)
    let lock = wait > elapsed ? RecognisedSentence.lock(for: wait - elapsed) : SceneTexts.waitIsOver
    return said.isEmpty ? lock : "\(said) \(lock)"
  }

  var title: String {
    if wait != nil { return "Locked for a while" }
    return switch reason {
    case .allowanceExhausted: "No offline logins left"
    case .allowanceExpired: "Offline access has ended"
    case .locked: "Locked for a while"
    case .clockUntrusted: "The clock of this computer is not right"
    case .notActivated: "Offline access is not set up"
    case .onlineProofRequired: "Log in online first"
    case .pinLocked: "The PIN of the security key is locked"
    case .securityKeyRefused: "This security key cannot be used"
    case .failed: "Offline access is not available"
    default: "You were not let in"
    }
  }
}

enum Remainder {
  /// `7 logins left` as `7 offline logins left.`, `until 1 December 2026` as `Offline access until 1 December 2026.`
  static func sentence(_ left: String) -> String {
    let parts = left.split(separator: ",", maxSplits: 1).map { String($0).trimmed }
    guard let first = parts.first else { return "" }
    let words = first.split(separator: " ", maxSplits: 1)
    let isCount = words.first.map { Int($0) != nil } ?? false
    let head = isCount ? "\(words[0]) offline \(words.dropFirst().joined(separator: " "))" : "Offline access \(first)"
    return ([head] + parts.dropFirst()).joined(separator: ", ") + "."
  }
}
