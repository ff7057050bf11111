import BusClient
import Conversation
import OfflineAccess

/// Touches of a security key, as this program asks for them and tells of them.
struct Touches {
  let service: Service
  let asJSON: Bool

  /// Carries the touches of a set-up through.
  ///
  /// - Returns: the details of the last one.
  func confirm(_ challenge: Challenge, answers: borrowing LineSource) throws(Failure) -> BusDictionary {
    let steps = challenge.touches
    // A PIN that the key took for one touch is good for the next.
    var pin = ""
    for step in 1...steps {
      let answer = try confirm(challenge, step, of: steps, answers, &pin)
      if answer.complete { return answer.details }
      if asJSON {
        Output.json(["complete": false, "step": .unsigned(UInt64(step)), "steps": .unsigned(UInt64(steps))])
      }
    }
    throw Failure(.failed, Texts.incomplete)
  }

  private func confirm(
    _ challenge: Challenge, _ step: UInt32, of steps: UInt32, _ answers: borrowing LineSource, _ pin: inout String
  ) throws(Failure) -> (complete: Bool, details: BusDictionary) {
    var left = SetUp.tries
    while true {
      let failure: Failure
      do throws(Failure) {
        return try withPIN(&pin, answers) { (pin) throws(Failure) in
          try wait(TouchTelling(step, of: steps)) { (client, progress) throws(BusFailure) in
            try client.confirm(
              challenge.activation, response: "", options: ConfirmOptions(pin: pin), progress: progress)
          }
        }
      } catch {
        failure = error
      }
      left -= 1
      guard Refusal.Reason(rawValue: failure.name)?.isWorthAnotherTouch == true, left > 0 else { throw failure }
      tell(failure, [.init(key: "tries-left", value: .integer(Int64(left)))])
    }
  }

  /// Runs `body`, and once more with the key's PIN where that is needed.
  func withPIN<Answer>(
    _ pin: inout String, _ answers: borrowing LineSource, _ body: (String) throws(Failure) -> Answer
  ) throws(Failure) -> Answer {
    do throws(Failure) { return try body(pin) } catch {
      guard error.name == Refusal.Reason.pinRequired.rawValue else { throw error }
      if asJSON { tell(error) }
    }
    do throws(LineFailure) { pin = try answers.ask(Texts.askForPIN, echo: false).text } catch { throw Failure(error) }
    return try body(pin)
  }

  /// Asks for a touch and waits for it; a held stop signal ends the wait at once.
  func wait<Answer>(
    _ telling: TouchTelling, _ call: (FactorClient, (ProgressReport) -> Void) throws(BusFailure) -> Answer
  ) throws(Failure) -> Answer {
    var telling = telling
    let invitation = telling.invite()
    if !asJSON { Output.line(invitation) }
    do throws(Failure) {
      return try service.call { client throws(BusFailure) in
        var client = client
        client.isGivenUp = HeldSignals.stopWaits
        return try call(client) { report in
          if asJSON {
            Output.json(Self.json(report))
          } else if let text = telling.text(for: report) {
            Output.line(text)
          }
        }
      }
    } catch {
      throw HeldSignals.stopWaits() ? Failure(.canceled, Texts.cancelled) : error
    }
  }

  static func json(_ report: ProgressReport) -> JSON {
    [
      "state": .string(report.state), "step": .unsigned(UInt64(report.step)), "steps": .unsigned(UInt64(report.steps)),
    ]
  }

  /// A refusal after which it goes on.
  private func tell(_ failure: Failure, _ more: [JSON.Member] = []) {
    if asJSON {
      Output.json(
        .object(
          [
            .init(key: "complete", value: false), .init(key: "error", value: .string(failure.name)),
            .init(key: "message", value: .string(failure.sentence)),
          ] + more))
    } else {
      Output.note(failure.sentence)
    }
  }
}
