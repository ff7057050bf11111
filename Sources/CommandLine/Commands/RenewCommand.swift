import ArgumentParser
import BusClient

struct RenewCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "renew", abstract: Texts.Help.renew)

  @OptionGroup var subject: UserOption
  @OptionGroup var output: JSONFlag

  func run() throws {
    try conclude(asJSON: output.json) { () throws(Failure) in
      let allowance = try Service(interactive: true).callWithAgent { client throws(BusFailure) in
        try client.renew(subject.user)
      }
      output.json ? Output.json(JSON(allowance.dictionary)) : Output.line(allowance.message.printable)
      return .success
    }
  }
}
