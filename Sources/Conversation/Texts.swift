// Every text of a conversation that is not the service's own. This file also compiles as Embedded
// Swift.
#if canImport(OfflineAccess)
  import BusClient
  import OfflineAccess
#endif

enum Texts {
  // MARK: The factor

  /// Says what remains, so that nobody learns on the plane that it was the last login.
  static func passcodePrompt(_ allowance: Allowance) -> String {
    "Offline passcode\(remainder(allowance)): "
  }

  static func touch(_ allowance: Allowance) -> String {
    "Touch your security key\(remainder(allowance))"
  }

  static let pinPrompt = "Security key PIN: "
  static let keyNeeded = "Plug in your security key, then touch it"
  static let wrongKey = "This is another security key. Touch the one that was set up for you"
  static let remoteTouch =
    "A security key can only be touched at the computer itself, and you are connected from "
    + "elsewhere. Log in at the computer."

  /// ` (7 logins left, until 1 December 2026)`, as far as it is known and the factor is usable.
  private static func remainder(_ allowance: Allowance) -> String {
    guard allowance.state == AllowanceState.ready.rawValue, let limit = LimitKind(rawValue: allowance.limit)
    else { return "" }
    var parts: [String] = []
    if limit.countsLogins, let remaining = allowance.remaining {
      parts.append(remaining == 1 ? "1 login left" : "\(remaining) logins left")
    }
    if limit.countsDays, let day = allowance.lastDay.flatMap(spelledOut) {
      parts.append("until \(day)")
    }
    switch parts.count {
    case 0: return ""
    case 1: return " (\(parts[0]))"
    default: return " (\(parts[0]), \(parts[1]))"
    }
  }

  /// `2026-12-01` as `1 December 2026`; nil for anything else.
  static func spelledOut(_ isoDate: String) -> String? {
    let digits = Array(isoDate.utf8)
    guard digits.count == 10, digits[4] == UInt8(ascii: "-"), digits[7] == UInt8(ascii: "-"),
      let year = number(digits[0..<4]), let month = number(digits[5..<7]),
      let day = number(digits[8..<10]), (1...12).contains(month), (1...31).contains(day)
    else { return nil }
    return "\(day) \(monthName(month)) \(year)"
  }

  private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
    var value = 0
    for digit in digits {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
      value = value * 10 + Int(digit - UInt8(ascii: "0"))
    }
    return value
  }

  private static func monthName(_ month: Int) -> String {
    switch month {
    case 1: "January"
    case 2: "February"
    case 3: "March"
    case 4: "April"
    case 5: "May"
    case 6: "June"
    case 7: "July"
    case 8: "August"
    case 9: "September"
    case 10: "October"
    case 11: "November"
    default: "December"
    }
  }

  // MARK: Set-up

  static let offer =
    "Offline access is not set up for you on this computer. It needs an authenticator app, on your "
    + "phone for instance."
  static let offerPrompt = "Set up offline access now with an authenticator app? (yes/later): "
  static let later =
    "You cannot get in until offline access is set up. Log in again when you have an authenticator "
    + "app at hand."
  static let setUp = "Offline access is set up."
  static let notSetUp = "Offline access was not set up. Log in again to start anew."

  static func keyPrompt(_ secret: String) -> String {
    "Add the key \(secret) to your authenticator app, then type the code it shows: "
  }

  /// Only a plain yes starts a set-up.
  static func isYes(_ answer: String) -> Bool {
    var letters: [UInt8] = []
    for byte in answer.utf8 where byte != UInt8(ascii: " ") {
      // Case is bit 5 of an ASCII letter.
      letters.append(byte | 0x20)
    }
    return letters.elementsEqual("yes".utf8) || letters.elementsEqual("y".utf8)
  }

  // MARK: Failures

  static func unavailable(_ cause: String) -> String {
    "Offline access is not available on this computer (\(cause)). "
      + "Try again, and if it stays so, ask your administrator."
  }

  static let notText = "The answer is no text that could be checked. Try again."
  static let noUser = "Offline access cannot tell who you are: the user name is empty or not valid."
}
