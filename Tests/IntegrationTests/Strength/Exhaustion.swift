import Foundation
import Glibc
import Testing

extension IntegrationTests.Strength {
  @Suite("The service runs out of files or memory")
  struct Exhaustion {
    /// What the service allows itself; a hard limit cannot be raised in every machine.
    private static let mostData = 512 << 20

    let user: String
    let phone: Phone

    init() throws {
      try Machine.reset("[Service]\nidle-exit=0\n[Allowance]\nlogins=1000\n")
      try PAMHost.install()
      user = try Machine.newUser()
      phone = try Phone.activated(user)
    }

    private func limit(_ pid: Int32, _ what: String) throws {
      try run("prlimit", "--pid", "\(pid)", what).expectSuccess()
    }

    @Test("No file can be opened: closed, named, and right again with room")
    func files() throws {
      let rounds = IntegrationTests.Strength.times(20, short: 2)
      let log = try ServiceLog()
      let pid = try #require(try Machine.servicePID())
      for round in 0..<rounds {
        let code = try phone.nextCode()
        // Whatever is open stays open; the next one is one too many.
        try limit(pid, "--nofile=3:1024")
        let answer = try Factor.root.authenticate(user, code)
        expectRefused(answer, "Failed")
        #expect(answer.sentence.contains("Too many open files"), "\(answer.sentence)")
        expectRefused(try Factor(user: user).authenticate("", code), "Failed")
        // The login hears the same, though its connection cannot be taken: the bus has one already.
        expectOut(try PAMHost.login(user, code), saying: "Too many open files")
        try limit(pid, "--nofile=1024:1024")
        #expect(try Factor.root.allowance(user)["remaining"] == "\(1000 - round)")
        expectIn(try PAMHost.login(user, code), saying: "\(999 - round) offline logins remaining.")
        expectRefused(try Factor.root.authenticate(user, code), "ResponseReplayed")
        #expect(try Machine.servicePID() == pid)
      }
      try log.expect("the configuration is refused: /etc/offline-access/offline-access.conf.d: Too many open files")
      try IntegrationTests.Strength.report(
        "Trouble", tried: "out of file descriptors", times: "\(rounds) times",
        outcome: "\(rounds * 3) calls and logins refused by name, \(rounds) right again, nothing lost")
    }

    // A sanitizer takes its own lack of memory for a finding.
    @Test(
      "No memory is left: it may die, but it says no yes that is forgotten, and comes back right",
      .enabled(if: !Machine.isSanitized))
    func memory() throws {
      let rounds = IntegrationTests.Strength.times(20, short: 2)
      var (deaths, refused, yeses) = (0, 0, 0)
      for round in 0..<rounds {
        let code = try phone.nextCode()
        expectYes(try Factor.root.allowance(user))
        let pid = try #require(try Machine.servicePID())
        let peers = try (0..<8).map { _ in try BusPeer() }
        for peer in peers { #expect(try peer.error(of: .about(user, "RemainingAllowance")) == nil) }
        // Of the data, too: glibc's arenas grow within addresses that they have reserved.
        try limit(pid, "--as=65536:unlimited")
        try limit(pid, "--data=65536:\(Self.mostData)")
        let limits = try wholeFile("/proc/\(pid)/limits")
        #expect(limits.range(of: "Max data size +65536 ", options: .regularExpression) != nil)
        // Each call needs some, in every second round more than any heap has at hand; one of them is right.
        let long = String(repeating: "1", count: round.isMultiple(of: 2) ? 4_000_000 : 200_000)
        let wrong = try peers.map { try $0.send([.authenticate("alice", long), .authenticate("no-such-user", long)]) }
        let right = try peers[0].send(.authenticate(user, code))
        for (peer, serials) in zip(peers, wrong) {
          for serial in serials { #expect(try peer.answer(to: serial).error != nil) }
        }
        let isYes = try peers[0].answer(to: right).error == nil
        if isYes { yeses += 1 } else { refused += 1 }
        if kill(pid, 0) != 0 {
          deaths += 1
        } else {
          try limit(pid, "--as=unlimited:unlimited")
          try limit(pid, "--data=\(Self.mostData):\(Self.mostData)")
        }
        // A yes is on the record, whatever became of it. A refusal by name has spent nothing; where it died
        // in between, the code was spent or not, but never for more than one yes.
        let again = try Factor.root.authenticate(user, code)
        if isYes { expectRefused(again, "ResponseReplayed") }
        if again.error == nil { yeses += 1 }
        #expect(again.error == nil || again.error == "ResponseReplayed", "\(again.sentence)")
        expectIn(try PAMHost.login(user, phone.nextCode()), saying: "offline logins remaining.")
        yeses += 1
      }
      let remaining = try #require(Int(try Factor.root.allowance(user)["remaining"] ?? ""))
      #expect(1000 - remaining >= yeses && 1000 - remaining <= yeses + deaths)
      try IntegrationTests.Strength.report(
        "Trouble", tried: "out of memory", times: "\(rounds) times",
        outcome:
          "\(deaths) deaths, \(refused) right codes refused meanwhile, \(yeses) yeses all recorded, right again each time"
      )
    }
  }
}
