import BusClient
import BusInterface
import OfflineAccess
import Testing

@testable import BusClient

@Suite("Reading the contract")
struct ContractTests {
  @Test("an allowance is read key by key, and what is not known is kept")
  func allowance() throws {
    let dictionary: BusDictionary = [
      "activated": .boolean(true), "offer": .string(""), "method": .string("passcode"),
      "state": .string("ready"), "limit": .string("both"), "remaining": .uint32(7), "counts": .strings(["login"]),
      "last-day": .string("2026-12-01"), "expires": .uint64(1), "locked-until": .uint64(2),
      "message": .string("Fine."), "via": .string("offline"), "mood": .string("sunny"),
    ]
    let allowance = try Allowance(dictionary)
    #expect(allowance.activated && !allowance.offersActivation)
    #expect(allowance.method == "passcode" && allowance.state == "ready" && allowance.limit == "both")
    #expect(allowance.remaining == 7 && allowance.counts == ["login"] && allowance.lastDay == "2026-12-01")
    #expect(allowance.expires == 1 && allowance.lockedUntil == 2)
    #expect(allowance.message == "Fine." && allowance.via == "offline")
    #expect(allowance.dictionary.string("mood") == "sunny")
  }

  @Test("a known key of another type makes the answer malformed", arguments: AllowanceKey.allCases)
  func wrongType(key: AllowanceKey) {
    #expect(throws: BusFailure.self) { try Allowance([key.rawValue: key == .counts ? .string("x") : .strings(["x"])]) }
    var unreadable = BusDictionary()
    unreadable.unreadableKeys = [key.rawValue]
    #expect(throws: BusFailure.self) { try Allowance(unreadable) }
  }

  @Test("every reason of the contract comes back from its error name", arguments: Refusal.Reason.allCases)
  func reasons(reason: Refusal.Reason) {
    let failure = BusFailure(errorName: reason.busName, sentence: "Because.", fromBus: false)
    guard case .refused(let refusal) = failure else {
      Issue.record("\(reason) is not a refusal")
      return
    }
    #expect(refusal.reason == reason && refusal.sentence == "Because.")
  }

  @Test("an error name of nobody's contract is no refusal")
  func foreignError() {
    for name in ["org.offlineaccess.Factor1.Error.Nice", "org.freedesktop.DBus.Error.NoReply", "x.y"] {
      guard case .unavailable = BusFailure(errorName: name, sentence: "", fromBus: false) else {
        Issue.record("\(name) is a refusal")
        return
      }
    }
  }

  @Test("a denial of the bus itself does not show the bus's rules")
  func busDenial() {
    let failure = BusFailure(
      errorName: "org.freedesktop.DBus.Error.AccessDenied", sentence: "Rejected send message, 2 matched rules",
      fromBus: true)
    guard case .refused(let refusal) = failure else {
      Issue.record("no refusal")
      return
    }
    #expect(refusal.reason == .accessDenied && !refusal.sentence.contains("rules"))
  }

  @Test("only options that say something are sent")
  func options() {
    #expect(AuthenticateOptions().dictionary.isEmpty)
    let options = AuthenticateOptions(service: "sudo", purpose: .elevation, remote: "far", pin: "1")
    #expect(
      options.dictionary == [
        "service": .string("sudo"), "purpose": .string("elevation"), "remote": .string("far"),
        "pin": .string("1"),
      ])
  }
}
