import BusClient
import BusInterface
import Glibc
import OfflineAccess
import QRCodes

/// The part that first set-up and replacement share: show the secret, take a code, confirm.
struct SetUp {
  let service: Service
  let options: SetUpOptions
  let asJSON: Bool

  /// Codes that may be wrong before the set-up is given up.
  static let tries = 3

  /// Carries a set-up through. Whatever ends it without success cancels it on the service.
  func run(_ challenge: Challenge, answers: borrowing LineSource) throws(Failure) -> ExitStatus {
    // A stop cancels the set-up first, and then ends the program as it would have done.
    let signals = HeldSignals()
    let failure: Failure
    do throws(Failure) {
      let image = try show(challenge)
      let confirmed = Result { () throws(Failure) in
        challenge.method == FactorMethod.securityKey.rawValue
          ? try Touches(service: service, asJSON: asJSON).confirm(challenge, answers: answers)
          : try confirm(challenge, answers: answers)
      }
      remove(image)
      let details = try confirmed.get()
      tellSuccess(details, showedSecret: !challenge.secret.isEmpty)
      return .success
    } catch {
      failure = error
    }
    _ = try? service.call { client throws(BusFailure) in try client.cancel(challenge.activation) }
    if signals.stopCame {
      // Told now, because the program may not live to tell it later.
      failure.report(asJSON: asJSON)
      return failure.status
    }
    throw failure
  }

  // MARK: Showing

  private func show(_ challenge: Challenge) throws(Failure) -> SecretFile? {
    let code = QRCode(challenge.uri)
    let image = try makeImage(code)
    if asJSON {
      Output.json(
        JSON(challenge.dictionary).adding(first: [.init(key: "activation", value: .string(challenge.activation))]))
      return image
    }
    // A security key's set-up has nothing to show.
    if challenge.uri.isEmpty { return image }
    let screen = Screen.current()
    for line in Texts.setUp(challenge) { Output.line(line.printable) }
    if let path = options.png { Output.line(Texts.imageWritten(path.printable, isKept: options.keepPng)) }
    guard !options.noQR else { return image }
    guard let code else {
      Output.line(Texts.noQRPossible)
      return image
    }
    switch QRPlacement.find(size: code.size, on: screen) {
    case .drawn(let style, let quietZone):
      for line in QRDrawing.lines(of: code, style: style, quietZone: quietZone) { Output.line(line) }
    case .textOnly:
      Output.line(Texts.terminalIsTextOnly)
    case .tooSmall(let columns, let rows):
      Output.line(Texts.terminalTooSmall(columns: columns, rows: rows, has: screen))
    }
    return image
  }

  private func makeImage(_ code: borrowing QRCode?) throws(Failure) -> SecretFile? {
    guard let path = options.png else { return nil }
    var bytes: Secret?
    switch code {
    case .some(let code): bytes = QRImage.png(of: code)
    case .none: break
    }
    guard let bytes else { throw Failure(.failed, Texts.noQRPossible) }
    do throws(SecretFile.Failure) { return try SecretFile(path: path, contents: bytes) } catch {
      throw Failure(error, path: path.printable)
    }
  }

  private func remove(_ image: borrowing SecretFile?) {
    guard !options.keepPng, let path = options.png else { return }
    switch image {
    case .some(let image): if !image.remove() { Output.note(Texts.imageNotRemoved(path.printable)) }
    case .none: break
    }
  }

  // MARK: Confirming

  private func confirm(_ challenge: Challenge, answers: borrowing LineSource) throws(Failure) -> BusDictionary {
    var left = Self.tries
    while true {
      let code: Secret
      do throws(LineFailure) {
        code = try answers.ask(Texts.askForCode, echo: true, timeout: Self.lifeLeft(challenge))
      } catch {
        throw Failure(error)
      }
      do throws(Failure) {
        let answer = try service.call { client throws(BusFailure) in
          try client.confirm(challenge.activation, response: code.text)
        }
        guard answer.complete else { throw Failure(.failed, Texts.incomplete) }
        return answer.details
      } catch {
        guard Self.mayTryAgain.contains(error.name) else { throw error }
        left -= 1
        guard left > 0 else {
          var failure = error
          failure.advice = Texts.cancelled
          throw failure
        }
        tellWrongCode(error, left: left)
      }
    }
  }

  private static let mayTryAgain: Set<String> = Set(
    [Refusal.Reason.badResponse, .responseReplayed, .responseRequired].map(\.rawValue))

  /// Seconds after which the service has forgotten the set-up.
  private static func lifeLeft(_ challenge: Challenge) -> Int64? {
    challenge.expires.map { max(0, Int64(clamping: $0) - Int64(time(nil))) }
  }

  private func tellWrongCode(_ failure: Failure, left: Int) {
    if asJSON {
      Output.json([
        "complete": false, "error": .string(failure.name), "message": .string(failure.sentence),
        "tries-left": .integer(Int64(left)),
      ])
    } else {
      Output.note(failure.sentence)
    }
  }

  private func tellSuccess(_ details: BusDictionary, showedSecret: Bool) {
    if asJSON {
      Output.json(JSON(details).adding(first: [.init(key: "complete", value: true)]))
      return
    }
    Output.line(Texts.setUpDone(details.string(ChallengeKey.message.rawValue)?.printable ?? ""))
    if showedSecret, isatty(STDOUT_FILENO) == 1 { Output.line(Texts.clearTheScreen) }
  }
}
