import ArgumentParser
import BusClient
import Glibc

struct ActivateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "activate", abstract: Texts.Help.activate, discussion: Texts.Help.setUpDiscussion)

  @OptionGroup var subject: UserOption
  @OptionGroup var setUp: SetUpOptions
  @OptionGroup var output: JSONFlag

  func run() throws {
    try conclude(asJSON: output.json) { () throws(Failure) in
      warnAboutSudo(subject.user)
      let answers = LineSource()
      let service = try Service(interactive: true)
      let challenge = try service.callWithAgent { client throws(BusFailure) in
        try client.activate(subject.user, method: setUp.method, name: setUp.name)
      }
      return try SetUp(service: service, options: setUp, asJSON: output.json).run(challenge, answers: answers)
    }
  }
}

/// Under sudo the caller is root, which is seldom meant.
func warnAboutSudo(_ user: String) {
  guard user.isEmpty, geteuid() == 0, let caller = getenv("SUDO_USER").map({ String(cString: $0) }), caller != "root"
  else { return }
  Output.note(Texts.startedBySudo(for: caller.printable))
}
