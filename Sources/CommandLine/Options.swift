import ArgumentParser
import OfflineAccess

/// Whom a command is about.
struct UserOption: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(Texts.Help.user, valueName: "name"),
    completion: .shellCommand("getent passwd | cut -d: -f1"))
  var user = ""
}

/// Whether a script reads the answer.
struct JSONFlag: ParsableArguments {
  @Flag(name: .long, help: ArgumentHelp(Texts.Help.json))
  var json = false
}

/// Which factor is set up, and how it is shown.
struct SetUpOptions: ParsableArguments {
  @Option(name: .long, help: ArgumentHelp(Texts.Help.method, valueName: "method"))
  var method = FactorMethod.passcode

  @Option(name: .long, help: ArgumentHelp(Texts.Help.machineName, valueName: "machine"))
  var name = ""

  @Option(name: .long, help: ArgumentHelp(Texts.Help.png, valueName: "file"), completion: .file(extensions: ["png"]))
  var png: String?

  @Flag(name: .long, help: ArgumentHelp(Texts.Help.keepPNG))
  var keepPng = false

  @Flag(name: .customLong("no-qr"), help: ArgumentHelp(Texts.Help.noQR))
  var noQR = false

  func validate() throws {
    if png != nil, method != .passcode { throw ValidationError(Texts.Help.pngNeedsPasscode) }
    if keepPng, png == nil { throw ValidationError(Texts.Help.keepPNGNeedsPNG) }
  }
}

extension FactorMethod: ExpressibleByArgument {}
