import BusClient

/// Everything that the command line says to a person, apart from what the service says itself.
enum Texts {
  static let exitStatusHeading = "EXIT STATUS:"
  enum ExitMeaning {
    static let success = "Yes, or done."
    static let refused = "Refused, cancelled, failed, key not touched; for doctor: something fails."
    static let unavailable = "The service cannot be reached or does not answer."
    static let notAuthorised = "The caller may not do this."
    static let notActivated = "The user has not set up offline access."
    static let renewalNeeded = "Used up, expired or the clock is wrong: go online, or have it renewed."
    static let locked = "Locked for a while after too many failures."
    static let usage = "Wrong use of the command."
  }

  // MARK: Help

  enum Help {
    static let abstract = "Set up, use and look after offline access: a second factor that works without a network."
    static let discussion = """
      Run without root you act for yourself. What needs the administrator asks polkit for it; \
      with sudo it is granted at once, and --user says whom it is about.
      """
    static let status = "Show a user's offline access and the service behind it."
    static let allowance = "Say how much offline access is left."
    static let allowanceDiscussion =
      "Ends with 0 only where offline access may be used now, so a script can ask with it."
    static let activate = "Set up offline access with an authenticator app or a security key."
    static let reactivate = "Set up another phone or key; the old one is dead once the new one is confirmed."
    static let setUpDiscussion = """
      Shows a QR code and the secret, then asks for a code of the app. Nothing changes before that \
      code is confirmed; Ctrl-C or the end of input cancels. Three codes may be wrong.

      With --method security-key it asks for two touches of the key, each within 20 seconds, and for \
      its PIN where it needs one. Nothing changes before the second touch.

      The QR code, the secret and the URI are as good as the phone: keep them from other eyes.

      Where standard input is no terminal, codes and PINs are read from it, one a line. With --json the \
      first line of output is the challenge, and each code and each step of a touch is told in one line.
      """
    static let reactivateDiscussion = """
      First asks for a passcode of the present phone as proof; with an empty answer an administrator \
      is asked instead. Where standard input is no terminal, its first line is that answer. Who has a \
      security key is asked to touch it; on a terminal an administrator is asked where it is not at \
      hand. Root is not asked.
      """
    static let authenticate = "Ask for the second factor and tell by the exit status whether it was right."
    static let authenticateDiscussion = """
      The passcode, or the PIN of a security key, is typed on the terminal or read as a line of standard \
      input; never from an argument or the environment. A yes draws down the allowance as a login would.
      """
    static let renew = "Fill a user's allowance again and end a lock; for the administrator."
    static let deactivate = "Remove a user's offline access; for the administrator."
    static let doctor = "Check the installation and say what to do."
    static let doctorDiscussion =
      "Run it as root to see everything. Ends with 0 where nothing fails; warnings are no failure."

    static let user = "The user it is about; yourself if not given."
    static let json = "Write the answer as JSON, for scripts."
    static let machineName = "This machine's name in the authenticator app."
    static let method = "What to set up: passcode (of an authenticator app) or security-key."
    static let pngNeedsPasscode = "--png goes together with --method passcode: a security key has no QR code."
    static let png = "Also write the QR code to this new file; it is removed at the end."
    static let keepPNG = "Leave the file of --png where it is. Delete it yourself: it holds the secret."
    static let noQR = "Draw no QR code; the secret and the URI are shown all the same."
    static let keepPNGNeedsPNG = "--keep-png goes together with --png."
    static let purpose = "What it is for: login, unlock or elevation."
    static let service = "Name of the PAM service that is asked for."
    static let yes = "Do not ask whether that is meant."
    static let yesNeeded = "Nobody can be asked here. Add --yes if that is meant."
  }

  // MARK: Failures

  static func problem(_ sentence: String) -> String { "offline-access: \(sentence)" }
  static func unavailable(_ cause: String) -> String { "Offline access is not available: \(cause)." }
  static let unavailableAdvice = "“offline-access doctor” tells what is wrong."
  static let onlineProofAdvice = "“offline-access authenticate” does that; then try again within ten minutes."
  static let notAuthorisedAdvice =
    "Run it with sudo, or where polkit can ask for a password: in a desktop session, or in a terminal with pkttyagent."
  static let cancelled = "Cancelled; nothing was changed."
  static let tooLong = "That is too long for a code."
  static let setUpTimedOut = "The time for this set-up is over. Start it again."
  static func cannotRead(_ words: String) -> String { "The answer cannot be read: \(words)." }
  static func imageExists(_ path: String) -> String { "\(path) exists already. Choose another file for the QR code." }
  static func imageNeedsName(_ path: String) -> String { "“\(path)” does not name a file." }
  static func imageNotWritten(_ path: String, _ words: String) -> String { "\(path) cannot be written: \(words)." }
  static func imageNotRemoved(_ path: String) -> String {
    "\(path) could not be removed. Delete it: it holds the secret."
  }
  static let incomplete = "The service wants more than this version of the command knows. Update it."

  // MARK: Set-up

  static func setUp(_ challenge: Challenge) -> [String] {
    let kind =
      challenge.period.map { "\(challenge.digits ?? 6) digits, a new code every \($0) seconds (TOTP)" }
      ?? "\(challenge.digits ?? 6) digits, by counter (HOTP)"
    return [
      "Add this account to an authenticator app: scan the QR code, or type the secret.",
      "Keep it from other eyes: whoever sees it can make the same codes.",
      "",
      "  Account  \(challenge.account) (\(challenge.issuer))",
      "  Secret   \(challenge.secret)",
      "  Codes    \(kind)",
      "  URI      \(challenge.uri)",
      "",
    ]
  }
  static func startedBySudo(for user: String) -> String {
    "This is about root, because sudo runs it. For yourself use: --user \(user)"
  }
  static func imageWritten(_ path: String, isKept: Bool) -> String {
    isKept
      ? "The QR code is in \(path). Delete that file as soon as it is scanned: it holds the secret.\n"
      : "The QR code is in \(path) too; the file is removed at the end.\n"
  }
  static let noQRPossible = "A QR code cannot be made of this; type the secret instead."
  static let terminalIsTextOnly =
    "This terminal cannot show a QR code; type the secret, or use --png FILE and open the image.\n"
  static func terminalTooSmall(columns: Int, rows: Int, has screen: Screen) -> String {
    "The QR code needs \(columns) columns and \(rows) rows, this terminal has \(screen.columns) and \(screen.rows). "
      + "Type the secret, or press Ctrl-C, enlarge the window or use --png FILE, and start again.\n"
  }
  static let askForCode = "Code shown by the app: "
  static let askForPIN = "Security key PIN: "
  static let askingAdministrator = "An administrator is asked instead."
  static let askForPresentPasscode = "Present offline passcode, or empty to ask an administrator: "
  static func setUpDone(_ message: String) -> String {
    "Offline access is set up." + (message.isEmpty ? "" : " \(message)")
  }
  static let clearTheScreen = "The secret still stands on this screen: clear it."

  // MARK: Removal

  static func askForRemoval(_ user: String) -> String {
    "The offline access of \(user) will be removed; the app's codes, or the security key, are of no use then.\n"
      + "Type yes to go on: "
  }
  static let yes = "yes"
  static func removed(_ user: String) -> String { "The offline access of \(user) is removed." }

  // MARK: Status

  enum Status {
    static let user = "User"
    static let method = "Factor"
    static let state = "State"
    static let left = "Logins left"
    static let lastDay = "Last day"
    static let lockedUntil = "Locked until"
    static let offer = "Set-up"
    static let authority = "Authority"
    static let lastOnline = "Last approval"
    static let lastOffline = "Last offline"
    static func offline(at time: String, reason: String) -> String { reason.isEmpty ? time : "\(time) (\(reason))" }
    static let service = "Service"
    static let unlimited = "unlimited"
    static let none = "none"
    static let offered = "offered now"

    /// The words of the contract as a person says them; a newer service's word stays as it is.
    static func method(_ word: String) -> String {
      switch word {
      case "": none
      case "passcode": "passcode of an authenticator app"
      case "security-key": "security key"
      default: word
      }
    }
    static func state(_ word: String) -> String {
      switch word {
      case "ready": "ready"
      case "exhausted": "used up"
      case "expired": "expired"
      case "locked": "locked"
      case "clock-untrusted": "the clock is not to be trusted"
      case "not-activated": "not set up"
      case "suspended": "suspended by the online service"
      default: word
      }
    }
    static func authority(_ word: String) -> String { word == "none" ? "this computer's administrator" : word }
    static func service(_ version: String) -> String { "version \(version)" }
  }
}
