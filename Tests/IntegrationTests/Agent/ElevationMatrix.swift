import Foundation
import Glibc
import Testing

/// One way to be elevated: who asks polkit, what polkit answers without a person, and where the person is asked.
struct ElevationWay: CustomTestStringConvertible, Sendable {
  enum Asker: String, CaseIterable { case pkcheck, pkexec }
  enum Place: String, CaseIterable { case window, terminal }

  let asker: Asker
  let implicit: String
  let place: Place

  static let all = Asker.allCases.flatMap { asker in
    ["auth_self", "auth_self_keep", "auth_admin", "auth_admin_keep"].flatMap { implicit in
      Place.allCases.map { ElevationWay(asker: asker, implicit: implicit, place: $0) }
    }
  }

  var testDescription: String { "\(asker.rawValue), \(implicit), \(place.rawValue)" }
  var isKept: Bool { implicit.hasSuffix("_keep") }
  var isForAdministrators: Bool { implicit.hasPrefix("auth_admin") }

  func ask(in shell: AskingShell) {
    switch asker {
    case .pkcheck: shell.ask(implicit)
    case .pkexec: shell.run("pkexec \(Elevation.program(implicit))")
    }
  }
}

/// A person at a window or a terminal whose shell asks.
private final class Person {
  private static let title = "Authentication is required"
  let shell: AskingShell
  private let terminal: TerminalAgent?
  private let window: (desktop: Desktop, session: FakeSession, agent: PromptDialogue)?

  init(_ user: String, at place: ElevationWay.Place) throws {
    switch place {
    case .terminal:
      shell = try AskingShell(user)
      terminal = try TerminalAgent(shell)
      window = nil
    case .window:
      let desktop = try Desktop.shared.get()
      let session = try FakeSession(user)
      window = (desktop, session, try desktop.start([IntegrationTests.Agent.program], in: session))
      shell = try AskingShell(user, session: session)
      terminal = nil
    }
  }

  /// Answers a question about `way`, once it is asked, until it is gone.
  func answer(_ way: ElevationWay, password: String, code: () throws -> String) throws {
    if let terminal {
      let words = try terminal.wait(for: "Password: ")
      #expect(words.contains("Authentication is needed to try \(way.implicit)\r\n"), "\(words)")
      terminal.dialogue.answer(password)
      try terminal.answer("Offline passcode (", code())
      try terminal.wait(for: "Authentication complete.")
    } else if let window {
      try window.desktop.wait(for: "\(Self.title): Password")
      try window.desktop.picture(way.testDescription.replacing(", ", with: "-"))
      try window.desktop.answer(password)
      try window.desktop.wait(for: "\(Self.title): Offline passcode")
      try window.desktop.answer(code())
      try window.desktop.waitForNone(Self.title)
    }
  }

  /// Ends the agent, which has nothing to ask.
  func leave() throws {
    if let terminal {
      #expect(try !terminal.end().contains("Authentication cancelled."))
    } else if let window {
      kill(window.agent.pid, SIGTERM)
      #expect(try window.agent.finish().status == 0)
    }
  }
}

extension IntegrationTests.Agent {
  @Suite("Each kind of elevation, by pkcheck and by pkexec, in the window and on a terminal")
  final class Matrix {
    private let user: String
    private let phone: Phone
    private let adminsPhone: Phone

    init() throws {
      try Machine.reset("[Service]\nidle-exit=0\n")
      user = try Machine.newUser()
      try Elevation.install()
      phone = try Phone.activated(user)
      adminsPhone = try Phone.activated("admin")
    }

    deinit {
      _ = try? Factor.root.deactivate("admin")
      Elevation.remove()
    }

    private func remaining(_ user: String) throws -> String? { try Factor.root.allowance(user)["remaining"] }

    @Test(
      "what is kept is not asked for again and draws nothing; what is not, is asked for each time and draws each time",
      arguments: ElevationWay.all)
    func each(_ way: ElevationWay) throws {
      let (who, password, device) =
        way.isForAdministrators ? ("admin", "password-admin", adminsPhone) : (user, Machine.password, phone)
      let person = try Person(user, at: way.place)
      way.ask(in: person.shell)
      try person.answer(way, password: password, code: device.nextCode)
      #expect(try person.shell.status() == 0)
      #expect(try remaining(who) == "9")
      // Nobody answers this one if it is kept: it would wait for ever if it asked.
      way.ask(in: person.shell)
      if !way.isKept { try person.answer(way, password: password, code: device.nextCode) }
      #expect(try person.shell.status() == 0)
      #expect(try remaining(who) == (way.isKept ? "9" : "8"))
      // Whoever did not answer has paid nothing.
      #expect(try remaining(way.isForAdministrators ? user : "admin") == "10")
      try person.leave()
    }
  }
}
