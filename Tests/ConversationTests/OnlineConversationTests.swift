import BusClient
import BusInterface
import Conversation
import OfflineAccess
import Testing

@Suite("An online service at the prompt")
struct OnlineConversationTests {
  private static let needed = Result<Allowance, BusFailure>.no(.responseRequired)

  private static func waiting(_ message: String = "", prompt: String = "") -> ProgressReport {
    var details = BusDictionary()
    if !message.isEmpty { details.append(ProgressKey.message.rawValue, .string(message)) }
    if !prompt.isEmpty { details.append(ProgressKey.prompt.rawValue, .string(prompt)) }
    return ProgressReport(state: ProgressState.onlineWaiting.rawValue, step: 1, steps: 1, details: details)
  }

  private static let approve = waiting(OnlineSentences.approve)
  private static let approvePrompt = waiting(prompt: OnlineSentences.approvePrompt)
  private static let codePrompt = waiting("please enter otp:", prompt: OnlineSentences.passcodePrompt)
  private static let away = waiting(OnlineSentences.unreachable(nil))

  private func service(
    _ allowance: Allowance, _ steps: (reports: [ProgressReport], outcome: Result<Allowance, BusFailure>)...
  ) -> ScriptedService {
    var allowance = allowance
    allowance.authority = AuthorityKind.privacyIDEA.rawValue
    let service = ScriptedService(allowance)
    service.online = steps
    var challenge = Challenge(activation: SetUpConversationTests.path)
    challenge.uri = SetUpConversationTests.uri
    challenge.secret = "GEZD GNBV GY3T QOJQ"
    service.challenge = .success(challenge)
    return service
  }

  private static func approved(offer: Bool = false, later: UInt32? = nil) -> Result<Allowance, BusFailure> {
    var outcome = Allowance()
    outcome.message = "Approved."
    outcome.via = Via.online.rawValue
    outcome.offer = offer ? "activate" : ""
    outcome.later = later
    return .success(outcome)
  }

  @Test("a code that the online service asks for is asked for in its name, and given to it")
  func code() {
    let service = service(
      .passcode(limit: .logins, remaining: 7), ([Self.codePrompt], Self.needed), ([], Self.approved()))
    let talk = run(service, ScriptedPerson("123456"))
    #expect(talk.verdict == .granted)
    #expect(talk.lines == [.info("please enter otp:"), .prompt("Online passcode: "), .info("Approved.")])
    #expect(
      service.calls.dropFirst() == [.online("alice", response: ""), .online("alice", response: "123456")])
  }

  @Test("a request on the phone is told once, may be waited for by Enter, and needs no prompt once it is approved")
  func push() {
    let service = service(
      .passcode(), ([Self.approve, Self.approvePrompt], Self.needed),
      ([Self.approve, Self.approvePrompt], Self.needed),
      ([Self.approve], Self.approved()))
    let talk = run(service, ScriptedPerson("", ""))
    #expect(talk.verdict == .granted)
    #expect(
      talk.lines == [
        .info("Approve the request on your phone"), .prompt(OnlineSentences.approvePrompt),
        .prompt(OnlineSentences.approvePrompt), .info("Approved."),
      ])
    let immediate = self.service(.passcode(), ([Self.approve], Self.approved()))
    #expect(run(immediate, ScriptedPerson()).lines == [.info("Approve the request on your phone"), .info("Approved.")])
  }

  @Test("where it is away, the offline passcode is asked for with what is left, and why")
  func outage() {
    let service = service(
      .passcode(limit: .logins, remaining: 7), ([Self.away], Self.needed), ([], .yes("6 offline logins remaining.")))
    let talk = run(service, ScriptedPerson("654321"))
    #expect(talk.verdict == .granted)
    #expect(
      talk.lines == [
        .info("The online service cannot be reached"), .prompt("Offline passcode (7 logins left): "),
        .info("6 offline logins remaining."),
      ])
    #expect(service.calls.last == .online("alice", response: "654321"))
  }

  @Test("where it is away, a security key is touched in the same call, and its PIN asked for once")
  func outageWithKey() {
    let touch = ProgressReport(state: ProgressState.touchNeeded.rawValue, step: 1, steps: 1, details: [:])
    let service = service(
      .securityKey(remaining: 7), ([Self.away], .no(.pinRequired)), ([Self.away, touch], .yes("6 left.")))
    let talk = run(service, ScriptedPerson("4711"))
    #expect(talk.verdict == .granted)
    #expect(
      talk.lines == [
        .info("The online service cannot be reached"), .prompt("Security key PIN: "),
        .info("Touch your security key (7 logins left)"), .info("6 left."),
      ])
    #expect(service.calls.last == .online("alice", response: "", pin: "4711"))
  }

  @Test(
    "a refusal ends it, and is not asked again",
    arguments: [Refusal.Reason.onlineDenied, .onlineProofRequired, .badResponse, .failed])
  func refusal(_ reason: Refusal.Reason) {
    let service = service(.passcode(), ([Self.codePrompt], Self.needed), ([], .no(reason, "No, never.")))
    let talk = run(service, ScriptedPerson("123456", "123456", "123456"))
    #expect(talk.verdict == .refused(reason))
    #expect(talk.lines.last == .error("No, never."))
    #expect(service.calls.count == 3)
  }

  @Test("a service that asks for ever is given up")
  func endless() {
    let service = service(.passcode())
    service.online = Array(repeating: ([Self.codePrompt], Self.needed), count: 100)
    let talk = run(service, ScriptedPerson("1", "2", "3", "4", "5", "6", "7", "8", "9", "10"))
    #expect(talk.verdict == .refused(.onlineDenied))
    #expect(service.calls.count { if case .online = $0 { true } else { false } } == 8)
  }

  @Test("after an approval a set-up is offered, and whatever comes of it the yes stays")
  func offer() {
    let done = service(.absent(), ([Self.approve], Self.approved(offer: true)))
    done.confirmations = [SetUpConversationTests.complete]
    let talk = run(done, ScriptedPerson("yes", "123456"))
    #expect(talk.verdict == .granted)
    #expect(talk.lines.contains(SetUpConversationTests.offer))
    #expect(
      done.calls.suffix(2) == [.activate("alice", .passcode, ""), .confirm(SetUpConversationTests.path, "123456")])

    let wrong = service(.absent(), ([Self.approve], Self.approved(offer: true)))
    wrong.confirmations = Array(repeating: SetUpConversationTests.wrong, count: 3)
    #expect(run(wrong, ScriptedPerson("yes", "1", "2", "3")).verdict == .granted)
    #expect(wrong.calls.last == SetUpConversationTests.canceled)

    let silent = service(.absent(), ([Self.approve], Self.approved(offer: true)))
    #expect(run(silent, ScriptedPerson()).verdict == .granted)
  }

  @Test("“later” is told to the service by a set-up that is cancelled, and what it means is said")
  func later() {
    for (left, text) in [
      (nil, "next online login."), (2, "can put it off once more."), (1, "then it has to be set up."),
    ]
      as [(UInt32?, String)]
    {
      let service = service(.absent(), ([Self.approve], Self.approved(offer: true, later: left)))
      let talk = run(service, ScriptedPerson("later"))
      #expect(talk.verdict == .granted)
      #expect(talk.lines.last?.text.hasPrefix("Without offline access you cannot get in") == true)
      #expect(talk.lines.last?.text.hasSuffix(text) == true)
      #expect(service.calls.suffix(2) == [.activate("alice", .passcode, ""), SetUpConversationTests.canceled])
    }
  }

  @Test("sudo, which wants no messages, offers a set-up all the same; whoever breaks off has put it off")
  func quiet() {
    let service = service(.absent(), ([Self.approve], Self.approved(offer: true)))
    let talk = run(service, ScriptedPerson(), Request(user: "alice", quiet: true))
    #expect(talk.verdict == .granted)
    #expect(talk.lines.last == SetUpConversationTests.offer)
    #expect(service.calls.suffix(2) == [.activate("alice", .passcode, ""), SetUpConversationTests.canceled])
  }

  @Test("who may not put it off any more sets it up or does not get in")
  func must() {
    func service() -> ScriptedService {
      let service = self.service(.absent(offer: true), ([Self.approve], .no(.notActivated, "Set it up now.")))
      service.confirmations = [SetUpConversationTests.complete]
      return service
    }
    let done = run(service(), ScriptedPerson("yes", "123456"))
    #expect(done.verdict == .granted)
    #expect(done.lines.contains(.visiblePrompt("Set up offline access now with an authenticator app? (yes): ")))
    #expect(run(service(), ScriptedPerson("later")).verdict == .refused(.notActivated))
  }

  @Test("the prompts are the sentences by which front ends know them")
  func prompts() {
    #expect(OnlineSentences.passcodePrompt == "Online passcode: ")
    #expect(OnlineSentences.approvePrompt.contains("press Enter"))
    #expect(OnlineSentences.unreachable(1).hasSuffix("1 offline login can be used"))
  }
}
