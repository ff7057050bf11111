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
      let proof = try presentPasscode(answers)
      func start(_ client: FactorClient) throws(BusFailure) -> Challenge {
        try client.reactivate(subject.user, method: .passcode, name: setUp.name, response: proof?.text ?? "")
      }
      let challenge = proof == nil ? try service.callWithAgent(start) : try service.call(start)
      return try SetUp(service: service, options: setUp, asJSON: output.json).run(challenge, answers: answers)
    }
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
}
