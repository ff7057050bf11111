import OfflineAccess

/// What a person is to see of an authentication at this moment, without a word about how it is drawn.
///
/// Use: make a `SceneKeeper`; tell it what PAM says (`heard`), that a prompt was answered (`answered`) and how it ended
/// (`ended`); draw its `scene` after each of these. `FactorView` draws it with GTK.
public struct Scene: Equatable, Sendable {
  /// The one thing that is going on.
  public var content: Content
  /// What was said beside it, oldest first, to be shown until the content changes to something else.
  public var notices: [Notice] = []

  public init(_ content: Content, notices: [Notice] = []) {
    self.content = content
    self.notices = notices
  }

  public enum Content: Equatable, Sendable {
    /// Nothing is asked; PAM is at work.
    case waiting
    /// A text is to be typed and answered.
    case question(Question)
    /// A security key is to be used; nothing is to be answered.
    case securityKey(KeyPicture)
    /// The online service is asked; nothing is to be answered.
    case contacting
    /// A request is on the person's phone; nothing is to be answered.
    case approval
    /// How to set up offline access, if at all; the answer is a `RecognisedText.Answer`.
    case offer(Offer)
    /// An authenticator app is to be set up; the answer is the code that it shows.
    case phoneSetUp(PhoneSetUp)
    /// This factor has said yes. PAM may still have a question.
    case accepted(Accepted)
    /// It is over, and nothing would be different at once.
    case refused(Refused)
  }
}

/// A prompt with one field.
public struct Question: Equatable, Sendable {
  public enum Kind: Equatable, Sendable {
    /// The password of the account, or another secret of PAM's own.
    case password
    /// Of the authenticator app. `left` is what remains, "" where that is not known.
    case passcode(left: String)
    /// Of the security key.
    case pin
    case onlinePasscode
    /// An empty answer waits on for the phone.
    case approvalOrPasscode
    /// A prompt of something else in the PAM stack.
    case other
  }

  public var kind: Kind
  /// What stands at the field, without colon.
  public var label: String
  /// Whether what is typed may be seen.
  public var isVisible: Bool
}

/// A security key and what it waits for.
public struct KeyPicture: Equatable, Sendable {
  public enum State: String, CaseIterable, Sendable {
    /// It is not plugged in.
    case insert
    case touch
    /// Another key is plugged in than the one that is asked for.
    case wrong
    /// It did not answer and is asked again.
    case silent
  }

  public var state: State
  /// What remains, "" where that is not known.
  public var left = ""
  /// Which touch of a set-up this is, counted from 1; nil at a login.
  public var step: Step?

  public struct Step: Equatable, Sendable {
    public var number: UInt32
    public var count: UInt32
  }
}

public struct Offer: Equatable, Sendable {
  /// In the order in which they are offered.
  public var methods: [FactorMethod]
  /// Whether the person may also say "later".
  public var mayPutOff = true
}

public struct PhoneSetUp: Equatable, Sendable {
  /// For the QR code; nil where it did not fit into a message and only the key can be typed.
  public var uri: String?
  /// The key in groups of four.
  public var secret: String
  /// What the app will call this account, as it stands in the URI: issuer, user and machine.
  public var issuer: String
  public var account: String

  /// Both, to be compared with what the app shows; "" where they are not known.
  public var name: String {
    if account.isEmpty { return "" }
    return issuer.isEmpty ? account : "\(issuer): \(account)"
  }
}

public struct Accepted: Equatable, Sendable {
  /// What the service says of it; "" where it says nothing.
  public var sentence: String
  /// Whether something is to be done soon: little is left.
  public var isWarning = false
  /// Whether a security key was touched for it.
  public var isByKey: Bool
}

public struct Refused: Equatable, Sendable {
  public var reason: Refusal.Reason?
  /// The service's own sentence.
  public var sentence: String
  /// Seconds after which another try makes sense, counted from when it was said; nil where that is not known.
  public var wait: Int64?

  init(reason: Refusal.Reason? = nil, sentence: String, wait: Int64? = nil) {
    self.reason = reason
    self.sentence = sentence
    self.wait = wait
  }
}

/// A text beside the content.
public struct Notice: Equatable, Sendable {
  public var text: String
  public var isError: Bool
}
