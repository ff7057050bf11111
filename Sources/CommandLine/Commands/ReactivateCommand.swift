import ArgumentParser
import BusClient
import Glibc
import OfflineAccess

struct ReactivateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reactivate", abstract: Texts.Help.reactivate,
    discussion: Texts.Help.reactivateDiscussion + "\n\n" + Texts.Help.setUpDiscussion)

  @OptionGroup var subject: UserOption
  @OptionGroup var setUp: SetUpOptions
  @OptionGroup var output: JSONFlag

  func run() throws {
    try conclude(asJSON: output.json) { () throws(Failure) in
      warnAboutSudo(subject.user)
      let answers = LineSource()
      let service = try Service(interactive: true)
      let challenge = try start(service, answers)
      return try SetUp(service: service, options: setUp, asJSON: output.json).run(challenge, answers: answers)
    }
  }

  /// Starts the replacement with a proof of the present factor, or on an administrator's word.
  private func start(_ service: Service, _ answers: borrowing LineSource) throws(Failure) -> Challenge {
    let present = try presentFactor(service)
    if let present, !present.authority.isEmpty {
      // An approval of the online service is what counts.
      return try service.call { client throws(BusFailure) in
        try client.reactivate(subject.user, method: setUp.method, name: setUp.name)
      }
    }
    if present?.method == FactorMethod.securityKey.rawValue, present?.state == AllowanceState.ready.rawValue,
      let challenge = try startByTouch(service, answers)
    {
      return challenge
    }
    let proof = present?.method == FactorMethod.securityKey.rawValue ? nil : try presentPasscode(answers)
    func start(_ client: FactorClient) throws(BusFailure) -> Challenge {
      try client.reactivate(subject.user, method: setUp.method, name: setUp.name, response: proof?.text ?? "")
    }
    return proof == nil ? try service.callWithAgent(start) : try service.call(start)
  }

  /// A passcode of the present factor, or nil where an administrator shall answer for it.
  private func presentPasscode(_ answers: borrowing LineSource) throws(Failure) -> Secret? {
    guard geteuid() != 0 else { return nil }
    do throws(LineFailure) {
      let answer = try answers.ask(Texts.askForPresentPasscode, echo: false)
      return answer.count > 0 ? answer : nil
    } catch {
      throw Failure(error)
    }
  }

  /// How the caller's own factor stands; nil where another user's is replaced, which no proof of the caller's does.
  private func presentFactor(_ service: Service) throws(Failure) -> Allowance? {
    guard geteuid() != 0, subject.user.isEmpty || subject.user == callerName() else { return nil }
    return try service.call { client throws(BusFailure) in try client.remainingAllowance(subject.user) }
  }

  /// Starts it with a touch of the present key; nil where the key is not at hand and an administrator can be asked.
  private func startByTouch(
    _ service: Service, _ answers: borrowing LineSource
  ) throws(Failure) -> Challenge? {
    let touches = Touches(service: service, asJSON: output.json)
    var pin = ""
    do throws(Failure) {
      return try touches.withPIN(&pin, answers) { (pin) throws(Failure) in
        try touches.wait(.present()) { (client, progress) throws(BusFailure) in
          try client.reactivateByTouch(
            subject.user, method: setUp.method, name: setUp.name, pin: pin, progress: progress)
        }
      }
    } catch {
      guard answers.isTerminal, Refusal.Reason(rawValue: error.name)?.isWorthAnotherTouch == true else { throw error }
      Output.note(error.sentence)
      Output.note(Texts.askingAdministrator)
      return nil
    }
  }
}
