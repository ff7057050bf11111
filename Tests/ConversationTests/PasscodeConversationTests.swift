import BusClient
import Conversation
import OfflineAccess
import Testing

@Suite("Asking for a passcode")
struct PasscodeConversationTests {
  @Test("a right code is a yes, and the service's sentence is shown")
  func rightCode() {
    let service = ScriptedService(.passcode(), .yes("Nine logins left."))
    let request = Request(user: "alice", service: "sudo", purpose: .elevation, remote: "far.example")
    let talk = run(service, ScriptedPerson("123456"), request)
    #expect(talk.verdict == .granted)
    #expect(talk.lines == [.prompt("Offline passcode: "), .info("Nine logins left.")])
    let options = AuthenticateOptions(service: "sudo", purpose: .elevation, remote: "far.example")
    #expect(
      service.calls == [.remainingAllowance("alice"), .authenticate("alice", "123456", options)])
  }

  @Test("with quiet nothing but the prompt is shown, and an empty sentence never is", arguments: [true, false])
  func quiet(isQuiet: Bool) {
    let service = ScriptedService(.passcode(), .yes(isQuiet ? "Nine logins left." : ""))
    let talk = run(service, ScriptedPerson("123456"), Request(user: "alice", quiet: isQuiet))
    #expect(talk.verdict == .granted)
    #expect(talk.lines == [.prompt("Offline passcode: ")])
  }

  @Test("a wrong code is a no with the service's sentence, after one prompt only", arguments: [true, false])
  func wrongCode(isQuiet: Bool) {
    let service = ScriptedService(.passcode(), .no(.badResponse, "That is not the code."))
    let talk = run(service, ScriptedPerson("000000", "111111"), Request(user: "alice", quiet: isQuiet))
    #expect(talk.verdict == .refused(.badResponse))
    #expect(talk.lines == [.prompt("Offline passcode: "), .error("That is not the code.")])
    #expect(talk.cause == "BadResponse")
    #expect(service.responses == ["000000"])
  }

  @Test("an empty answer goes to the service, whose refusal says what it wanted")
  func emptyAnswer() {
    let service = ScriptedService(.passcode(), .no(.responseRequired, "A passcode is needed."))
    let talk = run(service, ScriptedPerson(""))
    #expect(talk.verdict == .refused(.responseRequired))
    #expect(talk.lines.last == .error("A passcode is needed."))
    #expect(service.responses == [""])
  }

  @Test(
    "where no code is asked for, the service decides without one",
    arguments: [
      (AllowanceState.exhausted, Refusal.Reason.allowanceExhausted), (.expired, .allowanceExpired),
      (.locked, .locked), (.clockUntrusted, .clockUntrusted),
    ])
  func notReady(state: AllowanceState, reason: Refusal.Reason) {
    let service = ScriptedService(.passcode(state), .no(reason, "Log in online first."))
    let talk = run(service, ScriptedPerson("123456"))
    #expect(talk.verdict == .refused(reason))
    #expect(talk.lines == [.error("Log in online first.")])
    #expect(service.responses == [""])
  }

  @Test("a purpose that the empty allowance does not cover is still asked for its code")
  func uncountedPurpose() {
    let allowance = Allowance.passcode(.exhausted, limit: .logins, remaining: 0)
    let service = ScriptedService(allowance, .no(.responseRequired), .yes())
    let talk = run(service, ScriptedPerson("123456"), Request(user: "alice", purpose: .unlock))
    #expect(talk.verdict == .granted)
    #expect(talk.lines.first == .prompt("Offline passcode: "))
    #expect(service.responses == ["", "123456"])
  }

  @Test("a user without a factor may be let in by the service, without a prompt")
  func exempt() {
    let service = ScriptedService(.absent(), .yes(""))
    let talk = run(service, ScriptedPerson())
    #expect(talk.verdict == .granted)
    #expect(talk.lines.isEmpty)
    #expect(service.responses == [""])
  }

  @Test("a user without a factor and without an offer is refused")
  func notActivated() {
    let service = ScriptedService(.absent(), .no(.notActivated, "It is not set up."))
    let talk = run(service, ScriptedPerson("yes"))
    #expect(talk.verdict == .refused(.notActivated))
    #expect(talk.lines == [.error("It is not set up.")])
  }

  @Test("a refused question about the allowance ends the conversation")
  func refusedAllowance() {
    let service = ScriptedService(.passcode())
    service.allowance = .no(.noSuchUser, "There is no such user.")
    let talk = run(service, ScriptedPerson("123456"))
    #expect(talk.verdict == .refused(.noSuchUser))
    #expect(talk.lines == [.error("There is no such user.")])
  }

  @Test("a user name that is empty or too long is refused before the service hears of it")
  func badUser() {
    for name in ["", String(repeating: "a", count: 257)] {
      let service = ScriptedService(.passcode(), .yes())
      let talk = run(service, ScriptedPerson("123456"), Request(user: name))
      #expect(talk.verdict == .refused(.noSuchUser))
      #expect(service.calls.isEmpty)
    }
  }

  @Test("an answer that is no text is a denial and does not reach the service")
  func notText() {
    let service = ScriptedService(.passcode(), .yes())
    var person = ScriptedPerson()
    person.answers = [.failure(.notText)]
    let talk = run(service, person)
    #expect(talk.verdict == .refused(.badResponse))
    #expect(service.responses.isEmpty)
  }

  @Test("the password again is no guess and does not reach the service, unless it may be a passcode")
  func passwordAgain() {
    for (password, reaches) in [("secret", false), ("12345a", false), ("123456", true)] {
      let service = ScriptedService(.passcode(), .yes())
      var person = ScriptedPerson(password)
      person.password = password
      let talk = run(service, person)
      #expect(talk.verdict == (reaches ? .granted : .refused(.badResponse)))
      #expect(service.responses == (reaches ? [password] : []))
    }
  }

  // MARK: Nobody there, at either end

  @Test("without a bus the verdict is unavailable, and the line says why")
  func noBus() {
    var conversation = Conversation(Request(user: "alice"), with: ScriptedPerson("123456"))
    let verdict = conversation.run { () throws(BusFailure) -> ScriptedService in
      throw .unavailable("the system bus cannot be reached")
    }
    #expect(verdict == .unavailable)
    #expect(conversation.cause == "the system bus cannot be reached")
    #expect(
      conversation.person.lines == [
        .error(
          "Offline access is not available on this computer (the system bus cannot be reached). "
            + "Try again, and if it stays so, ask your administrator.")
      ])
  }

  @Test("a service that does not answer is asked nothing more")
  func silentService() {
    let service = ScriptedService(.passcode())
    service.allowance = .failure(.unavailable("the service did not answer in time"))
    #expect(run(service, ScriptedPerson("123456")).verdict == .unavailable)
    #expect(service.calls == [.remainingAllowance("alice")])

    let later = ScriptedService(.passcode(), .failure(.unavailable("the service went away")))
    #expect(run(later, ScriptedPerson("123456", "123456")).verdict == .unavailable)
    #expect(later.calls.count == 2)
  }

  @Test("a person who is gone at the prompt is a failed conversation, not an answer")
  func gone() {
    let service = ScriptedService(.passcode(), .yes())
    let talk = run(service, ScriptedPerson())
    #expect(talk.verdict == .conversationFailed)
    #expect(service.responses.isEmpty)
  }

  @Test("a yes of the service stays a yes where its sentence cannot be shown")
  func goneAfterYes() {
    let service = ScriptedService(.passcode(), .yes("Nine logins left."))
    #expect(run(service, ScriptedPerson("123456", patience: 1)).verdict == .granted)
  }

  @Test("a no stays a no where its sentence cannot be shown")
  func goneAfterNo() {
    let service = ScriptedService(.passcode(), .no(.locked))
    #expect(run(service, ScriptedPerson("123456", patience: 1)).verdict == .refused(.locked))
  }
}
