// What the words of the contract mean, in one sentence each. The switches have no default, so that a
// new word cannot be left out of the manual.
import BusInterface
import OfflineAccess

extension Refusal.Reason {
  var meaning: String {
    switch self {
    case .notActivated: "The user has no factor on this machine."
    case .alreadyActivated: "The user has a factor already; Reactivate replaces it."
    case .responseRequired: "A passcode is needed and none was given; this counts neither as a login nor as a failure."
    case .badResponse:
      "The passcode, or the proof of the security key, is not right; it counted as one failure, except where it was to confirm a set-up."
    case .responseReplayed: "The passcode is right, but was used before; this is no failure."
    case .pinRequired:
      "The security key asks for its PIN: ask the person, and call again with the option pin. This is no failure."
    case .badPin:
      "The PIN of the security key is not right; it counted as one failure where the key has seen it, except in a set-up."
    case .pinLocked:
      "The security key takes no PIN any more, or has so few tries left that they are kept for its owner."
    case .noSecurityKey:
      "No security key is plugged in, only a token that makes one-time passwords, or the person is not at this machine."
    case .wrongSecurityKey: "The security key is not the one that was set up."
    case .securityKeyRefused:
      "This security key is not accepted: its model, its attestation or a counter that went back."
    case .touchTimeout: "Nobody touched the security key in time."
    case .allowanceExhausted: "All offline logins are used up; the allowance has to be renewed."
    case .allowanceExpired: "The last day is over; the allowance has to be renewed."
    case .locked: "There were too many failures in a row; no passcode is looked at before the lock ends."
    case .clockUntrusted:
      "The clock stands behind a time that this machine relied on before, and it matters here."
    case .onlineProofRequired:
      "An online authority has to approve the user first: for a set-up in the last ten minutes, for the offline factor since its last refusal."
    case .onlineDenied:
      "The online authority said no, or let the user pass without a factor. A refusal of the user, other than a wrong passcode, suspends the offline factor."
    case .noSuchActivation: "There is no such set-up: it ended, or it was started by another user id."
    case .noSuchUser: "The machine knows no such user."
    case .busy: "Too many requests are under way at once, or another prompt waits for the security key."
    case .canceled: "The caller left the bus meanwhile, or the wait for the security key was given up."
    case .notSupported: "This version or the configuration does not offer what was asked for."
    case .failed: "Storage, configuration or the system does not work; the journal names the cause."
    case .accessDenied: "The caller may not do this, or polkit said no."
    case .invalidArguments: "A user, a method or an option is malformed or unknown."
    case .interactiveAuthorizationRequired:
      "polkit would have to ask somebody, and the call did not allow that or nobody could be asked."
    }
  }
}

extension OptionKey {
  /// The methods that take it.
  var methods: [String] {
    let factor: [FactorMember] =
      switch self {
      case .name: [.activate, .reactivate]
      case .response: [.reactivate]
      case .service, .purpose: [.authenticate]
      case .remote, .pin: [.authenticate, .reactivate]
      case .trial: []
      }
    let activation: [ActivationMember] =
      switch self {
      case .pin, .trial: [.confirm]
      case .name, .response, .service, .purpose, .remote: []
      }
    return factor.map(\.rawValue) + activation.map(\.rawValue)
  }

  var meaning: String {
    switch self {
    case .name: "This machine's name behind the user's in the authenticator app; the host name where it is not given."
    case .response:
      "A passcode of the present factor, as proof for the replacement of one's own; it is spent by that. Empty for a security key, whose touch is waited for."
    case .service: "The PAM service that asks, for the journal."
    case .purpose: "What it is for: login (where it is not given), unlock or elevation."
    case .remote:
      "The host that the person comes from, for the journal; a security key is not waited for then, since nobody is there to touch it."
    case .pin: "The PIN of a security key, where PinRequired asked for it."
    case .trial:
      "yes: the answer is what it would be without, but nothing is stored and nothing spent. After a complete trial, Confirm with an empty response sets up what the trial has proven, without another code or touch. For callers that cannot tell yet whether they let the person in, like PAM modules."
    }
  }
}

extension AllowanceKey {
  /// The D-Bus signature of its value.
  var type: String {
    switch self {
    case .activated: "b"
    case .offer, .method, .state, .limit, .lastDay, .message, .via, .authority, .offlineReason: "s"
    case .remaining, .later: "u"
    case .counts: "as"
    case .expires, .lockedUntil, .lastOnline, .lastOffline: "t"
    }
  }

  var meaning: String {
    switch self {
    case .activated: "Whether the user has a factor."
    case .offer: "activate where a set-up may be offered to the user now, else empty."
    case .method: "passcode or security-key; empty where no factor will be asked for."
    case .state: "One of the states below."
    case .limit: "What bounds the allowance: logins, days, both or unlimited."
    case .remaining: "Logins left; there where their number is limited."
    case .counts:
      "The purposes that use up a login, of login, unlock and elevation; there where the number of logins is limited."
    case .lastDay: "The last day, as an ISO date in local time, inclusive; there where days are limited."
    case .expires: "The first second after that day, in seconds since 1970 UTC."
    case .lockedUntil: "The end of the lock, in seconds since 1970 UTC; there while it holds."
    case .message: "The sentence to show to the person."
    case .via: "How the yes came about, see below; in an outcome only."
    case .authority:
      "The kind of the online authority that is asked first; there where one is configured, as are the following."
    case .later: "How often an offered set-up may still be put off; there where that has a limit."
    case .lastOnline: "The authority's latest approval, in seconds since 1970 UTC."
    case .lastOffline: "When the offline factor stood in for it the last time, in seconds since 1970 UTC."
    case .offlineReason: "Why it had to, in one word such as timeout."
    }
  }
}

extension ChallengeKey {
  /// The D-Bus signature of its value.
  var type: String {
    switch self {
    case .method, .uri, .secret, .issuer, .account, .message: "s"
    case .digits, .period, .steps: "u"
    case .expires: "t"
    }
  }

  var meaning: String {
    switch self {
    case .method:
      "passcode or security-key; a key's challenge has steps and expires beside it, the other keys are a passcode's."
    case .uri: "The otpauth URI, which authenticator apps scan as a QR code."
    case .secret: "The same secret as base 32 in groups of four, to be typed."
    case .issuer: "The name that the app shows above the code."
    case .account: "The user's name, an @ and the machine's name."
    case .digits: "Digits of a code."
    case .period: "Seconds after which a new code is shown; there for codes by time."
    case .expires: "The end of the set-up, in seconds since 1970 UTC."
    case .steps: "Touches to come, for a security key; also in the details of the first Confirm."
    case .message: "The sentence to show; not in the challenge, but in the details of Confirm."
    }
  }
}

extension AllowanceState {
  var meaning: String {
    switch self {
    case .ready: "The factor can be used now."
    case .exhausted: "All offline logins are used up."
    case .expired: "The last day is over."
    case .locked: "There were too many failures in a row."
    case .clockUntrusted: "The clock stands behind a time that this machine relied on before."
    case .notActivated: "There is no factor."
    case .suspended: "The online authority refused the user; its approval ends that."
    }
  }
}

extension ProgressState {
  var meaning: String {
    switch self {
    case .keyNeeded: "No security key is plugged in; the wait goes on."
    case .touchNeeded: "A key blinks and can be touched."
    case .touchAccepted: "The touch has come and is being decided on."
    case .wrongKey: "The keys that are plugged in are other ones; the wait goes on."
    case .pinNeeded: "The key needs its PIN; PinRequired follows."
    case .retry: "A key gave no usable answer and is asked again."
    case .onlineWaiting:
      "An online authority is asked. The details may hold message s, to be shown, and prompt s: ResponseRequired follows, and the prompt is what to ask the person for. An empty response waits on for the phone."
    }
  }
}

extension Via {
  var meaning: String {
    switch self {
    case .offline: "By the offline factor."
    case .online: "By the approval of an online authority, or its bypass where the configuration says bypass=allow."
    case .failOpen: "Without a factor, because the user has none and the configuration says mode=open."
    case .exempt: "Without a factor, because the configuration exempts the user."
    }
  }
}
