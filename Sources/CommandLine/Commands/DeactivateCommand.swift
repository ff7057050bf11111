import ArgumentParser
import BusClient

struct DeactivateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "deactivate", abstract: Texts.Help.deactivate)

  @OptionGroup var subject: UserOption

  @Flag(name: .long, help: ArgumentHelp(Texts.Help.yes))
  var yes = false

  func run() throws {
    try conclude { () throws(Failure) in
      let user = displayName(subject.user)
      if !yes { try askWhetherMeant(user) }
      try Service(interactive: true).callWithAgent { client throws(BusFailure) in
        try client.deactivate(subject.user)
      }
      Output.line(Texts.removed(user))
      return .success
    }
  }

  private func askWhetherMeant(_ user: String) throws(Failure) {
    let answers = LineSource()
    guard answers.isTerminal else { throw Failure(.invalidArguments, Texts.Help.yesNeeded) }
    let answer: String
    do throws(LineFailure) { answer = try answers.ask(Texts.askForRemoval(user), echo: true).text } catch {
      throw Failure(error)
    }
    guard answer.lowercased() == Texts.yes else { throw Failure(LineFailure.stopped) }
  }
}
