import BusClient
import Conversation
import OfflineAccess
import Testing

@Suite("Setting up at the prompt")
struct SetUpConversationTests {
  static let path = "/org/offlineaccess/Factor1/activation/7"
  static let uri = "otpauth://totp/Box:alice?secret=GEZDGNBVGY3TQOJQ&issuer=Box"
  static let offer: Line = .visiblePrompt(
    "Set up offline access now with an authenticator app? (yes/later): ")
  static let keyPrompt: Line = .prompt(
    "Add the key GEZD GNBV GY3T QOJQ to your authenticator app, then type the code it shows: ")
  static let canceled = ScriptedService.Call.cancel(path)

  /// A service that offers a set-up and confirms as given.
  func service(
    _ confirmations: Result<(complete: Bool, details: BusDictionary), BusFailure>...
  ) -> ScriptedService {
    let service = ScriptedService(.absent(offer: true), .no(.notActivated))
    var challenge = Challenge(activation: Self.path)
    challenge.uri = Self.uri
    challenge.secret = "GEZD GNBV GY3T QOJQ"
    service.challenge = .success(challenge)
    service.confirmations = confirmations
    return service
  }

  static let complete: Result<(complete: Bool, details: BusDictionary), BusFailure> =
    .success((true, ["message": .string("Offline access is ready: 10 logins.")]))
  static let wrong: Result<(complete: Bool, details: BusDictionary), BusFailure> =
    .failure(.refused(Refusal(.badResponse, "That is not the code.")))

  @Test("a set-up that is confirmed is a yes", arguments: ["yes", "y", "Yes", " YES "])
  func complete(answer: String) {
    let service = service(Self.complete)
    let talk = run(service, ScriptedPerson(answer, "123456"))
    #expect(talk.verdict == .granted)
    #expect(
      talk.lines.dropFirst() == [
        Self.offer, .info(Self.uri), Self.keyPrompt, .info("Offline access is ready: 10 logins."),
      ])
    #expect(
      service.calls.suffix(2) == [
        .activate("alice", .passcode, ""), .confirm(Self.path, "123456"),
      ])
  }

  @Test(
    "anything but yes is later: nothing begins, and the person is told what that means",
    arguments: ["later", "", "no", "yesterday", "ye", "yes please", "123456"])
  func later(answer: String) {
    let service = service(Self.complete)
    let talk = run(service, ScriptedPerson(answer, "123456"))
    #expect(talk.verdict == .refused(.notActivated))
    #expect(talk.lines.last?.text.hasPrefix("You cannot get in until offline access is set up.") == true)
    #expect(service.calls.last == .methods)
  }

  @Test("where it is stored later the set-up is only tried, and handed over once it is proven")
  func storedLater() {
    let service = service(Self.wrong, Self.complete)
    var conversation = Conversation(
      Request(user: "alice", storesLater: true), with: ScriptedPerson("yes", "000000", "123456"))
    #expect(conversation.run { () throws(BusFailure) in service } == .granted)
    #expect(conversation.proven == Self.path)
    let trial = ConfirmOptions(isTrial: true)
    #expect(
      service.calls.suffix(2) == [
        .confirm(Self.path, "000000", trial), .confirm(Self.path, "123456", trial),
      ])
    #expect(!service.calls.contains(Self.canceled))

    let other = self.service(Self.wrong)
    var failing = Conversation(Request(user: "alice", storesLater: true), with: ScriptedPerson("yes", "000000"))
    #expect(failing.run { () throws(BusFailure) in other } == .conversationFailed)
    #expect(failing.proven.isEmpty)
    #expect(other.calls.last == Self.canceled)
  }

  @Test("without an offer nothing is offered, and with a factor neither")
  func noOffer() {
    let service = service(Self.complete)
    service.allowance = .success(.absent(offer: false))
    #expect(run(service, ScriptedPerson("yes", "123456")).lines == [.error("The service says no.")])

    let other = self.service(Self.complete)
    other.outcomes = [.no(.locked)]
    #expect(run(other, ScriptedPerson("yes", "123456")).verdict == .refused(.locked))
    #expect(other.calls.count == 2)
  }

  @Test("the third right code still counts, and each wrong one is explained")
  func thirdCode() {
    let service = service(Self.wrong, Self.wrong, Self.complete)
    let talk = run(service, ScriptedPerson("yes", "1", "2", "3"))
    #expect(talk.verdict == .granted)
    #expect(talk.lines.filter { $0 == .error("That is not the code.") }.count == 2)
    #expect(!service.calls.contains(Self.canceled))
  }

  @Test("after three wrong codes the set-up is dropped")
  func threeWrong() {
    let service = service(Self.wrong, Self.wrong, Self.wrong)
    let talk = run(service, ScriptedPerson("yes", "1", "2", "3", "4"))
    #expect(talk.verdict == .refused(.notActivated))
    #expect(talk.lines.last?.text.hasPrefix("Offline access was not set up.") == true)
    #expect(service.calls.last == Self.canceled)
  }

  @Test("a refusal that no code can mend ends the set-up")
  func over() {
    let service = service(.failure(.refused(Refusal(.noSuchActivation, "Too late."))))
    let talk = run(service, ScriptedPerson("yes", "1", "2"))
    #expect(talk.verdict == .refused(.noSuchActivation))
    #expect(talk.lines.last == .error("Too late."))
    #expect(service.calls.last == Self.canceled)
  }

  @Test("a refused start is a denial with the service's sentence")
  func refusedStart() {
    let service = service()
    service.challenge = .failure(.refused(Refusal(.onlineProofRequired, "Log in online first.")))
    let talk = run(service, ScriptedPerson("yes", "1"))
    #expect(talk.verdict == .refused(.onlineProofRequired))
    #expect(talk.lines.last == .error("Log in online first."))
    #expect(!service.calls.contains(Self.canceled))
  }

  @Test("a service that falls silent is not waited for twice")
  func silent() {
    let service = service(.failure(.unavailable("the service did not answer in time")))
    #expect(run(service, ScriptedPerson("yes", "1", "2")).verdict == .unavailable)
    #expect(!service.calls.contains(Self.canceled))
  }

  @Test("a person who goes away at any step is no yes, and what had begun is dropped", arguments: 0..<6)
  func goneAt(step: Int) {
    // offer, prompt, URI, key prompt, error, key prompt
    let service = service(Self.wrong, Self.complete)
    let talk = run(service, ScriptedPerson("yes", "1", "2", patience: step))
    #expect(talk.verdict == .conversationFailed)
    #expect(service.calls.contains(Self.canceled) == (step >= 2))
  }

  @Test("a person who gives no answer to the offer, or to the code, is gone")
  func noAnswer() {
    #expect(run(service(), ScriptedPerson()).verdict == .conversationFailed)
    let begun = service()
    #expect(run(begun, ScriptedPerson("yes")).verdict == .conversationFailed)
    #expect(begun.calls.last == Self.canceled)
  }

  @Test("at a text terminal the code is drawn, a message a row")
  func terminal() {
    let service = service(Self.complete)
    let request = Request(user: "alice", atTerminal: true)
    let talk = run(service, ScriptedPerson("yes", "123456"), request)
    #expect(talk.verdict == .granted)
    let infos = talk.lines.dropFirst(2).prefix { $0 != Self.keyPrompt }
    if infos == [.info(Self.uri)] { return }  // no libqrencode here
    #expect(infos.count > 15)
    #expect(infos.allSatisfy { $0.text.count == infos.first?.text.count })
  }

  @Test("a URI that fits into no message is left out rather than cut")
  func longURI() {
    let service = service(Self.complete)
    var challenge = Challenge(activation: Self.path)
    challenge.uri = "otpauth://totp/" + String(repeating: "x", count: 995)
    challenge.secret = "GEZD GNBV GY3T QOJQ"
    service.challenge = .success(challenge)
    let talk = run(service, ScriptedPerson("yes", "123456"))
    #expect(talk.verdict == .granted)
    #expect(talk.lines.count == 4)
  }

  @Test("quiet or not, a set-up shows what is needed to do it")
  func quiet() {
    let talk = run(
      service(Self.complete), ScriptedPerson("yes", "123456"), Request(user: "alice", quiet: true))
    #expect(talk.lines.contains(.info(Self.uri)))
  }
}
