import Foundation
import Testing

extension IntegrationTests {
  @Suite("The service's life")
  struct Life {
    private static let program = "/usr/libexec/offline-accessd"

    init() throws { try Machine.reset() }

    @Test("the first call starts it, as root and with no argument")
    func started() throws {
      #expect(try Machine.servicePID() == nil)
      expectYes(try Factor.root.allowance("alice"))
      let pid = try #require(try Machine.servicePID())
      #expect(try run("readlink", "/proc/\(pid)/exe").output == Self.program + "\n")
      #expect(try run("stat", "-c", "%u", "/proc/\(pid)").output == "0\n")
      #expect(try String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8) == Self.program + "\0")
      expectYes(try Factor(user: "alice").allowance(""))
      #expect(try Machine.servicePID() == pid)
    }

    @Test("an idle service ends, and the next call finds everything as it was")
    func idleExit() throws {
      try Machine.configure("[Service]\nidle-exit=1\n[Allowance]\nlogins=3\n")
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      let code = try phone.nextCode()
      expectYes(try Factor.root.authenticate(user, code))
      for _ in 1...2 {
        try waitUntil("the idle service has ended") { try Machine.servicePID() == nil }
        #expect(try Factor.root.allowance(user)["remaining"] == "2")
        expectRefused(try Factor.root.authenticate(user, code), "ResponseReplayed")
      }
    }

    @Test("a pending activation keeps it alive, and its end lets it go")
    func pending() throws {
      try Machine.configure("[Service]\nidle-exit=1\n")
      let user = try Machine.newUser()
      let activation = expectYes(try Factor.root.activate(user))
      let pid = try #require(try Machine.servicePID())
      let threeIdleTimes = Date().addingTimeInterval(3)
      try waitUntil("it would have ended") { Date() > threeIdleTimes }
      #expect(try Machine.servicePID() == pid)
      let phone = try Phone(uri: try #require(activation["uri"]))
      expectRefused(try Factor.root.confirm(activation.path, "000000"), "BadResponse")
      expectYes(try Factor.root.confirm(activation.path, phone.code()))
      try waitUntil("the idle service has ended") { kill(pid, 0) != 0 }
    }

    @Test("calls that meet the end of an idle service are answered")
    func callsAtIdleEnd() throws {
      try Machine.configure("[Service]\nidle-exit=1\n")
      var pids: Set<Int32> = []
      for early in [60, 45, 30, 20, 15, 10, 5, 0] {
        expectYes(try Factor.root.allowance("alice"))
        // It may have ended already, where this took long.
        if let pid = try Machine.servicePID() { pids.insert(pid) }
        let end = Date().addingTimeInterval(1 - Double(early) / 1000)
        try waitUntil("the idle time is nearly over") { Date() > end }
        for answer in try Self.parallel(12, { _ in try Factor.root.allowance("alice") }) { expectYes(answer) }
      }
      // It did end in between, or this would have shown nothing.
      #expect(pids.count > 1)
    }

    @Test("calls during SIGTERM are answered, each yes draws once, and nothing is lost")
    func terminated() throws {
      let users = try (1...24).map { _ in try Machine.newUser() }
      let phones = try users.map { try Phone.activated($0) }
      try Clock.advance(30)
      let codes = try phones.map { try $0.code() }
      let done = Flag()
      let ended = Flag()
      // Each process that serves is told to end, over and over.
      Thread.detachNewThread {
        while !done.isSet {
          if let pid = try? Machine.servicePID() { kill(pid, SIGTERM) }
        }
        ended.set()
      }
      let answers = try Self.parallel(users.count) { try Factor.root.authenticate(users[$0], codes[$0]) }
      let readings = try Self.parallel(users.count) { try Factor.root.allowance(users[$0]) }
      done.set()
      try waitUntil("no signal is sent any more") { ended.isSet }
      for index in users.indices {
        expectYes(answers[index])
        #expect(readings[index]["remaining"] == "9", "\(readings[index].sentence)")
        expectRefused(try Factor.root.authenticate(users[index], codes[index]), "ResponseReplayed")
      }
    }

    @Test("SIGTERM ends it cleanly, SIGINT too", arguments: [SIGTERM, SIGINT])
    func cleanEnd(signal: Int32) throws {
      try Machine.configure("[Service]\nidle-exit=0\n")
      // A process of its own, so that the exit status can be seen.
      let process = [Self.program].process()
      process.standardError = FileHandle.nullDevice
      try process.runOpenToSignals()
      let pid = process.processIdentifier
      try waitUntil("it serves") { try Machine.servicePID() == pid }
      expectYes(try Factor.root.allowance("alice"))
      kill(pid, signal)
      process.waitUntilExit()
      #expect(process.terminationReason == .exit)
      #expect(process.terminationStatus == 0)
      expectYes(try Factor.root.allowance("alice"))
    }

    @Test("kill -9 right after a yes loses nothing", arguments: 1...5)
    func killed(round: Int) throws {
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      try Machine.stopService(signal: SIGKILL)
      let code = try phone.nextCode()
      let pid = try running()
      expectYes(try Factor.root.authenticate(user, code))
      kill(pid, SIGKILL)
      try waitUntil("the service has ended") { kill(pid, 0) != 0 }
      expectRefused(try Factor.root.authenticate(user, code), "ResponseReplayed")
      #expect(try Factor.root.allowance(user)["remaining"] == "9")
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
    }

    @Test("kill -9 amid calls: a code says yes once, however often it is tried again")
    func killedAmidCalls() throws {
      let users = try (1...16).map { _ in try Machine.newUser() }
      let phones = try users.map { try Phone.activated($0) }
      try Clock.advance(30)
      let codes = try phones.map { try $0.code() }
      let pid = try running()
      let killer = Thread { kill(pid, SIGKILL) }
      let answers = try Self.parallel(users.count) { index in
        if index == users.count / 2 { killer.start() }
        return try Factor.root.authenticate(users[index], codes[index])
      }
      for index in users.indices {
        let again = try Factor.root.authenticate(users[index], codes[index])
        if answers[index].error == nil {
          expectRefused(again, "ResponseReplayed")
        } else {
          // Cut off before the commit or after it, but never twice.
          #expect(["NoReply", "ServiceUnknown"].contains(answers[index].error), "\(answers[index])")
          #expect(again.error == nil || again.error == "ResponseReplayed", "\(again)")
        }
        expectRefused(try Factor.root.authenticate(users[index], codes[index]), "ResponseReplayed")
        #expect(try Factor.root.allowance(users[index])["remaining"] == "9")
      }
    }

    @Test("a second process cannot have the name, and says so")
    func secondProcess() throws {
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      let pid = try running()
      let second = try run(Self.program)
      #expect(second.status != 0)
      #expect(second.errors.contains("another process has the name"), "\(second)")
      #expect(try Machine.servicePID() == pid)
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
    }

    @Test("an ordinary user cannot be the factor, whether it runs or not", arguments: [true, false])
    func ordinaryUser(runs: Bool) throws {
      let pid = runs ? try running() : nil
      let own = try run(Self.program, as: "mallory")
      #expect(own.status != 0)
      #expect(own.errors.contains("cannot start"), "\(own)")
      let request = try run(
        "busctl", "call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "RequestName", "su",
        "org.offlineaccess.Factor1", "7", as: "mallory", environment: ["SYSTEMD_LOG_LEVEL": "debug"])
      #expect(BusAnswer(request).error == "AccessDenied", "\(request)")
      #expect(try Machine.servicePID() == pid)
      expectYes(try Factor.root.allowance("alice"))
    }

    @Test("it leaves no core behind")
    func noCore() throws {
      let limits = try String(contentsOfFile: "/proc/\(running())/limits", encoding: .utf8)
      #expect(limits.contains(#/Max core file size +0 +0 /#))
    }

    private func running() throws -> Int32 {
      expectYes(try Factor.root.allowance("root"))
      return try #require(try Machine.servicePID())
    }

    /// Runs `body` for each number below `count` at once.
    static func parallel<Answer>(_ count: Int, _ body: @escaping (Int) throws -> Answer) throws -> [Answer] {
      nonisolated(unsafe) let body = body
      let answers = Answers<Answer>(count)
      DispatchQueue.concurrentPerform(iterations: count) { index in answers.set(index, Result { try body(index) }) }
      return try answers.all.map { try $0.get() }
    }
  }
}

/// What several threads found, in the order of their numbers.
private final class Answers<Answer>: @unchecked Sendable {
  private let lock = NSLock()
  private var found: [Int: Result<Answer, Error>] = [:]
  private let count: Int

  init(_ count: Int) { self.count = count }

  func set(_ index: Int, _ answer: Result<Answer, Error>) { lock.withLock { found[index] = answer } }
  var all: [Result<Answer, Error>] { lock.withLock { (0..<count).compactMap { found[$0] } } }
}

/// Set once by one thread, seen by another.
private final class Flag: @unchecked Sendable {
  private let lock = NSLock()
  private var value = false

  func set() { lock.withLock { value = true } }
  var isSet: Bool { lock.withLock { value } }
}

extension Process {
  /// Threads of a pool hold signals back, and a child would inherit that.
  func runOpenToSignals() throws {
    var (none, before) = (sigset_t(), sigset_t())
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    try run()
  }
}
