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
  static let touchPresent = "Touch your present security key"
  static let touchNow = "Touch your security key"
  static let keyNeeded = "Plug in your security key"
  static let keyRetry = "The security key did not answer. Trying again"
  static let wrongKey = "This is another security key. Plug in the one that was set up for you"

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

  static func offer(_ methods: [FactorMethod]) -> String {
    "Offline access is not set up for you on this computer. It needs "
      + choice(
        of: methods, app: "an authenticator app, on your phone for instance", key: "a security key", ", or ") + "."
  }
  static func offerPrompt(_ methods: [FactorMethod], mayPutOff: Bool = true) -> String {
    "Set up offline access now with "
      + choice(of: methods, app: "an authenticator app", key: "a security key", " or ")
      + "? (\(methods.count > 1 ? "phone/key" : "yes")\(mayPutOff ? "/later" : "")): "
  }
  /// - Parameter left: how often it may be put off; nil without a limit.
  static func later(_ left: UInt32?) -> String {
    var text =
      "Without offline access you cannot get in when the online service is out of reach. "
      + "You are asked again after the next online login"
    if let left, left > 0 {
      text +=
        left == 1
        ? ", and then it has to be set up"
        : ", and can put it off \(left == 2 ? "once more" : "\(left - 1) more times")"
    }
    return text + "."
  }
  static let later =
    "You cannot get in until offline access is set up. Log in again when you have what it needs at hand."
  static let setUpElsewhere =
    "Offline access is not set up for you, and you are connected from elsewhere. Log in at the computer itself to set "
    + "it up."

  private static func choice(of methods: [FactorMethod], app: String, key: String, _ or: String) -> String {
    var text = ""
    for method in methods {
      if !text.isEmpty { text += or }
      switch method {
      case .passcode: text += app
      case .securityKey: text += key
      }
    }
    return text
  }
  static let setUp = "Offline access is set up."
  static let notSetUp = "Offline access was not set up. Log in again to start anew."

  static func keyPrompt(_ secret: String) -> String {
    "Add the key \(secret) to your authenticator app, then type the code it shows: "
  }

  static func touch(_ step: UInt32, of steps: UInt32) -> String {
    "Touch \(step) of \(steps): touch "
      + (step == 1 ? "the security key to set up, as soon as it blinks" : "the same security key once more")
  }
  static let notTheNewKey = "This is another security key. Plug in the one that you touched before"

  /// What an answer to the offer chooses; nil for later, which is all that is not plain. A yes is the first
  /// of what is offered.
  static func choice(_ answer: String, of methods: [FactorMethod]) -> FactorMethod? {
    var letters: [UInt8] = []
    for byte in answer.utf8 where byte != UInt8(ascii: " ") {
      // Case is bit 5 of an ASCII letter.
      letters.append(byte | 0x20)
    }
    func isWord(_ word: String) -> Bool { letters.elementsEqual(word.utf8) }
    if isWord("yes") || isWord("y") { return methods.first }
    if isWord("phone") { return methods.contains(.passcode) ? .passcode : nil }
    if isWord("key") { return methods.contains(.securityKey) ? .securityKey : nil }
    return nil
  }

  // MARK: Failures

  static func unavailable(_ cause: String) -> String {
    "Offline access is not available on this computer (\(cause)). "
      + "Try again, and if it stays so, ask your administrator."
  }

  static let noEnd = "The online service keeps asking. Try again."
  static let notText = "The answer is no text that could be checked. Try again."
  static let passwordAgain =
    "That was the password again, where a passcode of the authenticator app is asked for. Nothing was counted."
  static let noUser = "Offline access cannot tell who you are: the user name is empty or not valid."
}
