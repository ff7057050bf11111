// An online second factor, as the domain sees it: somebody who is asked about a user and says one of five things.

/// What an authority's answer comes to.
public enum AuthorityVerdict: Equatable, Sendable {
  /// A factor was really checked. The authority knows the check by the proof: a transaction, or a token's serial.
  case approved(proof: String)
  /// Let through without a factor.
  case bypassed
  /// An authenticated no.
  case denied(Denial)
  /// No authenticated answer.
  case unreachable(Outage)
  /// Nothing works before an administrator has changed something.
  case misconfigured

  /// What a no says of the user.
  public enum Denial: Equatable, Sendable {
    /// The response was not right; the next one may be.
    case wrongResponse
    /// Nobody answered the request on the phone.
    case noResponse
    /// The user is not to get in: locked, removed, without a factor, or they declined.
    case user
  }

  /// The word of the journal.
  public var word: String {
    switch self {
    case .approved: "approved"
    case .bypassed: "bypassed"
    case .denied: "denied"
    case .unreachable: "unreachable"
    case .misconfigured: "misconfigured"
    }
  }
}

/// Why the offline factor stands in for the authority.
public struct Outage: Equatable, Sendable {
  /// One word, such as `timeout`.
  public var reason: String
  /// Whether this machine has a network all the same. A hint: whoever sits here can pull the cable.
  public var isConnected: Bool

  public init(reason: String, isConnected: Bool) {
    self.reason = reason
    self.isConnected = isConnected
  }
}

/// The end of one authentication with an authority.
public struct AuthorityAnswer: Equatable, Sendable {
  public var verdict: AuthorityVerdict
  /// One word, for the journal.
  public var reason: String
  /// A sentence without secrets, for the journal.
  public var detail: String
  /// It may be an attack: a forged certificate, a wrong signature, a clock that was set.
  public var isAlarm: Bool

  public init(_ verdict: AuthorityVerdict, reason: String, detail: String, isAlarm: Bool = false) {
    self.verdict = verdict
    self.reason = reason
    self.detail = detail
    self.isAlarm = isAlarm
  }
}

/// What an authority wants of the user before it decides.
public struct AuthorityChallenge: Equatable, Sendable {
  /// A request was sent to the user's phone, and can be waited for.
  public var isPush: Bool
  /// What the authority says, in one line; may be empty.
  public var text: String

  public init(isPush: Bool, text: String) {
    self.isPush = isPush
    self.text = text
  }
}

/// Where an authentication with an authority stands.
public enum AuthorityStep: Equatable, Sendable {
  case challenge(AuthorityChallenge)
  case answer(AuthorityAnswer)
}

/// Whom an authority is asked about.
public struct AuthorityQuestion: Sendable {
  public var user: UserIdentity
  public var purpose: Purpose
  /// The host that the person comes from; empty for one who sits here.
  public var remote: String
  /// This machine's name.
  public var machine: String
  /// Milliseconds until the first step has to be there.
  public var deadline: Int64

  public init(user: UserIdentity, purpose: Purpose, remote: String, machine: String, deadline: Int64) {
    self.user = user
    self.purpose = purpose
    self.remote = remote
    self.machine = machine
    self.deadline = deadline
  }
}

/// An online second factor.
public protocol Authority: Sendable {
  /// Begins one authentication. What comes of it counts for this question alone.
  func begin(_ question: AuthorityQuestion, under policy: AuthorityPolicy) async -> (any AuthorityTalk, AuthorityStep)
}

/// One authentication under way.
public protocol AuthorityTalk: Sendable {
  /// Gives the authority what the user typed; also while `wait` waits, whose end it is.
  ///
  /// - Returns: nil when somebody else has got the answer of the authority just before.
  func answer(_ response: Secret) async -> AuthorityStep?
  /// Waits for the request on the phone to be answered.
  ///
  /// - Returns: nil when it is still open, after `milliseconds` or because `answer` came.
  func wait(milliseconds: Int64) async -> AuthorityStep?
  /// Nothing more is wanted; whoever waits is told that the authority is unreachable. To be called once all is over.
  func end()
}
