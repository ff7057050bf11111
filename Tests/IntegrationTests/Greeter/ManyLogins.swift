import Foundation
import Testing

extension IntegrationTests.LoginScreens {
  @Suite("One login after another")
  struct ManyLogins {
    private let user: String

    init() throws {
      try Machine.reset("[Service]\nidle-exit=0\n[Allowance]\nlimit=unlimited\n[Failure]\nattempts=100\n")
      user = try IntegrationTests.LoginScreens.newUser()
    }

    /// What could pile up outside the greeter, which is a new one each time.
    private struct Load: Equatable {
      var filesOfLightDM: Int
      var filesOfService: Int
      var greeters: Int
      var servers: Int

      init(_ screen: LoginScreen) throws {
        let service = try #require(try Machine.servicePID())
        filesOfLightDM = try LoginScreen.openFiles(screen.pid)
        filesOfService = try LoginScreen.openFiles(service)
        greeters = try Self.count("^/usr/sbin/offline-access-greeter$")
        servers = try Self.count("^Xvfb ")
      }

      private static func count(_ pattern: String) throws -> Int {
        Int(trimmed(try run("pgrep", "--count", "--full", pattern).output)) ?? 0
      }
    }

    @Test("logins in a row leave nothing open, neither in LightDM nor in the service")
    func logins() throws {
      let phone = try Phone.activated(user)
      let screen = try LoginScreen(.init(showsUsers: false))
      try screen.endSessions()
      var first: Load?
      let times = IntegrationTests.Strength.times(100, short: 6)
      for number in 1...times {
        if number > 1 { try screen.wait(for: "ready") }
        try screen.name(user)
        try screen.wait("password", of: user)
        if number == 3 { first = try Load(screen) }
        try screen.answer(Machine.password)
        try screen.wait("passcode", of: user)
        try screen.answer(phone.nextCode())
        try waitUntil("session \(number) has begun") { LoginScreen.sessions.count == number }
      }
      try screen.wait(for: "ready")
      try screen.name(user)
      try screen.wait("password", of: user)
      // The pipes of the login before are closed a little later.
      var last = try Load(screen)
      try waitUntil("as much is open as at first") {
        last = try Load(screen)
        return last == first
      }
      #expect(LoginScreen.sessions == Array(repeating: user, count: times))
      try IntegrationTests.Strength.report(
        "Greeter", tried: "logins by password and passcode in a row, real LightDM", times: "\(times) logins",
        outcome:
          "files open in LightDM and service: \(last.filesOfLightDM) and \(last.filesOfService), as after the 2nd")
    }

    @Test("one greeter that is told wrong passwords again and again does not grow")
    func failures() throws {
      let screen = try LoginScreen(.init(showsUsers: false))
      try screen.name(user)
      try screen.wait("password", of: user)
      let pid = try screen.greeterPID()
      let times = IntegrationTests.Strength.times(500, short: 30)
      var before = (memory: 0, files: 0)
      for number in 1...times {
        // What is made once is made by then.
        if number == times / 3 { before = (try LoginScreen.memory(pid), try LoginScreen.openFiles(pid)) }
        try screen.answer("x")
        try screen.wait("waiting", of: user)
        try screen.wait("password", of: user)
      }
      let after = (memory: try LoginScreen.memory(pid), files: try LoginScreen.openFiles(pid))
      #expect(after.files <= before.files)
      // Kilobytes; one round's widgets alone would be more.
      #expect(after.memory - before.memory < 20 * times, "\(before) \(after)")
      try IntegrationTests.Strength.report(
        "Greeter", tried: "wrong passwords at one greeter", times: "\(times) rounds",
        outcome: "private memory \(before.memory) KB after a third, \(after.memory) KB at the end")
    }
  }
}

extension LoginScreen {
  static func openFiles(_ pid: pid_t) throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count
  }

  /// Private memory of a process, in kilobytes.
  static func memory(_ pid: pid_t) throws -> Int {
    let text = try String(contentsOfFile: "/proc/\(pid)/smaps_rollup", encoding: .utf8)
    let values = text.matches(of: /(?m)^Private_(?:Clean|Dirty): +(\d+) kB/).compactMap { Int($0.1) }
    return values.reduce(0, +)
  }

  /// The share of memory that a process has, its part of what is shared counted: PSS, in kilobytes.
  static func share(_ pid: pid_t) throws -> Int {
    let text = try String(contentsOfFile: "/proc/\(pid)/smaps_rollup", encoding: .utf8)
    return try #require(text.firstMatch(of: /(?m)^Pss: +(\d+) kB/).flatMap { Int($0.1) })
  }
}
