import ArgumentParser
import BusClient
import OfflineAccess

struct AllowanceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "allowance", abstract: Texts.Help.allowance, discussion: Texts.Help.allowanceDiscussion)

  @OptionGroup var subject: UserOption
  @OptionGroup var output: JSONFlag

  func run() throws {
    try conclude(asJSON: output.json) { () throws(Failure) in
      let allowance = try Service().call { client throws(BusFailure) in try client.remainingAllowance(subject.user) }
      output.json ? Output.json(JSON(allowance.dictionary)) : Output.line(allowance.message.printable)
      return ExitStatus(allowance)
    }
  }
}

extension ExitStatus {
  /// The status that tells of an allowance; a state that only a newer service knows is no yes.
  init(_ allowance: Allowance) { self = AllowanceState(rawValue: allowance.state).map(ExitStatus.init) ?? .refused }
}
