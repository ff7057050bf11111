// Saying and hearing, with one kind of error. This file also compiles as Embedded Swift.
#if canImport(OfflineAccess)
  import BusClient
  import OfflineAccess
#endif

/// What ends a conversation without a yes.
enum Ending: Error {
  case service(BusFailure)
  case person(PersonFailure)
}

extension Conversation {
  /// Shows a text, in as many messages as it needs.
  mutating func tell(_ text: String, isError: Bool = false) throws(Ending) {
    for piece in limit.pieces(of: text) {
      do throws(PersonFailure) {
        try person.tell(piece, isError: isError)
      } catch {
        throw .person(error)
      }
    }
  }

  /// Asks; of a text too long for one message, all but the end is shown before.
  mutating func ask(_ prompt: String, echo: Bool) throws(Ending) -> String {
    let pieces = limit.pieces(of: prompt)
    for piece in pieces.dropLast() { try tell(piece) }
    do throws(PersonFailure) {
      return try person.ask(pieces.last ?? "", echo: echo)
    } catch {
      throw .person(error)
    }
  }

  /// What the service answers.
  func heard<Answer>(_ call: () throws(BusFailure) -> Answer) throws(Ending) -> Answer {
    do throws(BusFailure) {
      return try call()
    } catch {
      throw .service(error)
    }
  }
}
