import BusClient
import Conversation
import OfflineAccess
import Testing

@Suite("Asking for a touch")
struct SecurityKeyConversationTests {
  @Test("the person is told to touch before the service waits")
  func touch() {
    let service = ScriptedService(.securityKey(remaining: 7), .yes(""))
    let talk = run(service, ScriptedPerson())
    #expect(talk.verdict == .granted)
    #expect(talk.lines == [.info("Touch your security key (7 logins left)")])
    #expect(service.calls.last == .touch("alice", AuthenticateOptions(purpose: .login)))
  }

  @Test("what goes wrong meanwhile is shown; what a newer service reports is not")
  func progress() {
    let service = ScriptedService(.securityKey(), .no(.touchTimeout, "Nobody touched it."))
    service.reports = ["key-needed", "touch-needed", "wrong-key", "something-new"].map {
      ProgressReport(state: $0, step: 1, steps: 1)
    }
    let talk = run(service, ScriptedPerson())
    #expect(talk.verdict == .refused(.touchTimeout))
    #expect(
      talk.lines == [
        .info("Touch your security key"), .info("Plug in your security key, then touch it"),
        .info("This is another security key. Touch the one that was set up for you"),
        .error("Nobody touched it."),
      ])
  }

  @Test("a PIN is asked for once where the service needs it")
  func pin() {
    let service = ScriptedService(.securityKey(), .no(.pinRequired), .no(.badPin, "Wrong PIN."))
    let talk = run(service, ScriptedPerson("1234", "5678"))
    #expect(talk.verdict == .refused(.badPin))
    #expect(talk.lines.dropFirst() == [.prompt("Security key PIN: "), .error("Wrong PIN.")])
    #expect(
      service.calls.last == .touch("alice", AuthenticateOptions(purpose: .login, pin: "1234")))
  }

  @Test("over a remote connection nobody waits for a touch that cannot come")
  func remote() {
    let service = ScriptedService(.securityKey(), .yes())
    let talk = run(service, ScriptedPerson(), Request(user: "alice", remote: "far.example"))
    #expect(talk.verdict == .refused(.noSecurityKey))
    #expect(talk.lines.count == 1)
    #expect(talk.lines.first?.text.contains("only be touched at the computer itself") == true)
    #expect(service.calls.count == 1)
  }

  @Test("a person who cannot be told to touch is gone")
  func gone() {
    let service = ScriptedService(.securityKey(), .yes())
    #expect(run(service, ScriptedPerson(patience: 0)).verdict == .conversationFailed)
    #expect(service.calls.count == 1)
  }
}
