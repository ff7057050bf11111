import BusClient
import Glibc
import OfflineAccess

/// The service as the commands use it: failures of the bus become failures of a command.
struct Service {
  let client: FactorClient

  /// - Parameter interactive: whether polkit may ask somebody.
  init(interactive: Bool = false) throws(Failure) {
    client = try Self.ask { () throws(BusFailure) in
      FactorClient(try BusConnection(), interactive: interactive)
    }
  }

  /// Runs one call. Pass a closure of one call of the client.
  func call<Answer>(_ body: (FactorClient) throws(BusFailure) -> Answer) throws(Failure) -> Answer {
    do throws(BusFailure) { return try body(client) } catch { throw Failure(error) }
  }

  /// Runs one call that polkit may have to allow, while its text agent stands by.
  func callWithAgent<Answer>(_ body: (FactorClient) throws(BusFailure) -> Answer) throws(Failure) -> Answer {
    let agent = AuthorizationAgent()
    let hasAgent = agent != nil
    let answer = Result { () throws(Failure) in try call(body) }
    // The agent ends here, and not before.
    _ = consume agent
    return try answer.mapError { failure in
      var failure = failure
      if failure.status == .notAuthorised, geteuid() != 0, !hasAgent { failure.advice = Texts.notAuthorisedAdvice }
      return failure
    }.get()
  }

  private static func ask<Answer>(_ body: () throws(BusFailure) -> Answer) throws(Failure) -> Answer {
    do throws(BusFailure) { return try body() } catch { throw Failure(error) }
  }
}

/// The name of the user that a call is about; the caller where `name` is empty.
func displayName(_ name: String) -> String { (name.isEmpty ? callerName() : name).printable }

/// The name of the user that the bus sees, or the number where it has no name.
func callerName() -> String {
  guard let entry = getpwuid(geteuid()) else { return String(geteuid()) }
  return String(cString: entry.pointee.pw_name)
}
