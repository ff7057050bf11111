import BusInterface
import OfflineAccess
import Testing

@testable import GLibBus
@testable import OfflineAccessService

@Suite("Values of the bus")
struct BusValueTests {
  static let values: [Value] = [
    .boolean(true), .boolean(false), .uint32(0), .uint32(.max), .uint64(.max), .string(""), .string("Müller 🔑"),
    .objectPath("/org/offlineaccess/Factor1/activation/1"), .strings([]), .strings(["passcode", "security-key"]),
    .stringMap([]), .stringMap([("user", "alice"), ("", "")]), .dictionary([]),
    .dictionary([("remaining", .uint32(7)), ("nested", .dictionary([("x", .boolean(true))])), ("a", .strings(["b"]))]),
    .structure([.string("unix-session"), .dictionary([("uid", .uint32(0))])]), .structures([], of: "(sa{sv})"),
    .structures([.structure([.string("unix-user"), .dictionary([("uid", .uint32(0))])])], of: "(sa{sv})"),
  ]

  @Test("A value is read as it was written", arguments: values)
  func roundTrip(_ value: Value) throws {
    let variant = try #require(value.variant())
    #expect(String(describing: Value(variant)) == String(describing: value))
  }

  @Test("Only strings and paths have a text")
  func text() {
    #expect(Value.string("a").text == "a")
    #expect(Value.objectPath("/a").text == "/a")
    #expect(Value.strings(["a"]).text == nil)
    #expect(Value.uint32(1).text == nil)
  }
}

@Suite("Options of a call")
struct OptionTests {
  @Test("Without a purpose a call is for a login")
  func absent() throws {
    #expect(try [OptionKey: String]().purpose() == .login)
    #expect(try [OptionKey.service: "sudo"].purpose() == .login)
  }

  @Test("Each purpose is taken by its word", arguments: Purpose.allCases)
  func word(_ purpose: Purpose) throws {
    #expect(try [OptionKey.purpose: purpose.rawValue].purpose() == purpose)
  }

  @Test(
    "Any other word is an invalid argument, never a free purpose",
    arguments: ["", "Login", "unlock ", "free", "login;unlock"])
  func other(_ word: String) {
    do throws(Refusal) {
      let purpose = try [OptionKey.purpose: word].purpose()
      Issue.record("taken as \(purpose)")
    } catch {
      #expect(error.reason == .invalidArguments)
    }
  }
}
