import OfflineAccess
import Testing

@Suite("What the user is told")
struct SentenceTests {
  private static let soon = " Ask the administrator to renew it soon."

  @Test(
    "Logins left are told in the singular and plural, with a warning from warn-at on",
    arguments: [
      (10, 3, "10 offline logins remaining."),
      (4, 3, "4 offline logins remaining."),
      (3, 3, "Warning: 3 offline logins remaining." + soon),
      (2, 3, "Warning: 2 offline logins remaining." + soon),
      (1, 3, "Warning: 1 offline login remaining." + soon),
      (1, 1, "Warning: 1 offline login remaining." + soon),
      (1, 0, "1 offline login remaining."),
      (7, 1000, "Warning: 7 offline logins remaining." + soon),
    ])
  func logins(_ left: Int, _ warnAt: Int, _ sentence: String) {
    let laptop = Laptop {
      $0.logins = left
      $0.warnAt = warnAt
    }
    #expect(laptop.report.message == sentence)
  }

  @Test(
    "Days left are warned of from warn-at on, the present day counted",
    arguments: [
      ("2026-03-14T23:59:59Z", 3, "Offline access until 17 March 2026."),
      ("2026-03-15T00:00:00Z", 3, "Warning: Offline access until 17 March 2026." + soon),
      ("2026-03-17T23:59:59Z", 3, "Warning: Offline access until 17 March 2026." + soon),
      ("2026-03-16T23:59:59Z", 1, "Offline access until 17 March 2026."),
      ("2026-03-17T00:00:00Z", 1, "Warning: Offline access until 17 March 2026." + soon),
      ("2026-03-17T23:59:59Z", 0, "Offline access until 17 March 2026."),
    ])
  func days(_ clock: String, _ warnAt: Int, _ sentence: String) {
    let laptop = Laptop(limit: .days) { $0.warnAt = warnAt }
    laptop.clock = time(clock)
    #expect(laptop.report.message == sentence)
  }

  @Test("Under both limits either end warns")
  func both() {
    let laptop = Laptop(limit: .both) { $0.logins = 3 }
    #expect(
      laptop.report.message
        == "Warning: 3 offline logins remaining, offline access until 17 March 2026." + Self.soon)
    laptop.policy.logins = 4
    #expect(laptop.report.message == "4 offline logins remaining, offline access until 17 March 2026.")
    laptop.clock = time("2026-03-17T12:00:00Z")
    #expect(
      laptop.report.message
        == "Warning: 4 offline logins remaining, offline access until 17 March 2026." + Self.soon)
  }

  @Test(
    "A lock's end is told in seconds, then in minutes rounded up",
    arguments: [
      (1, "1 second"), (2, "2 seconds"), (30, "30 seconds"), (119, "119 seconds"), (120, "2 minutes"),
      (121, "3 minutes"), (3599, "60 minutes"), (3600, "60 minutes"),
    ] as [(Int64, String)])
  func lock(_ seconds: Int64, _ words: String) {
    let laptop = Laptop()
    laptop.state.enrollment?.failures = Failures(count: 12, lockedUntil: laptop.clock + seconds)
    #expect(laptop.report.message == "Too many failed attempts. Try again in \(words).")
    #expect(laptop.report.lockedUntil == laptop.clock + seconds)
  }

  @Test("What is needed is said together with what is left")
  func needed() {
    let laptop = Laptop { $0.logins = 7 }
    let refusal = refusal { () throws(Refusal) in try laptop.authenticate("") }
    #expect(refusal?.reason == .responseRequired)
    #expect(
      refusal?.sentence == "Type the offline passcode of your authenticator app. 7 offline logins remaining.")
  }

  @Test("Standing alone the user is sent to the administrator, never online", arguments: LimitKind.allCases)
  func standingAlone(_ limit: LimitKind) throws {
    for message in try Self.everyMessage(limit: limit, authority: .none) {
      #expect(!message.contains("nline first"))
      #expect(!message.contains("nline soon"))
      #expect(!message.contains("authenticate online"))
    }
  }

  @Test("With an online authority the user is sent there, never to the administrator", arguments: LimitKind.allCases)
  func online(_ limit: LimitKind) throws {
    for message in try Self.everyMessage(limit: limit, authority: .duo) {
      #expect(!message.contains("dministrator"))
    }
  }

  @Test("Everything said ends like a sentence and is one", arguments: LimitKind.allCases)
  func punctuation(_ limit: LimitKind) throws {
    for message in try Self.everyMessage(limit: limit, authority: .none) {
      #expect(message.hasSuffix("."))
      #expect(message.first?.isUppercase == true || message.first?.isNumber == true)
      #expect(!message.contains("  "))
    }
  }

  /// What is said before, at and after the end of an allowance, locked, with a wrong clock and without a factor.
  private static func everyMessage(limit: LimitKind, authority: AuthorityKind) throws -> [String] {
    func laptop(_ change: (Laptop) -> Void) -> String {
      let laptop = Laptop(.app, limit: limit) {
        $0.logins = 2
        $0.authority.kind = authority
      }
      change(laptop)
      return laptop.report.message
    }
    return [
      laptop { _ in },
      laptop { $0.state.enrollment?.grant.used = 2 },
      laptop { $0.clock += 30 * 86_400 },
      laptop { $0.clock -= 3600 },
      laptop { $0.state.enrollment?.failures = Failures(count: 5, lockedUntil: $0.clock + 30) },
      laptop { $0.state.enrollment = nil },
    ]
  }

  @Test("Set-up is offered where users may do it themselves, and only before they did")
  func offer() {
    let laptop = Laptop { $0.standingAlone = .firstLogin }
    #expect(!laptop.report.offersActivation)
    laptop.state.enrollment = nil
    #expect(laptop.report.offersActivation)
    #expect(laptop.report.message == "Offline access is not set up yet. It can be set up now.")
    #expect(
      refusal { () throws(Refusal) in try laptop.renew() }?.sentence
        == "Offline access is not set up for this user. Set it up at the next login, or ask the administrator.")
    laptop.policy.authority.kind = .duo
    #expect(!laptop.report.offersActivation)
    laptop.policy.authority.kind = .none
    laptop.policy.standingAlone = .administrator
    #expect(!laptop.report.offersActivation)
    #expect(laptop.report.message == "Offline access is not set up for this user. Ask the administrator to set it up.")
  }

  @Test("An exempt user is asked for nothing and offered nothing", arguments: [true, false])
  func exempt(_ activated: Bool) {
    let laptop = Laptop { $0.standingAlone = .firstLogin }
    if !activated { laptop.state.enrollment = nil }
    laptop.state.enrollment?.failures = Failures(count: 9, lockedUntil: laptop.clock + 480)
    let report = laptop.state.report(exempt: true, in: laptop.circumstances, via: .exempt)
    #expect(report.method == nil)
    #expect(!report.offersActivation)
    #expect(report.activated == activated)
    #expect(report.state == (activated ? .ready : .notActivated))
    #expect(report.lockedUntil == nil)
    #expect(report.via == .exempt)
    #expect(report.message == "This user needs no second factor.")
  }

  @Test("Being let in without a factor is said aloud")
  func failOpen() {
    let laptop = Laptop { $0.failureMode = .open }
    laptop.state.enrollment = nil
    let report = laptop.state.report(exempt: false, in: laptop.circumstances, via: .failOpen)
    #expect(report.message.contains("without a second factor"))
    #expect(!report.activated)
  }
}
