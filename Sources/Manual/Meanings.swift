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
    case .badResponse: "The passcode is not right; it counted as one failure, except where it was to confirm a set-up."
    case .responseReplayed: "The passcode is right, but was used before; this is no failure."
    case .pinRequired: "The security key asks for its PIN."
    case .badPin: "The PIN of the security key is not right."
    case .pinLocked: "The security key takes no PIN any more."
    case .noSecurityKey: "No security key is plugged in, or the person is not at this machine."
    case .wrongSecurityKey: "The security key is not the one that was set up."
    case .securityKeyRefused: "This model of security key is not accepted."
    case .touchTimeout: "Nobody touched the security key in time."
    case .allowanceExhausted: "All offline logins are used up; the allowance has to be renewed."
    case .allowanceExpired: "The last day is over; the allowance has to be renewed."
    case .locked: "There were too many failures in a row; no passcode is looked at before the lock ends."
    case .clockUntrusted:
      "The clock stands behind a time that this machine relied on before, and it matters here."
    case .onlineProofRequired: "An online authority has to vouch for the user first."
    case .onlineDenied: "The online authority said no."
    case .noSuchActivation: "There is no such set-up: it ended, or it was started by another user id."
    case .noSuchUser: "The machine knows no such user."
    case .busy: "Too many requests are under way at once."
    case .canceled: "The caller left the bus while it was being authorized."
    case .notSupported: "This version or the configuration does not offer what was asked for."
    case .failed: "Storage, configuration or the system does not work; the journal names the cause."
    case .accessDenied: "The caller may not do this, or polkit said no."
    case .invalidArguments: "A user, a method or an option is malformed or unknown."
    case .interactiveAuthorizationRequired:
      "polkit would have to ask somebody, and the call did not allow that or nobody could be asked."
    }
  }

  /// Part of the contract for factors and authorities that this version does not have.
  var isReserved: Bool {
    switch self {
    case .pinRequired, .badPin, .pinLocked, .noSecurityKey, .wrongSecurityKey, .securityKeyRefused, .touchTimeout,
      .onlineProofRequired, .onlineDenied:
      true
    case .notActivated, .alreadyActivated, .responseRequired, .badResponse, .responseReplayed, .allowanceExhausted,
      .allowanceExpired, .locked, .clockUntrusted, .noSuchActivation, .noSuchUser, .busy, .canceled, .notSupported,
      .failed, .accessDenied, .invalidArguments, .interactiveAuthorizationRequired:
      false
    }
  }
}

extension OptionKey {
  /// The methods that take it.
  var methods: [FactorMember] {
    switch self {
    case .name: [.activate, .reactivate]
    case .response: [.reactivate]
    case .service, .purpose, .remote, .pin: [.authenticate]
    }
  }

  var meaning: String {
    switch self {
    case .name: "This machine's name behind the user's in the authenticator app; the host name where it is not given."
    case .response: "A passcode of the present factor, as proof for the replacement of one's own; it is spent by that."
    case .service: "The PAM service that asks, for the journal."
    case .purpose: "What it is for: login (where it is not given), unlock or elevation."
    case .remote: "The host that the person comes from, for the journal."
    case .pin: "The PIN of a security key; taken, and not used by this version."
    }
  }
}

extension AllowanceKey {
  /// The D-Bus signature of its value.
  var type: String {
    switch self {
    case .activated: "b"
    case .offer, .method, .state, .limit, .lastDay, .message, .via: "s"
    case .remaining: "u"
    case .expires, .lockedUntil: "t"
    }
  }

  var meaning: String {
    switch self {
    case .activated: "Whether the user has a factor."
    case .offer: "activate where a set-up may be offered to the user now, else empty."
    case .method: "passcode, or empty where no factor will be asked for."
    case .state: "One of the states below."
    case .limit: "What bounds the allowance: logins, days, both or unlimited."
    case .remaining: "Logins left; there where their number is limited."
    case .lastDay: "The last day, as an ISO date in local time, inclusive; there where days are limited."
    case .expires: "The first second after that day, in seconds since 1970 UTC."
    case .lockedUntil: "The end of the lock, in seconds since 1970 UTC; there while it holds."
    case .message: "The sentence to show to the person."
    case .via: "How the yes came about, see below; in an outcome only."
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
    case .method: "passcode."
    case .uri: "The otpauth URI, which authenticator apps scan as a QR code."
    case .secret: "The same secret as base 32 in groups of four, to be typed."
    case .issuer: "The name that the app shows above the code."
    case .account: "The user's name, an @ and the machine's name."
    case .digits: "Digits of a code."
    case .period: "Seconds after which a new code is shown; there for codes by time."
    case .expires: "The end of the set-up, in seconds since 1970 UTC."
    case .steps: "Touches to come, for a security key; not sent by this version."
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
    }
  }
}

extension Via {
  var meaning: String {
    switch self {
    case .offline: "By the offline factor."
    case .online: "By an online authority; not in this version."
    case .failOpen: "Without a factor, because the user has none and the configuration says mode=open."
    case .exempt: "Without a factor, because the configuration exempts the user."
    }
  }
}
