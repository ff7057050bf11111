import BusClient
import Foundation
import Testing

@testable import Conversation
@testable import OfflineAccess

@Suite("Recognising what was said")
struct RecognitionTests {
  private static let ready = allowance(.ready)

  static func allowance(_ state: AllowanceState, _ limit: LimitKind = .both, remaining: UInt32 = 7) -> Allowance {
    var allowance = Allowance()
    (allowance.state, allowance.limit) = (state.rawValue, limit.rawValue)
    (allowance.remaining, allowance.lastDay) = (remaining, "2026-12-01")
    return allowance
  }

  static let both = FactorMethod.allCases
  static let key = "JBSW Y3DP EHPK 3PXP"

  /// Every text of the conversation, by the name of its member.
  static let texts: [(member: String, text: String, meaning: RecognisedText)] = [
    ("passcodePrompt", Texts.passcodePrompt(Allowance()), .passcodePrompt(left: "")),
    ("passcodePrompt", Texts.passcodePrompt(ready), .passcodePrompt(left: "7 logins left, until 1 December 2026")),
    (
      "passcodePrompt", Texts.passcodePrompt(allowance(.ready, .logins, remaining: 1)),
      .passcodePrompt(left: "1 login left")
    ),
    ("passcodePrompt", Texts.passcodePrompt(allowance(.ready, .days)), .passcodePrompt(left: "until 1 December 2026")),
    ("passcodePrompt", Texts.passcodePrompt(allowance(.ready, .unlimited)), .passcodePrompt(left: "")),
    ("touch", Texts.touch(ready), .touch(left: "7 logins left, until 1 December 2026")),
    ("touch", Texts.touch(1, of: 2), .setUpTouch(1, of: 2)),
    ("touch", Texts.touch(2, of: 2), .setUpTouch(2, of: 2)),
    ("touch", Texts.touch(3, of: 4), .setUpTouch(3, of: 4)),
    ("pinPrompt", Texts.pinPrompt, .pinPrompt),
    ("touchPresent", Texts.touchPresent, .touch(left: "")),
    ("touchNow", Texts.touchNow, .touch(left: "")),
    ("keyNeeded", Texts.keyNeeded, .keyNeeded),
    ("keyRetry", Texts.keyRetry, .keySilent),
    ("wrongKey", Texts.wrongKey, .wrongKey),
    ("notTheNewKey", Texts.notTheNewKey, .wrongKey),
    ("offer", Texts.offer(both), .offer(both)),
    ("offer", Texts.offer([.securityKey]), .offer([.securityKey])),
    ("offerPrompt", Texts.offerPrompt(both), .offerPrompt(both)),
    ("offerPrompt", Texts.offerPrompt([.passcode]), .offerPrompt([.passcode])),
    ("later", Texts.later, .notSetUp),
    ("setUpElsewhere", Texts.setUpElsewhere, .notSetUp),
    ("setUp", Texts.setUp, .setUp),
    ("notSetUp", Texts.notSetUp, .notSetUp),
    ("keyPrompt", Texts.keyPrompt(key), .keyPrompt(secret: key)),
    ("unavailable", Texts.unavailable("the service is not there"), .unavailable),
    ("notText", Texts.notText, .service(.refusal(.badResponse, lockedFor: nil))),
    ("passwordAgain", Texts.passwordAgain, .service(.refusal(.badResponse, lockedFor: nil))),
    ("noUser", Texts.noUser, .service(.refusal(.noSuchUser, lockedFor: nil))),
    ("offerPrompt", Texts.offerPrompt(both, mayPutOff: false), .offerPrompt(both, mayPutOff: false)),
    ("later", Texts.later(nil), .putOff), ("later", Texts.later(1), .putOff), ("later", Texts.later(2), .putOff),
    ("later", Texts.later(9), .putOff),
    ("noEnd", Texts.noEnd, .service(.refusal(.onlineDenied, lockedFor: nil))),
  ]

  @Test("every text of the conversation is recognised as what it is", arguments: texts)
  func conversation(member: String, text: String, meaning: RecognisedText) {
    #expect(RecognisedText(text) == meaning)
  }

  @Test("what the service says of an online service is recognised, too")
  func online() throws {
    let texts: [(member: String, text: String, meaning: RecognisedText)] = [
      ("contacting", OnlineSentences.contacting, .contacting), ("approve", OnlineSentences.approve, .approve),
      ("approvePrompt", OnlineSentences.approvePrompt, .approvePrompt),
      ("passcodePrompt", OnlineSentences.passcodePrompt, .onlinePrompt),
      ("unreachable", OnlineSentences.unreachable(nil), .onlineAway),
      ("unreachable", OnlineSentences.unreachable(1), .onlineAway),
      ("unreachable", OnlineSentences.unreachable(12), .onlineAway),
    ]
    for (_, text, meaning) in texts { #expect(RecognisedText(text) == meaning, "\(text)") }
    #expect(Set(texts.map(\.member)) == ["contacting", "approve", "approvePrompt", "passcodePrompt", "unreachable"])
  }

  @Test("no text of the conversation is missing here")
  func complete() throws {
    // Not texts by themselves.
    let helpers: Set = ["spelledOut", "number", "monthName", "remainder", "choice"]
    let names = try members(in: ["Conversation/Texts.swift"]).subtracting(helpers)
    #expect(names == Set(Self.texts.map(\.member)))
  }

  @Test("every refusal that a person can see is recognised by its reason")
  func refusals() throws {
    var seen: Set<String> = []
    func check(_ name: String, _ refusal: Refusal) {
      seen.insert(name)
      #expect(
        RecognisedText(refusal.sentence) == .service(.refusal(refusal.reason, lockedFor: nil)), "\(refusal.sentence)")
    }
    for (name, refusal) in Self.fixedRefusals { check(name, refusal) }
    check("unavailable", .unavailable(because: "the disk is full"))
    check("misconfigured", .misconfigured("/etc/offline-access/offline-access.conf:3: logins=x"))
    check("passwordToken", .passwordToken("Some Token"))
    for verdict in [KeyVerdict.refusedFamily("Old Keys"), .refusedHere, .unlisted] {
      check("notAdmitted", .notAdmitted(verdict))
    }
    for left in [nil, 1, 7, 12] { check("badPin", .badPin(left: left)) }
    for left in [0, 1, 2, 3] { check("fewTries", .fewTries(left)) }
    for method in FactorMethod.allCases { check("notAllowed", .notAllowed(method)) }
    for denial in [AuthorityVerdict.Denial.wrongResponse, .noResponse, .user] {
      check("onlineDenied", .onlineDenied(denial))
    }
    #expect(try seen == members(in: ["OfflineAccess/Refusals.swift"]))
  }

  private static let fixedRefusals: [(String, Refusal)] = [
    ("badResponse", .badResponse), ("replayed", .replayed), ("badConfirmation", .badConfirmation),
    ("codeRequired", .codeRequired), ("keyInsteadOfCode", .keyInsteadOfCode), ("noSecurityKey", .noSecurityKey),
    ("remoteTouch", .remoteTouch), ("wrongSecurityKey", .wrongSecurityKey),
    ("severalSecurityKeys", .severalSecurityKeys), ("touchTimeout", .touchTimeout), ("touchGivenUp", .touchGivenUp),
    ("keyInUse", .keyInUse), ("possibleClone", .possibleClone), ("keyUnreliable", .keyUnreliable),
    ("badSignature", .badSignature), ("attestationMissing", .attestationMissing),
    ("attestationRootsUnreadable", .attestationRootsUnreadable), ("catalogueUnreadable", .catalogueUnreadable),
    ("cannotVerify", .cannotVerify), ("pinRequired", .pinRequired), ("notRecognised", .notRecognised),
    ("noPin", .noPin), ("pinPaused", .pinPaused), ("alreadyActivated", .alreadyActivated),
    ("nothingToReplace", .nothingToReplace), ("noSuchActivation", .noSuchActivation), ("noSuchUser", .noSuchUser),
    ("unidentifiedCaller", .unidentifiedCaller), ("othersDenied", .othersDenied), ("notAuthorized", .notAuthorized),
    ("authorizationUnchecked", .authorizationUnchecked), ("interactionRequired", .interactionRequired),
    ("onlineProofRequired", .onlineProofRequired), ("callerGone", .callerGone), ("tooLarge", .tooLarge),
    ("busy", .busy), ("usersUnknown", .usersUnknown), ("noRandomness", .noRandomness), ("noMachineID", .noMachineID),
    ("passcodeFailure", .passcodeFailure), ("bypassRefused", .bypassRefused),
    ("onlineMisconfigured", .onlineMisconfigured), ("leftForCode", .leftForCode),
    ("approvalRequired", .approvalRequired), ("onlineCodeRequired", .onlineCodeRequired), ("overtaken", .overtaken),
    ("setUpNeeded", .setUpNeeded),
  ]

  @Test("a refusal whose sentence only the client knows is recognised, too")
  func clients() {
    for refusal in BusFailure.refusalsOfClients {
      #expect(RecognisedText(refusal.sentence) == .service(.refusal(refusal.reason, lockedFor: nil)))
    }
  }

  @Test("a lock is recognised with its length, alone and behind another sentence")
  func locks() {
    for seconds in [Int64(1), 2, 30, 59, 60, 119, 120, 240, 3600] {
      let sentence = Sentences.locked(until: seconds, at: 0)
      #expect(RecognisedSentence(sentence) == .refusal(.locked, lockedFor: seconds))
      let both = Refusal.badResponse.sentence + " " + sentence
      #expect(RecognisedSentence(both) == .refusal(.badResponse, lockedFor: seconds))
      #expect(RecognisedSentence.withoutLock(both) == Refusal.badResponse.sentence)
      #expect(RecognisedSentence.withoutLock(sentence) == "")
      #expect(RecognisedSentence.lock(for: seconds) == sentence)
    }
    // Minutes are rounded up when they are said.
    #expect(RecognisedSentence(Sentences.locked(until: 121, at: 0)) == .refusal(.locked, lockedFor: 180))
  }

  @Test("what an allowance says is recognised in every state", arguments: AllowanceState.allCases)
  func allowances(state: AllowanceState) {
    for (authority, standingAlone, warnAt) in [
      (AuthorityKind.none, Policy.StandingAlone.administrator, 3), (.none, .firstLogin, 0), (.duo, .administrator, 5),
    ] {
      for via in [nil, Via.offline, .failOpen] {
        for remaining in [nil, UInt32(1), 2, 3, 10, 1000] {
          for days in [nil, -1, 0, 1, 30] {
            var policy = Policy()
            (policy.authority.kind, policy.standingAlone, policy.warnAt) = (authority, standingAlone, warnAt)
            let circumstances = Circumstances(
              policy: policy, moment: Moment(unixTime: 1_800_000_000, uptime: 0), calendar: UTC())
            var report = AllowanceReport(
              activated: true, offersActivation: false, method: .passcode, state: state, limit: .both,
              remaining: remaining, lastDay: days.map { circumstances.today.advanced(by: $0) }, message: "", via: via)
            report.lockedUntil = 1_800_000_030
            for offers in [true, false] {
              report.offersActivation = offers
              let sentence = Sentences.message(for: report, exempt: false, in: circumstances)
              let isYes = via == .failOpen || state == .ready || (state == .exhausted && via == .offline)
              let isWarning = sentence.hasPrefix("Warning: ") || sentence.hasPrefix("That was the last")
              let meaning = isYes ? .allowance(isWarning: isWarning) : Self.refusal(state)
              #expect(RecognisedSentence(sentence) == meaning, "\(sentence)")
              report.message = sentence
              #expect(
                RecognisedSentence(Sentences.responseRequired(report)) == .refusal(.responseRequired, lockedFor: nil))
            }
            let exempt = Sentences.message(for: report, exempt: true, in: circumstances)
            #expect(RecognisedSentence(exempt) == .allowance(isWarning: false))
          }
        }
      }
    }
  }

  private static func refusal(_ state: AllowanceState) -> RecognisedSentence? {
    switch state {
    case .ready: nil
    case .exhausted: .refusal(.allowanceExhausted, lockedFor: nil)
    case .expired: .refusal(.allowanceExpired, lockedFor: nil)
    case .locked: .refusal(.locked, lockedFor: 30)
    case .clockUntrusted: .refusal(.clockUntrusted, lockedFor: nil)
    case .notActivated: .refusal(.notActivated, lockedFor: nil)
    case .suspended: .refusal(.onlineProofRequired, lockedFor: nil)
    }
  }

  @Test(
    "texts of others are not recognised",
    arguments: [
      "", " ", "Password: ", "login:", "Verification code: ", "You are required to change your password immediately.",
      "Offline passcode (): ", "Offline passcode (7 logins left):", "Touch 0x1 of 2: touch the security key",
      "Too many failed attempts. Try again in a while.", "Too many failed attempts. Try again in -3 seconds.",
      "Too many failed attempts. Try again in 99999999999999999999 minutes.", "otpauth://",
      "offline logins remaining.", "\u{1}", "Your offline access until tomorrow.",
    ])
  func foreign(text: String) {
    #expect(RecognisedText(text) == nil)
  }

  /// The names of the static members of source files.
  private func members(in files: [String]) throws -> Set<String> {
    let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Sources")
    var names: Set<String> = []
    for file in files {
      let text = try String(contentsOf: sources.appendingPathComponent(file), encoding: .utf8)
      for match in text.matches(of: /static (?:let|var|func) (\w+)/) { names.insert(String(match.1)) }
    }
    return names
  }
}

private struct UTC: LocalCalendar {
  func day(at unixTime: Int64) -> Day { Day(number: Int(unixTime / 86_400)) }
  func end(of day: Day) -> Int64 { Int64(day.number + 1) * 86_400 }
}
