import ArgumentParser
import OfflineAccess

/// The command line as a whole.
struct OfflineAccessCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "offline-access", abstract: Texts.Help.abstract,
    discussion: Texts.Help.discussion + "\n\n" + ExitStatus.table, version: Product.version,
    subcommands: [
      StatusCommand.self, AllowanceCommand.self, ActivateCommand.self, AuthenticateCommand.self,
      ReactivateCommand.self, RenewCommand.self, DeactivateCommand.self, DoctorCommand.self,
    ])
}
