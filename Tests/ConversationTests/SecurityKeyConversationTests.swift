import BusClient
import Conversation
import OfflineAccess
import Testing

@Suite("Asking for a touch")
struct SecurityKeyConversationTests {
  private func reports(_ states: String...) -> [ProgressReport] {
    states.map { ProgressReport(state: $0, step: 1, steps: 1) }
  }

  @Test("the person is told to touch before the service waits")
  func touch() {
    let service = ScriptedService(.securityKey(remaining: 7), .yes(""))
    service.reports = reports("touch-needed", "touch-accepted")
    let talk = run(service, ScriptedPerson())
    #expect(talk.verdict == .granted)
    #expect(talk.lines == [.info("Touch your security key (7 logins left)")])
    #expect(service.calls.last == .touch("alice", AuthenticateOptions(purpose: .login)))
  }

  @Test("what goes wrong meanwhile is shown when it newly comes; what a newer service reports is not")
  func progress() {
    let service = ScriptedService(.securityKey(), .no(.touchTimeout, "Nobody touched it."))
    service.reports = reports(
      "key-needed", "key-needed", "touch-needed", "touch-needed", "wrong-key", "retry", "touch-needed", "something-new",
      "key-needed")
    let talk = run(service, ScriptedPerson())
    #expect(talk.verdict == .refused(.touchTimeout))
    #expect(
      talk.lines == [
        .info("Touch your security key"), .info("Plug in your security key"), .info("Touch your security key"),
        .info("This is another security key. Plug in the one that was set up for you"),
        .info("The security key did not answer. Trying again"), .info("Touch your security key"),
        .info("Plug in your security key"), .error("Nobody touched it."),
      ])
  }

  @Test("a PIN is asked for once where the service needs it, and then the key is to be touched again")
  func pin() {
    let service = ScriptedService(.securityKey(), .no(.pinRequired), .no(.badPin, "Wrong PIN."))
    service.reports = reports("touch-needed")
    let talk = run(service, ScriptedPerson("1234", "5678"))
    #expect(talk.verdict == .refused(.badPin))
    #expect(
      talk.lines.dropFirst() == [
        .prompt("Security key PIN: "), .info("Touch your security key"), .error("Wrong PIN."),
      ])
    #expect(
      service.calls.last == .touch("alice", AuthenticateOptions(purpose: .login, pin: "1234")))
  }

  @Test("over a remote connection the service refuses, and nobody was told to touch")
  func remote() {
    let service = ScriptedService(.securityKey(), .no(.noSecurityKey, "Log in at the computer."))
    let talk = run(service, ScriptedPerson(), Request(user: "alice", remote: "far.example"))
    #expect(talk.verdict == .refused(.noSecurityKey))
    #expect(talk.lines == [.error("Log in at the computer.")])
    #expect(service.calls.last == .touch("alice", AuthenticateOptions(purpose: .login, remote: "far.example")))
  }

  @Test("where the allowance is used up nobody is told to touch, unless the service waits for it all the same")
  func notReady() {
    var allowance = Allowance.securityKey(remaining: 0)
    allowance.state = AllowanceState.exhausted.rawValue
    let service = ScriptedService(allowance, .no(.allowanceExhausted, "None left."), .yes(""))
    #expect(run(service, ScriptedPerson()).lines == [.error("None left.")])
    service.reports = reports("touch-needed")
    let talk = run(service, ScriptedPerson(), Request(user: "alice", purpose: .unlock))
    #expect(talk.verdict == .granted)
    #expect(talk.lines == [.info("Touch your security key")])
  }

  @Test("a person who cannot be told to touch is gone")
  func gone() {
    let service = ScriptedService(.securityKey(), .yes())
    #expect(run(service, ScriptedPerson(patience: 0)).verdict == .conversationFailed)
    #expect(service.calls.count == 1)
  }
}

@Suite("Setting up a security key at the prompt")
struct SecurityKeySetUpTests {
  private static let path = "/org/offlineaccess/Factor1/activation/7"
  private static let first = Line.info("Touch 1 of 2: touch the security key to set up, as soon as it blinks")
  private static let second = Line.info("Touch 2 of 2: touch the same security key once more")
  private typealias Confirmation = Result<(complete: Bool, details: BusDictionary), BusFailure>
  private static let touched: Confirmation = .success((false, ["steps": .uint32(1)]))
  private static let complete: Confirmation = .success((true, ["message": .string("10 logins.")]))

  private static func no(_ reason: Refusal.Reason) -> Confirmation {
    .failure(.refused(Refusal(reason, "\(reason.rawValue).")))
  }

  private func service(
    _ methods: [FactorMethod] = FactorMethod.allCases, _ confirmations: Confirmation...
  ) -> ScriptedService {
    let service = ScriptedService(.absent(offer: true), .no(.notActivated))
    service.methodNames = methods.map(\.rawValue)
    var challenge = Challenge(activation: Self.path)
    challenge.method = FactorMethod.securityKey.rawValue
    challenge.steps = 2
    service.challenge = .success(challenge)
    service.confirmations = confirmations
    return service
  }

  @Test("two touches set it up, each told before it is waited for")
  func touches() {
    let service = service(FactorMethod.allCases, Self.touched, Self.complete)
    let talk = run(service, ScriptedPerson("key"))
    #expect(talk.verdict == .granted)
    #expect(
      talk.lines == [
        .info(
          "Offline access is not set up for you on this computer. It needs an authenticator app, on your phone for instance, or a security key."
        ),
        .visiblePrompt(
          "Set up offline access now with an authenticator app or a security key? (phone/key/later): "),
        Self.first, Self.second, .info("10 logins."),
      ])
    #expect(
      service.calls.suffix(3) == [
        .activate("alice", .securityKey, ""), .confirmTouch(Self.path), .confirmTouch(Self.path),
      ])
  }

  @Test(
    "yes is the first that is offered, and a word that is not offered is later",
    arguments: [
      (FactorMethod.allCases, "yes", FactorMethod.passcode), ([.securityKey], "Yes", .securityKey),
      ([.passcode], "yes", .passcode), (FactorMethod.allCases, " Phone ", .passcode), ([.passcode], "key", nil),
      ([.securityKey], "phone", nil), (FactorMethod.allCases, "later", nil), (FactorMethod.allCases, "", nil),
    ] as [([FactorMethod], String, FactorMethod?)])
  func choice(_ methods: [FactorMethod], _ answer: String, _ chosen: FactorMethod?) {
    let service = service(methods)
    service.challenge = .failure(.refused(Refusal(.busy, "Later.")))
    let verdict = run(service, ScriptedPerson(answer)).verdict
    #expect(verdict == .refused(chosen == nil ? .notActivated : .busy))
    #expect(service.calls.last == chosen.map { .activate("alice", $0, "") } ?? .methods)
  }

  @Test("from elsewhere no key is offered, and where there is nothing else the person is told why")
  func remote() {
    let request = Request(user: "alice", remote: "far.example")
    let both = run(service(), ScriptedPerson("later"), request)
    #expect(
      both.lines.dropFirst().first
        == .visiblePrompt("Set up offline access now with an authenticator app? (yes/later): "))
    let key = run(service([.securityKey]), ScriptedPerson("yes"), request)
    #expect(key.verdict == .refused(.notActivated))
    #expect(key.lines.map(\.text).joined().contains("Log in at the computer itself"))
  }

  @Test("the PIN is asked for where it is needed, at most once a touch, and used for the second touch too")
  func pin() {
    let service = service(
      FactorMethod.allCases, Self.no(.pinRequired), Self.touched, Self.no(.pinRequired), Self.complete)
    let talk = run(service, ScriptedPerson("key", "1234", "5678"))
    #expect(talk.verdict == .granted)
    let prompt = Line.prompt("Security key PIN: ")
    #expect(
      talk.lines.dropFirst(2).dropLast() == [Self.first, prompt, Self.first, Self.second, prompt, Self.second])
    #expect(
      service.calls.suffix(4) == [
        .confirmTouch(Self.path), .confirmTouch(Self.path, ConfirmOptions(pin: "1234")),
        .confirmTouch(Self.path, ConfirmOptions(pin: "1234")), .confirmTouch(Self.path, ConfirmOptions(pin: "5678")),
      ])
    let twice = self.service(FactorMethod.allCases, Self.no(.pinRequired), Self.no(.pinRequired))
    #expect(run(twice, ScriptedPerson("key", "1234", "5678")).verdict == .refused(.pinRequired))
    #expect(twice.calls.last == .cancel(Self.path))
  }

  @Test("who was too slow may touch again, three times; then the set-up is dropped")
  func slow() {
    let late = Self.no(.touchTimeout)
    let service = service(FactorMethod.allCases, late, Self.no(.noSecurityKey), Self.touched, late, late, Self.complete)
    let talk = run(service, ScriptedPerson("key"))
    #expect(talk.verdict == .granted)
    #expect(talk.lines.filter { $0 == .error("TouchTimeout.") }.count == 3)
    #expect(talk.lines.filter { $0 == Self.second }.count == 3)
    let never = self.service(FactorMethod.allCases, late, late, late)
    #expect(run(never, ScriptedPerson("key")).verdict == .refused(.touchTimeout))
    #expect(never.calls.last == .cancel(Self.path))
  }

  @Test(
    "what no touch can mend ends it with the service's sentence",
    arguments: [Refusal.Reason.securityKeyRefused, .badPin, .pinLocked, .notSupported, .canceled, .busy])
  func over(reason: Refusal.Reason) {
    let service = service(FactorMethod.allCases, Self.no(reason))
    let talk = run(service, ScriptedPerson("key"))
    #expect(talk.verdict == .refused(reason))
    #expect(talk.lines.last == .error("\(reason.rawValue)."))
    #expect(service.calls.last == .cancel(Self.path))
  }

  @Test("where it is stored later each touch is a trial")
  func storedLater() {
    let service = service(FactorMethod.allCases, Self.touched, Self.complete)
    var conversation = Conversation(Request(user: "alice", storesLater: true), with: ScriptedPerson("key"))
    #expect(conversation.run { () throws(BusFailure) in service } == .granted)
    #expect(conversation.proven == Self.path)
    let trial = ScriptedService.Call.confirmTouch(Self.path, ConfirmOptions(isTrial: true))
    #expect(service.calls.suffix(2) == [trial, trial])
  }
}
