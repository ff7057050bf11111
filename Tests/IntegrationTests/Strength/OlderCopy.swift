import Foundation
import Testing

extension IntegrationTests.Strength {
  @Suite("An older copy of the database")
  struct OlderCopy {
    private static let database = "\(Machine.stateFolder)/state.db"
    private static let (older, present) = ("/run/older", "/run/present")

    @Test("Put back alone it opens to nobody, however the service ended; the present one serves again")
    func alone() throws {
      let rounds = IntegrationTests.Strength.times(50, short: 4)
      try Machine.reset("[Allowance]\nlogins=1000\n")
      let users = [try Machine.newUser(), try Machine.newUser()]
      let phones = try users.map { try Phone.activated($0) }
      var (refused, replayed) = (0, 0)
      for round in 0..<rounds {
        let crash = !round.isMultiple(of: 2)
        try keep(Self.older)
        try Clock.advance(60)
        let codes = try phones.map { try $0.code() }
        expectYes(try Factor.root.authenticate(users[0], codes[0]))
        try keep(Self.present, endingBy: crash ? SIGKILL : SIGTERM)

        let log = try ServiceLog()
        try putBack(Self.older)
        for (user, code) in zip(users, codes) {
          let answer = try Factor.root.authenticate(user, code)
          expectRefused(answer, "Failed")
          #expect(answer.sentence.contains("its records are an older copy"))
          refused += answer.error == "Failed" ? 1 : 0
        }
        try log.expect("the database is an older copy")
        try putBack(Self.present)
        let replay = try Factor.root.authenticate(users[0], codes[0])
        expectRefused(replay, "ResponseReplayed")
        replayed += replay.error == "ResponseReplayed" ? 1 : 0
      }
      #expect(try Factor.root.allowance(users[0])["remaining"] == String(1000 - rounds))
      try IntegrationTests.Strength.report(
        "Tampering", tried: "older copy of the database alone", times: "\(rounds) rounds, 2 users",
        outcome: "\(refused) of \(2 * rounds) refused; \(replayed) replays refused after the present one came back")
    }

    /// Ends the service and copies database and log.
    private func keep(_ copy: String, endingBy signal: Int32 = SIGTERM) throws {
      try Machine.stopService(signal: signal)
      try run("sh", "-c", "rm -rf \(copy) && mkdir \(copy) && cp -p \(Self.database)* \(copy)").expectSuccess()
    }

    private func putBack(_ copy: String) throws {
      try Machine.stopService()
      try run("sh", "-c", "rm -f \(Self.database)* && cp -p \(copy)/* \(Machine.stateFolder)").expectSuccess()
    }
  }
}
