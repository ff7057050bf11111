import ArgumentParser
import BusClient
import BusInterface
import Conversation
import OfflineAccess
import Testing

@testable import offline_access

@Suite("Commands")
struct CommandTests {
  @Test(
    "A code is never taken from the arguments",
    arguments: [
      ["authenticate", "123456"], ["authenticate", "--response", "123456"], ["activate", "123456"],
      ["reactivate", "--response", "123456"], ["authenticate", "--pin", "1234"],
      ["activate", "--method", "security-key", "--pin", "1234"],
    ])
  func noCodeInArguments(_ arguments: [String]) {
    #expect(throws: (any Error).self) { try OfflineAccessCommand.parseAsRoot(arguments) }
  }

  @Test(
    "Wrong use ends with 64",
    arguments: [
      ["activate", "--keep-png"], ["nonsense"], ["activate", "--method", "carrier-pigeon"],
      ["activate", "--method", "security-key", "--png", "x.png"], ["authenticate", "--purpose", "fun"],
    ])
  func usage(_ arguments: [String]) {
    do {
      _ = try OfflineAccessCommand.parseAsRoot(arguments)
      Issue.record("accepted")
    } catch {
      #expect(OfflineAccessCommand.exitCode(for: error).rawValue == ExitStatus.usage.rawValue)
    }
  }

  @Test(
    "Every command explains itself", arguments: OfflineAccessCommand.configuration.subcommands.map { $0._commandName })
  func help(_ name: String) {
    let command = OfflineAccessCommand.configuration.subcommands.first { $0._commandName == name }
    #expect(command.map { $0.configuration.abstract.isEmpty } == false)
  }

  @Test("A set-up is that of a passcode unless a security key is asked for", arguments: ["activate", "reactivate"])
  func method(_ command: String) throws {
    func options(_ arguments: String...) throws -> SetUpOptions? {
      let parsed = try OfflineAccessCommand.parseAsRoot([command] + arguments)
      return (parsed as? ActivateCommand)?.setUp ?? (parsed as? ReactivateCommand)?.setUp
    }
    #expect(try options()?.method == .passcode)
    #expect(try options("--method", "security-key")?.method == .securityKey)
    #expect(try options("--method", "passcode", "--png", "x.png")?.method == .passcode)
  }

  @Test("What the service reports while it waits for a touch is one line of JSON")
  func progress() {
    #expect(
      Touches.json(ProgressReport(state: "touch-needed", step: 1, steps: 2)).line
        == #"{"state":"touch-needed","step":1,"steps":2}"#)
  }

  @Test("The help lists every exit status, in lines that fit")
  func exitStatuses() {
    let lines = ExitStatus.table.split(separator: "\n")
    #expect(lines.count == ExitStatus.allCases.count + 1)
    #expect(lines.allSatisfy { $0.count <= 80 })
    #expect(Set(ExitStatus.allCases.map(\.meaning)).count == ExitStatus.allCases.count)
  }

  @Test("No refusal and no state but `ready` ends with 0")
  func onlyAYesIsZero() {
    #expect(Refusal.Reason.allCases.allSatisfy { ExitStatus($0) != .success })
    #expect(AllowanceState.allCases.filter { ExitStatus($0) == .success } == [.ready])
    for verdict in [Verdict.refused(.badResponse), .unavailable, .conversationFailed] {
      #expect(ExitStatus(verdict) != .success)
    }
    var unheardOf = Allowance()
    unheardOf.state = "splendid"
    #expect(ExitStatus(unheardOf) == .refused)
  }

  @Test("A refusal keeps its name and sentence for scripts")
  func failure() {
    let failure = Failure(.refused(Refusal(.locked, "Too many failed attempts.")))
    #expect(failure.status == .locked)
    #expect(failure.name == "Locked")
    #expect(failure.sentence == "Too many failed attempts.")
    #expect(Failure(.unavailable("the service is not there")).status == .unavailable)
  }
}

@Suite("Status")
struct StatusTests {
  private static let properties: [FactorProperty: BusValue] = [
    .version: .string("1.2.3"), .authority: .string("none"), .methods: .strings(["passcode"]),
  ]

  private static func allowance(_ dictionary: BusDictionary) throws -> Allowance { try Allowance(dictionary) }

  @Test("The table holds what has a meaning for this user")
  func table() throws {
    let allowance = try Self.allowance([
      "activated": .boolean(true), "offer": .string(""), "method": .string("passcode"), "state": .string("ready"),
      "limit": .string("both"), "remaining": .uint32(7), "last-day": .string("2026-12-01"),
      "message": .string("7 offline logins remaining."),
    ])
    #expect(
      StatusCommand.table(user: "alice", allowance, Self.properties) == [
        "User         alice", "Factor       passcode of an authenticator app", "State        ready",
        "Logins left  7", "Last day     1 December 2026", "Authority    this computer's administrator",
        "Service      version 1.2.3", "", "7 offline logins remaining.",
      ])
  }

  @Test("A user without a factor has nothing to count")
  func notActivated() throws {
    let allowance = try Self.allowance([
      "activated": .boolean(false), "offer": .string("activate"), "method": .string(""),
      "state": .string("not-activated"), "limit": .string("unlimited"),
    ])
    let lines = StatusCommand.table(user: "bob", allowance, Self.properties)
    #expect(lines.contains("State      not set up"))
    #expect(lines.contains("Set-up     offered now"))
    #expect(!lines.contains { $0.contains("left") })
  }

  @Test("JSON has the contract's keys, those of a newer service too")
  func json() throws {
    let allowance = try Self.allowance(["state": .string("ready"), "colour": .strings(["blue"])])
    #expect(
      StatusCommand.json(user: "alice", allowance, Self.properties).line
        == #"{"user":"alice","allowance":{"state":"ready","colour":["blue"]},"version":"1.2.3","methods":["passcode"],"authority":"none"}"#
    )
  }
}
