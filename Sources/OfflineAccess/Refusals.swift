// The refusals whose sentence does not depend on the user's allowance, each in this one place.

extension Refusal {
  // MARK: Responses
  static let badResponse = Refusal(.badResponse, "That passcode is not right.")
  static let replayed = Refusal(.responseReplayed, "That passcode was used already. Wait for the next one.")
  static let badConfirmation = Refusal(
    .badResponse,
    "That code does not fit. Type the one the app shows now; check the clocks of the phone and of this computer.")
  static let codeRequired = Refusal(.responseRequired, "Type the code that the authenticator app shows.")

  public static let keyInsteadOfCode = Refusal(
    .badResponse, "A security key is set up for you, no passcode. Touch the key instead of typing.")

  // MARK: Security keys
  public static let noSecurityKey = Refusal(
    .noSecurityKey, "There is no security key plugged in. Plug it in and try again.")
  public static func passwordToken(_ name: String) -> Refusal {
    Refusal(
      .noSecurityKey,
      "The plugged-in token (\(name)) makes one-time passwords only. Plug in a security key that speaks FIDO2 or U2F.")
  }
  public static let remoteTouch = Refusal(
    .noSecurityKey,
    "A security key can only be touched at the computer itself, and you are connected from elsewhere. Log in at the computer."
  )
  public static let wrongSecurityKey = Refusal(
    .wrongSecurityKey,
    "The plugged-in security key is not the one that was set up. Plug in the right one and try again.")
  public static let severalSecurityKeys = Refusal(
    .wrongSecurityKey, "Several security keys with a PIN are plugged in. Leave only the one to set up, and try again.")
  public static let touchTimeout = Refusal(.touchTimeout, "The security key was not touched in time. Try again.")
  public static let touchGivenUp = Refusal(.canceled, "The wait for the security key was given up.")
  public static let keyInUse = Refusal(.busy, "The security key is busy with another prompt. Try again.")
  static let possibleClone = Refusal(
    .securityKeyRefused,
    "The security key's counter went back: this may be a copy of the key. Tell the administrator.")
  public static let keyUnreliable = Refusal(
    .securityKeyRefused, "The security key does not answer as it should. Plug it in again, or use another one.")
  public static let badSignature = Refusal(.badResponse, "The security key's proof is not right.")
  public static func notAdmitted(_ verdict: KeyVerdict) -> Refusal {
    let reason =
      switch verdict {
      case .admitted: "it is not admitted"
      case .refusedFamily(let name): "keys of this kind (\(name)) are not trusted"
      case .refusedHere: "the administrator refuses keys of this kind"
      case .unlisted: "keys of this kind are not listed"
      }
    return Refusal(.securityKeyRefused, "This security key cannot be used here: \(reason).")
  }
  public static let attestationMissing = Refusal(
    .securityKeyRefused,
    "This security key cannot be used here: it does not prove by an accepted certificate which model it is.")
  public static let attestationRootsUnreadable = Refusal(
    .failed, "The certificates for security keys cannot be read. Tell the administrator.")
  public static let catalogueUnreadable = Refusal(
    .failed, "The list of security keys cannot be read. Tell the administrator.")
  public static let cannotVerify = Refusal(
    .securityKeyRefused,
    "This security key cannot be used here: a PIN or a fingerprint is required, and it has none. Set a PIN on it first."
  )
  public static let pinRequired = Refusal(.pinRequired, "The security key needs its PIN.")
  /// - Parameter left: tries that the key itself still has, as it says.
  public static func badPin(left: Int?) -> Refusal {
    Refusal(.badPin, "That PIN is not right." + (left.map { " The key has \($0) tries left." } ?? ""))
  }
  /// By the key's own sensor.
  public static let notRecognised = Refusal(.badResponse, "The security key did not recognise you.")
  /// It cannot be a PIN, so the key was not asked.
  public static let noPin = Refusal(.badPin, "That cannot be the PIN of this security key, so the key was not asked.")
  /// The last tries are the owner's: at none the key wipes itself or wants a reset.
  public static func fewTries(_ left: Int) -> Refusal {
    Refusal(
      .pinLocked,
      left > 0
        ? "The security key has only \(left) tries for its PIN left, and they are not used here. Use the right PIN once elsewhere, as with the maker's program, then try again."
        : "The security key's PIN is locked. It has to be reset.")
  }
  public static let pinPaused = Refusal(
    .pinLocked, "The security key takes no PIN now. Pull it out, plug it in again and try once more.")

  // MARK: Set-up
  static let alreadyActivated = Refusal(
    .alreadyActivated, "Offline access is already set up for this user. Use reactivation to replace the device.")
  static let nothingToReplace = Refusal(
    .notActivated, "Offline access is not set up for this user, so there is nothing to replace.")
  public static let noSuchActivation = Refusal(
    .noSuchActivation, "There is no such set-up under way. Start it again.")
  public static func notAllowed(_ method: FactorMethod) -> Refusal {
    Refusal(.notSupported, "The configuration of this computer does not allow \(method.rawValue).")
  }

  // MARK: The online service
  public static func onlineDenied(_ denial: AuthorityVerdict.Denial) -> Refusal {
    let sentence =
      switch denial {
      case .wrongResponse: "The online service did not accept that passcode."
      case .noResponse: "The request on your phone was not answered in time. Try again."
      case .user:
        "The online service has refused you. Offline access is suspended until it approves you again. Try again, or ask your administrator."
      }
    return Refusal(.onlineDenied, sentence)
  }
  public static let bypassRefused = Refusal(
    .onlineDenied,
    "The online service let you pass without a second factor, and that is not enough here. Ask your administrator.")
  /// - Parameter mistake: what is wrong, and where.
  public static func misconfigured(_ mistake: String) -> Refusal {
    Refusal(
      .failed, "Offline access is wrongly configured on this computer (\(mistake)). The administrator must correct it.")
  }
  public static let onlineMisconfigured = Refusal(
    .failed, "The online service cannot be used as this computer is configured. Tell the administrator.")
  public static let approvalRequired = Refusal(
    .responseRequired, "Approve the request on your phone and ask again, or give a passcode of the online service.")
  public static let onlineCodeRequired = Refusal(.responseRequired, "Type the passcode of the online service.")
  public static let overtaken = Refusal(.canceled, "The request on your phone was answered just before.")
  public static let leftForCode = Refusal(.canceled, "The wait for your phone was left for a passcode.")
  public static let setUpNeeded = Refusal(
    .notActivated, "Set up offline access now: it cannot be put off any more.")

  // MARK: Callers and subjects
  public static let noSuchUser = Refusal(.noSuchUser, "There is no such user on this computer.")
  public static let unidentifiedCaller = Refusal(.accessDenied, "The caller could not be identified.")
  public static let othersDenied = Refusal(
    .accessDenied, "This is allowed for yourself and for the administrator only.")
  public static let notAuthorized = Refusal(.accessDenied, "You are not authorized to do this here.")
  public static let authorizationUnchecked = Refusal(.accessDenied, "The authorization could not be checked.")
  public static let interactionRequired = Refusal(
    .interactiveAuthorizationRequired, "This needs an authorization, and there was nobody to ask for it.")
  public static let onlineProofRequired = Refusal(.onlineProofRequired, "Authenticate online first.")
  public static let callerGone = Refusal(.canceled, "The caller went away.")
  public static let tooLarge = Refusal(.invalidArguments, "The request is larger than any that there is.")
  public static let busy = Refusal(.busy, "Too many requests are under way. Try again later.")

  // MARK: The machine
  /// - Parameter cause: what the storage lacks, without a full stop.
  public static func unavailable(because cause: String) -> Refusal {
    Refusal(.failed, "Offline access is not available: \(cause). Tell the administrator.")
  }
  public static let usersUnknown = Refusal(.failed, "The users of this computer cannot be looked up now.")
  public static let noRandomness = Refusal(.failed, "This computer's random generator is not available.")
  public static let noMachineID = Refusal(
    .failed, "This computer has no identity of its own (/etc/machine-id). Tell the administrator.")
  public static let passcodeFailure = Refusal(.failed, "The passcode could not be computed.")

  /// Whether somebody tried to be somebody else, as far as can be told: counted towards a lock.
  public var isGuess: Bool { reason == .badPin || reason == .badResponse }
}
