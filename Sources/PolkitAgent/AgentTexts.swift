/// The sentences of the agent that are neither polkit's nor PAM's.
public enum AgentTexts {
  // MARK: To the person

  public static let title = "Authentication is required"
  public static func caller(_ name: String) -> String { "Asked for by: \(name)" }
  public static func program(_ command: String) -> String { "Program: \(command)" }
  public static func action(_ name: String) -> String { "Action: \(name)" }
  public static func identity(_ name: String) -> String { "Authenticating as: \(name)" }
  public static let identities = "One of these users has to authenticate:"
  public static func choose(_ count: Int) -> String { "Who are you? (1-\(count)): " }
  public static func notAChoice(_ count: Int) -> String { "Type a number from 1 to \(count)." }
  public static let inBackground =
    "A program in the background asks, while the shell reads from this terminal. Start it in the foreground."
  public static let again = "Try again."
  public static let granted = "Authentication complete."
  public static let denied = "Authentication failed."
  public static let cancelled = "Authentication cancelled."
  public static let withdrawn = "The program does not ask any more."
  public static let person = "Who authenticates"
  public static let close = "Close"
  public static let strayKeys =
    "This window came up while somebody was typing, and took none of it. Stop for a moment, then type here."
  public static let tooLong = "That answer is too long, or holds characters that cannot be sent. Try again."

  static func willLeave(_ left: UInt32, of now: UInt32) -> String {
    "This elevation will leave \(left) of your \(now) offline \(now == 1 ? "login" : "logins")."
  }
  static func willLeaveOffline(_ left: UInt32, of now: UInt32) -> String {
    "Without the online service, this elevation will leave \(left) of your \(now) offline "
      + "\(now == 1 ? "login" : "logins")."
  }
  static func costsNothing(_ now: UInt32) -> String {
    "This elevation uses up none of your \(now) offline \(now == 1 ? "login" : "logins")."
  }

  // MARK: When it ends

  public static let otherAgent =
    "Another authentication agent answers already; it stays, and this one leaves. To use this one, switch the other off "
    + "and start this one again."
  public static let noSession =
    "This process is in no login session. Start it from one, or name a process: --process PID."
  public static let busLost = "The system bus went away."
  public static func refused(_ cause: String) -> String { "polkit does not take this agent: \(cause)" }

  // MARK: To polkit

  static let dismissed = "Authentication dialog was dismissed"
  static let noSuchQuestion = "There is no such question."
  static let nobody = "None of the identities is a user of this computer."
  static let notPolkit = "Only polkit asks here."
  public static let noHelper =
    "polkit's agent helper is missing on this computer; nobody can check an answer. Install polkit anew."
}
