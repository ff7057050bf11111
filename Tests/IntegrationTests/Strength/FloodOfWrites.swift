import Foundation
import Testing

extension IntegrationTests.Strength {
  @Suite("One user lets the service do as much as he can")
  struct FloodOfWrites {
    private let user: String
    private let phone: Phone

    init() throws {
      try Machine.reset("[Service]\nidle-exit=0\n[Factor]\npasscode=hotp\n[Allowance]\nlogins=100000\n")
      try PAMHost.install()
      user = try Machine.newUser()
      phone = try Phone.activated(user)
    }

    /// What an attack did, and what the others felt of it.
    private struct Course {
      var (slowest, logins, said) = (Duration.zero, 0, "")

      func number(_ word: String) throws -> Int {
        let found = said.split(separator: "\n").first { $0.hasPrefix("\(word) ") }?.split(separator: " ").last
        return try #require(found.flatMap { Int(trimmed($0)) }, "\(said)")
      }

      var milliseconds: String { slowest.formatted(.units(allowed: [.milliseconds])) }
    }

    /// Lets mallory attack and the user log in again and again meanwhile.
    private func attack(_ script: String, _ seconds: Int, _ argument: String = "") throws -> Course {
      try Machine.write(script, to: "/run/attack.py")
      var codes = try phone.codes(seconds * 2000, from: 1)[...]
      var course = Course()
      let session = try CommandSession(
        "/usr/bin/python3", "/run/attack.py", "attack", "\(seconds)", argument, as: "mallory")
      try session.waitFor("ready")
      while session.process.isRunning {
        let next = codes.popFirst()
        let code = try #require(next)
        let start = ContinuousClock.now
        let answer = try PAMHost.login(user, code)
        let time = ContinuousClock.now - start
        expectIn(answer, saying: "offline logins remaining")
        // A sanitizer slows the service down, and keeps freed memory back.
        #expect(Machine.isSanitized || time < IntegrationTests.Strength.slowestLogin, "login \(course.logins)")
        course.slowest = max(course.slowest, time)
        course.logins += 1
      }
      #expect(session.status() == 0, "\(session.said)")
      course.said = session.said
      #expect(try Factor.root.allowance(user)["remaining"] == "\(100_000 - course.logins)")
      return course
    }

    private func peakOfMemory() throws -> Int {
      let pid = try #require(try Machine.servicePID())
      let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
      let field = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
      return try #require(Int(field.filter(\.isNumber)))
    }

    private func sizeOfState() throws -> Int {
      try FileManager.default.contentsOfDirectory(atPath: Machine.stateFolder).reduce(0) { sum, name in
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(Machine.stateFolder)/\(name)")
        return sum + (attributes[.size] as? Int ?? 0)
      }
    }

    @Test("Codes and set-ups of his own: others log in within a second, and state, memory and log stay small")
    func writes() throws {
      let seconds = IntegrationTests.Strength.times(20, short: 3)
      let attacker = try Phone.activated("mallory")
      let log = try ServiceLog()
      let course = try attack(FloodAttack.writes, seconds, attacker.secret)
      let (calls, yeses) = try (course.number("sent"), course.number("yeses"))
      // That there was a flood at all; how fast it is depends on the machine.
      #expect(calls > 10 * seconds && yeses > 0 && course.logins > 0, "\(course.said)")
      // SQLite begins its log anew at 1,000 pages.
      let size = try sizeOfState()
      #expect(size < 8 << 20, "\(size) bytes")
      let peak = try peakOfMemory()
      #expect(Machine.isSanitized || peak < 65_536, "\(peak) kB")
      let lines = try log.new.split(separator: "\n").filter { !$0.contains(" passed offline") }
      #expect(lines.count < 200, "\(lines.suffix(20))")
      try IntegrationTests.Strength.report(
        "Flood", tried: "one user, codes and set-ups of his own as fast as they are answered", times: "\(calls) calls",
        outcome: "\(yeses) yeses of his, \(course.logins) logins of others all passed, slowest "
          + "\(course.milliseconds); state \(size / 1024) kB, peak \(peak / 1024) MB")
    }

    @Test("Messages near the bus's limit: refused, and neither taken in nor in the way of others")
    func large() throws {
      let seconds = IntegrationTests.Strength.times(20, short: 3)
      let pid = try #require(try Machine.servicePID())
      let course = try attack(FloodAttack.large, seconds)
      let (calls, refused) = try (course.number("sent"), course.number("refused"))
      #expect(calls > seconds && refused > 0 && course.logins > 0, "\(course.said)")
      #expect(try Machine.servicePID() == pid)
      let peak = try peakOfMemory()
      #expect(Machine.isSanitized || peak < 65_536, "\(peak) kB")
      try IntegrationTests.Strength.report(
        "Flood", tried: "one user, messages of 30 MB", times: "\(calls) calls",
        outcome: "\(refused) answered as too large, \(course.logins) logins of others all passed, slowest "
          + "\(course.milliseconds); peak \(peak / 1024) MB")
    }
  }
}
