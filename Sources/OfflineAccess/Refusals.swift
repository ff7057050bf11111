// The refusals whose sentence does not depend on the user's allowance, each in this one place.

extension Refusal {
  // MARK: Responses
  static let badResponse = Refusal(.badResponse, "That passcode is not right.")
  static let replayed = Refusal(.responseReplayed, "That passcode was used already. Wait for the next one.")
  static let badConfirmation = Refusal(
    .badResponse,
    "That code does not fit. Type the one the app shows now; check the clocks of the phone and of this computer.")
  static let codeRequired = Refusal(.responseRequired, "Type the code that the authenticator app shows.")

  // MARK: Set-up
  static let alreadyActivated = Refusal(
    .alreadyActivated, "Offline access is already set up for this user. Use reactivation to replace the device.")
  static let nothingToReplace = Refusal(
    .notActivated, "Offline access is not set up for this user, so there is nothing to replace.")
  public static let noSuchActivation = Refusal(
    .noSuchActivation, "There is no such set-up under way. Start it again.")
  public static let securityKeysNotSupported = Refusal(
    .notSupported, "This version does not support security keys.")
  public static func notAllowed(_ method: FactorMethod) -> Refusal {
    Refusal(.notSupported, "The configuration of this computer does not allow \(method.rawValue).")
  }

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
  public static let usersUnknown = Refusal(.failed, "The users of this computer cannot be looked up now.")
  public static let noRandomness = Refusal(.failed, "This computer's random generator is not available.")
  public static let passcodeFailure = Refusal(.failed, "The passcode could not be computed.")
}
