import ArgumentParser
import BusClient
import Glibc
import OfflineAccess

/// Why a command ends without success: the status for a script, the sentences for a person.
struct Failure: Error, Equatable {
  let status: ExitStatus
  /// A word for scripts: the last part of the bus error's name where there is one.
  let name: String
  let sentence: String
  /// What it means or what to do about it, where the sentence does not say.
  var advice: String?

  /// The word for a service without an answer; D-Bus has many names for that.
  static let unavailableName = "Unavailable"

  init(_ status: ExitStatus, name: String, _ sentence: String, advice: String? = nil) {
    self.status = status
    self.name = name
    self.sentence = sentence
    self.advice = advice
  }

  /// A failure on this side of the bus, named as the service would name it.
  init(_ reason: Refusal.Reason, _ sentence: String) {
    self.init(ExitStatus(reason), name: reason.rawValue, sentence)
  }

  init(_ failure: BusFailure) {
    switch failure {
    case .unavailable(let cause):
      self.init(
        .unavailable, name: Self.unavailableName, Texts.unavailable(cause.printable), advice: Texts.unavailableAdvice)
    case .refused(let refusal):
      self.init(refusal.reason, refusal.sentence.printable)
    }
  }

  init(_ failure: LineFailure) {
    switch failure {
    case .endOfInput, .stopped: self.init(.canceled, Texts.cancelled)
    case .tooLong: self.init(.badResponse, Texts.tooLong)
    case .timedOut: self.init(.noSuchActivation, Texts.setUpTimedOut)
    case .system(let code): self.init(.failed, Texts.cannotRead(Self.words(code)))
    }
  }

  init(_ failure: SecretFile.Failure, path: String) {
    switch failure {
    case .exists: self.init(.failed, Texts.imageExists(path))
    case .notAFileName: self.init(.invalidArguments, Texts.imageNeedsName(path))
    case .system(let code): self.init(.failed, Texts.imageNotWritten(path, Self.words(code)))
    }
  }

  /// What the system says of an error number.
  static func words(_ code: Int32) -> String { String(cString: strerror(code)) }

  /// Tells it: to a script on standard output, to a person beside it.
  func report(asJSON: Bool) {
    if asJSON {
      Output.json(["error": .string(name), "message": .string(sentence)])
      return
    }
    Output.problem(sentence)
    if let advice { Output.note(advice) }
  }
}

/// Runs a command's body, tells of its failure and ends with the right status.
func conclude(asJSON: Bool = false, _ body: () throws(Failure) -> ExitStatus) throws {
  let status: ExitStatus
  do throws(Failure) {
    status = try body()
  } catch {
    error.report(asJSON: asJSON)
    throw ExitCode(error.status.rawValue)
  }
  if status != .success { throw ExitCode(status.rawValue) }
}
