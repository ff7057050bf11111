import Foundation
import Glibc
import Testing

extension IntegrationTests.Strength {
  @Suite("Bytes of the state that are wrong, and a log that is cut")
  struct TamperingAtRandom {
    private let user: String
    private let phone: Phone
    private static let log = StoredState.path + "-wal"

    init() throws {
      try Machine.reset("[Service]\nidle-exit=0\n")
      user = try Machine.newUser()
      phone = try Phone.activated(user)
    }

    private func write(_ data: some DataProtocol, to path: String) throws {
      if !FileManager.default.fileExists(atPath: path) { try Machine.write("", to: path, mode: 0o600) }
      let handle = try #require(FileHandle(forWritingAtPath: path))
      try handle.truncate(atOffset: 0)
      try handle.write(contentsOf: Data(data))
      try handle.close()
    }

    private func removeLog() { for suffix in ["-wal", "-shm"] { unlink(StoredState.path + suffix) } }

    @Test("random bytes in the database: no spent code, no crash, no larger allowance, and nothing written")
    func bytes() throws {
      let spent = try phone.nextCode()
      for code in [spent, try phone.nextCode()] { expectYes(try Factor.root.authenticate(user, code)) }
      let other = try Machine.newUser()
      let others = try Phone.activated(other)
      let othersSpent = try others.nextCode()
      expectYes(try Factor.root.authenticate(other, othersSpent))
      try Machine.stopService()
      let whole = try Data(contentsOf: URL(fileURLWithPath: StoredState.path))
      #expect(!FileManager.default.fileExists(atPath: Self.log))
      var numbers = SeededNumbers(seed: 20_260_311)
      var heard: [String: Int] = [:]
      let rounds = IntegrationTests.Strength.times(500, short: 20)
      for round in 0..<rounds {
        var broken = whole
        // Some in one place, some all over, some where SQLite keeps its own words.
        let places = round.isMultiple(of: 3) ? 0..<100 : 0..<whole.count
        let start = Int.random(in: places, using: &numbers)
        for index in 0..<Int.random(in: 1...8, using: &numbers) {
          let place = round.isMultiple(of: 2) ? (start + index) % whole.count : Int.random(in: places, using: &numbers)
          broken[place] ^= UInt8.random(in: 1...255, using: &numbers)
        }
        removeLog()
        try write(broken, to: StoredState.path)
        for (name, code, left) in [(user, spent, 8), (other, othersSpent, 9)] {
          let answer = try Factor.root.authenticate(name, code)
          #expect(["Failed", "ResponseReplayed", "NotActivated"].contains(answer.error), "round \(round): \(answer)")
          heard[answer.error ?? "yes", default: 0] += 1
          let allowance = try Factor.root.allowance(name)
          if let remaining = allowance["remaining"].flatMap({ Int($0) }) {
            #expect(remaining <= left, "round \(round)")
          }
          #expect(allowance.error == nil || allowance.error == "Failed", "round \(round): \(allowance)")
        }
        let service = try #require(try Machine.servicePID(), "round \(round): the service is gone")
        kill(service, SIGTERM)
        try waitUntil("the service has ended") { kill(service, 0) != 0 }
        let after = try Data(contentsOf: URL(fileURLWithPath: StoredState.path))
        let written = zip(broken, after).enumerated().filter { $1.0 != $1.1 }.map(\.offset)
        // SQLite puts its own count of pages right where that was hit: bytes 24 to 31 and 92 to 95 of the header
        // (Database File Format, section 1.3).
        #expect(after.count == broken.count && written.allSatisfy { (24..<32).contains($0) || (92..<96).contains($0) })
      }
      removeLog()
      try write(whole, to: StoredState.path)
      expectRefused(try Factor.root.authenticate(user, spent), "ResponseReplayed")
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
      let counts = heard.sorted { $0.key < $1.key }.map { "\($1) \($0)" }.joined(separator: ", ")
      try report(
        "Tampering", tried: "random bytes of the database exchanged, spent codes tried", times: "\(rounds) rounds",
        outcome: "0 let in, 0 crashes; \(counts)")
    }

    @Test("a log that is cut, spoiled, exchanged or taken away gives back no code and no login")
    func cutLog() throws {
      // What is in the log alone: the service had no time to take it over.
      let spent = try phone.nextCode()
      expectYes(try Factor.root.authenticate(user, spent))
      let old = try Data(contentsOf: URL(fileURLWithPath: Self.log))
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
      let last = try phone.nextCode()
      expectYes(try Factor.root.authenticate(user, last))
      try Machine.stopService(signal: SIGKILL)
      let database = try Data(contentsOf: URL(fileURLWithPath: StoredState.path))
      let whole = try Data(contentsOf: URL(fileURLWithPath: Self.log))
      #expect(whole.count > 4096)
      var spoiled: [(String, Data?)] = [("taken away", nil), ("emptied", Data()), ("an older one", old)]
      let frame = 4096 + 24
      for length in stride(from: 32, to: whole.count, by: IntegrationTests.Strength.isFull ? frame / 4 : frame * 3) {
        spoiled.append(("cut to \(length)", whole.prefix(length)))
      }
      var numbers = SeededNumbers(seed: 20_260_312)
      for _ in 0..<IntegrationTests.Strength.times(50, short: 5) {
        var broken = whole
        broken[Int.random(in: 0..<whole.count, using: &numbers)] ^= 0x55
        spoiled.append(("one byte exchanged", broken))
      }
      for (what, log) in spoiled {
        removeLog()
        try write(database, to: StoredState.path)
        if let log { try write(log, to: Self.log) }
        for code in [spent, last] {
          let answer = try Factor.root.authenticate(user, code)
          #expect(["Failed", "ResponseReplayed"].contains(answer.error), "\(what): \(answer)")
        }
        let remaining = try Factor.root.allowance(user)["remaining"].flatMap { Int($0) } ?? 0
        #expect(remaining <= 7, "\(what)")
        try Machine.stopService(signal: SIGKILL)
      }
      removeLog()
      try write(database, to: StoredState.path)
      try write(whole, to: Self.log)
      expectRefused(try Factor.root.authenticate(user, last), "ResponseReplayed")
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
      try report(
        "Tampering", tried: "the log cut, spoiled, exchanged", times: "\(spoiled.count) ways", outcome: "0 let in")
    }

    @Test("the log or its index as a link, a pipe, a folder or somebody else's file is refused, and not followed")
    func kinds() throws {
      let code = try phone.nextCode()
      expectYes(try Factor.root.authenticate(user, code))
      // On the same file system, for a second name of it.
      let target = "/var/lib/tampering-target"
      for name in ["state.db-wal", "state.db-shm"] {
        for (cause, word) in [
          ("ln -s \(target) \(name)", "is not a regular file"), ("mkfifo -m 600 \(name)", "is not a regular file"),
          ("mkdir -m 700 \(name)", "is not a regular file"), ("ln \(target) \(name)", "has more than one link"),
          ("install -m 644 \(target) \(name)", "has mode 644"),
          ("install -m 600 -o bob \(target) \(name)", "belongs to user id 2002"),
        ] {
          try Machine.stopService(signal: SIGKILL)
          try Machine.write("not yours", to: target, mode: 0o600)
          let log = try ServiceLog()
          let folder = Machine.stateFolder
          try run("sh", "-c", "cd \(folder) && mv \(name) /run/aside && \(cause)").expectSuccess()
          for answer in [try Factor.root.authenticate(user, code), try Factor.root.renew(user)] {
            expectRefused(answer, "Failed")
            #expect(answer.sentence.contains("not safely protected"), "\(cause): \(answer.sentence)")
          }
          try log.expect("\(name) \(word)")
          #expect(try String(contentsOfFile: target, encoding: .utf8) == "not yours")
          try Machine.stopService(signal: SIGKILL)
          try run("sh", "-c", "cd \(folder) && rm -rf \(name) && mv /run/aside \(name)").expectSuccess()
          expectRefused(try Factor.root.authenticate(user, code), "ResponseReplayed")
        }
      }
      #expect(try Factor.root.allowance(user)["remaining"] == "9")
    }
  }
}
