import GLibBus
import OfflineAccess
import Testing

@testable import PolkitAgent

/// A desk whose person and whose helpers are the test's.
@BusActor
private final class DeskFixture {
  let presenter = FakePresenter()
  /// The helpers that were started, with whom and what they check.
  private(set) var helpers: [(helper: FakeHelper, user: String, cookie: String)] = []
  var hasHelper = true
  let alice = Identity(uid: 4_000_001, name: "alice")
  let bob = Identity(uid: 4_000_002, name: "bob")
  private(set) lazy var desk = Desk(presenter) { [unowned self] user, cookie in
    guard hasHelper else { return nil }
    let helper = FakeHelper()
    helpers.append((helper, user, cookie))
    return helper.channel
  }

  var shown: [String] { presenter.shown }

  /// Asks a question whose message is its cookie.
  ///
  /// - Parameter read: when it is known what is asked.
  func ask(
    _ cookie: String, of identities: [Identity]? = nil, read: @escaping @BusActor () -> Bool = { true }
  ) -> Task<Talk.Outcome?, Never> {
    let identities = identities ?? [alice]
    return onBus { [desk] in
      await desk.answer(cookie) {
        await until(read)
        return AuthenticationRequest(action: "a", message: cookie, cookie: cookie, identities: identities)
      }
    }
  }

  func helper(_ number: Int = 0) async -> FakeHelper {
    await until { self.helpers.count > number }
    return helpers[number].helper
  }
}

@Suite("Questions of polkit's, from the first word to the verdict", .timeLimit(.minutes(1)))
struct DeskTests {
  init() { BusLoop.running }

  @Test("prompts are answered in their order, each with its own answer, for the user and the cookie of the question")
  @BusActor
  func main() async {
    let test = DeskFixture()
    test.presenter.answers = { $0 == "Password: " ? "secret" : "123456" }
    let outcome = test.ask("c-1")
    let helper = await test.helper()
    helper.say("PAM_PROMPT_ECHO_OFF Password: ")
    await until { helper.heard() == "secret\n" }
    helper.say("PAM_TEXT_INFO hello", "PAM_PROMPT_ECHO_OFF Code: ")
    await until { helper.heard() == "123456\n" }
    helper.say("SUCCESS")
    #expect(await outcome.value == .granted)
    #expect(test.shown == ["begin c-1", "as alice", "ask Password: ", "tell hello", "ask Code: ", "end granted"])
    #expect(test.helpers.map(\.user) == ["alice"] && test.helpers.map(\.cookie) == ["c-1"])
    #expect(helper.heard() == nil)
  }

  @Test("a verdict before anything was asked is taken as it is, and a no is not tried again", arguments: [true, false])
  @BusActor
  func verdictAtOnce(_ isYes: Bool) async {
    let test = DeskFixture()
    test.presenter.goesOn = false
    let outcome = test.ask("c")
    await test.helper().say(isYes ? "SUCCESS" : "FAILURE")
    #expect(await outcome.value == (isYes ? .granted : .denied))
    #expect(test.shown.contains("refused unasked") == !isYes)
  }

  @Test("a prompt that the helper does not wait at is not shown")
  @BusActor
  func promptAndVerdict() async {
    let test = DeskFixture()
    test.presenter.goesOn = false
    let outcome = test.ask("c")
    await test.helper().say("PAM_PROMPT_ECHO_OFF Password: ", "PAM_ERROR_MSG too slow", "FAILURE")
    #expect(await outcome.value == .denied)
    #expect(test.shown == ["begin c", "as alice", "tell too slow", "refused unasked", "end denied"])
  }

  @Test("an answer that comes when the helper asks something else already is not sent")
  @BusActor
  func lateAnswer() async {
    let test = DeskFixture()
    test.presenter.answers = { prompt in
      guard prompt == "Password: " else { return "public" }
      let helper = await test.helper()
      helper.say("PAM_TEXT_INFO too late", "PAM_PROMPT_ECHO_ON Name: ")
      await until { !helper.channel.waitsForAnswer }
      return "secret"
    }
    let outcome = test.ask("c")
    let helper = await test.helper()
    helper.say("PAM_PROMPT_ECHO_OFF Password: ")
    await until { test.shown.last == "ask Name: " }
    await until { helper.heard() == "public\n" }
    helper.say("SUCCESS")
    #expect(await outcome.value == .granted)
  }

  @Test("an answer that cannot be sent is asked for again")
  @BusActor
  func wrongAnswer() async {
    let test = DeskFixture()
    var answers = ["two\nlines", "one"]
    test.presenter.answers = { _ in answers.removeFirst() }
    let outcome = test.ask("c")
    let helper = await test.helper()
    helper.say("PAM_PROMPT_ECHO_OFF Password: ")
    await until { helper.heard() == "one\n" }
    helper.say("SUCCESS")
    #expect(await outcome.value == .granted)
    #expect(test.shown.contains("tell \(AgentTexts.tooLong)"))
  }

  @Test("a helper that ends in the middle is a no", arguments: ["", "PAM_TEXT_INFO x", "SUCCES", "nonsense"])
  @BusActor
  func helperGone(_ last: String) async {
    let test = DeskFixture()
    test.presenter.goesOn = false
    let outcome = test.ask("c")
    let helper = await test.helper()
    helper.say("PAM_PROMPT_ECHO_OFF Password: ")
    await until { test.presenter.isThinking }
    if !last.isEmpty { helper.say(last) }
    helper.hangUp()
    #expect(await outcome.value == .denied)
    #expect(helper.heard() == nil)
  }

  @Test("withdrawn while a prompt is shown, it is gone at once, and the helper is left")
  @BusActor
  func withdrawn() async {
    let test = DeskFixture()
    let outcome = test.ask("c")
    let helper = await test.helper()
    helper.say("PAM_PROMPT_ECHO_OFF Password: ")
    await until { test.presenter.isThinking }
    #expect(test.desk.withdraw("c"))
    #expect(await outcome.value == .withdrawn)
    #expect(helper.heard() == nil)
    #expect(!test.desk.withdraw("c"))
  }

  @Test("withdrawn or left while the helper answers, it is that and no yes", arguments: [false, true])
  @BusActor
  func withdrawnWithVerdict(_ byPerson: Bool) async {
    let test = DeskFixture()
    test.presenter.answers = { _ in "secret" }
    let outcome = test.ask("c")
    let helper = await test.helper()
    helper.say("PAM_PROMPT_ECHO_OFF Password: ")
    await until { helper.heard() == "secret\n" }
    helper.say("SUCCESS")
    // No job of the bus actor runs in between.
    if byPerson { #expect(test.desk.dismiss()) } else { #expect(test.desk.withdraw("c")) }
    #expect(await outcome.value == (byPerson ? .dismissed : .withdrawn))
    #expect(test.shown.last == "end \(byPerson ? "dismissed" : "withdrawn")")
  }

  @Test("withdrawn while it is looked up who may answer, it is never shown")
  @BusActor
  func withdrawnBeforeRead() async {
    let test = DeskFixture()
    let isRead = Flag()
    let outcome = test.ask("c", read: { isRead.isSet })
    let other = test.ask("d")
    await until { test.desk.withdraw("c") }
    isRead.isSet = true
    #expect(await outcome.value == .withdrawn)
    await test.helper().say("SUCCESS")
    #expect(await other.value == .granted)
    #expect(test.shown == ["begin d", "as alice", "end granted"])
  }

  @Test("questions are shown in the order in which they came, however long one takes to be looked up")
  @BusActor
  func order() async {
    let test = DeskFixture()
    let isRead = Flag()
    let first = test.ask("c", read: { isRead.isSet })
    let others = ["d", "e", "f"].map { test.ask($0) }
    await until { test.desk.withdraw("e") }
    isRead.isSet = true
    for number in 0..<3 { await test.helper(number).say("SUCCESS") }
    #expect(await first.value == .granted)
    for (task, outcome) in zip(others, [Talk.Outcome.granted, .withdrawn, .granted]) {
      #expect(await task.value == outcome)
    }
    #expect(test.shown.filter { $0.hasPrefix("begin") } == ["begin c", "begin d", "begin f"])
  }

  @Test("when polkit goes away all of its questions do, the shown and the waiting ones")
  @BusActor
  func withdrawnAll() async {
    let test = DeskFixture()
    let tasks = ["c", "d", "e"].map { test.ask($0) }
    await test.helper().say("PAM_PROMPT_ECHO_OFF Password: ")
    await until { test.presenter.isThinking }
    test.desk.withdrawAll()
    for task in tasks { #expect(await task.value == .withdrawn) }
    #expect(test.shown.filter { $0.hasPrefix("begin") } == ["begin c"])
    #expect(test.helpers.count == 1 && test.helpers[0].helper.heard() == nil)
  }

  @Test("a cookie that is unknown, or the beginning of one, withdraws nothing; one that came twice is withdrawn twice")
  @BusActor
  func cookies() async {
    let test = DeskFixture()
    let tasks = [test.ask("c-12"), test.ask("c-12")]
    await test.helper().say("PAM_PROMPT_ECHO_OFF Password: ")
    await until { test.presenter.isThinking }
    for cookie in ["", "c", "c-1", "c-123", "C-12"] { #expect(!test.desk.withdraw(cookie)) }
    #expect(test.desk.withdraw("c-12"))
    for task in tasks { #expect(await task.value == .withdrawn) }
  }

  @Test("after a third refusal nobody is asked again, and each try has a helper of its own")
  @BusActor
  func tries() async {
    let test = DeskFixture()
    test.presenter.answers = { _ in "wrong" }
    test.presenter.goesOn = true
    let outcome = test.ask("c")
    for number in 0..<3 {
      let helper = await test.helper(number)
      helper.say("PAM_PROMPT_ECHO_OFF Password: ")
      await until { helper.heard() == "wrong\n" }
      helper.say("FAILURE")
    }
    #expect(await outcome.value == .denied)
    #expect(test.helpers.count == 3)
    #expect(test.shown.filter { $0.hasPrefix("refused") } == ["refused", "refused", "refused at last"])
  }

  @Test(
    "somebody else of those who may answer can be chosen at a prompt and at a refusal, and nobody but them",
    arguments: [false, true])
  @BusActor
  func another(_ isRefused: Bool) async {
    let test = DeskFixture()
    let outcome = test.ask("c", of: [test.alice, test.bob])
    let helper = await test.helper()
    helper.say(isRefused ? "FAILURE" : "PAM_PROMPT_ECHO_OFF Password: ")
    await until { test.presenter.isThinking }
    test.presenter.talk?.start(over: Identity(uid: 0, name: "root"))
    #expect(test.presenter.isThinking)
    test.presenter.talk?.start(over: test.bob)
    await test.helper(1).say("SUCCESS")
    #expect(await outcome.value == .granted)
    #expect(test.helpers.map(\.user) == ["alice", "bob"])
    #expect(helper.heard() == nil)
  }

  @Test("without a helper, or without anybody who may answer, there is no question")
  @BusActor
  func nothing() async {
    let test = DeskFixture()
    test.hasHelper = false
    #expect(await test.ask("c").value == .noHelper)
    let none = await onBus { await test.desk.answer("d") { nil } }.value
    #expect(none == nil)
    #expect(test.shown == ["begin c", "as alice", "end noHelper"])
  }
}
