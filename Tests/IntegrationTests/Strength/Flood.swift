import Foundation
import Testing

extension IntegrationTests.Strength {
  @Suite("A thousand users, 64 calls at once")
  struct Flood {
    private static let logins = 100
    private static let rounds = 10

    /// What one user types in each round: the next code, and once a wrong one.
    private struct Person {
      let name: String
      var codes: [(code: String, isRight: Bool)]

      init(_ name: String, wrongIn wrongRound: Int) throws {
        self.name = name
        // The code of counter 0 was spent for the set-up.
        let right = try Phone.activated(name).codes(30, from: 0)
        codes = right[1...Flood.rounds].map { ($0, true) }
        let wrong = try #require((0...30).lazy.map { String(format: "%06d", $0) }.first { !right.contains($0) })
        codes.insert((wrong, false), at: wrongRound)
        codes.removeLast()
      }
    }

    @Test("One code in ten is wrong: all others pass, each yes is on the record, and no wrong one passes")
    func users() throws {
      try Machine.reset("[Factor]\npasscode=hotp\n[Allowance]\nlogins=\(Self.logins)\n")
      let names = try Machine.newUsers(IntegrationTests.Strength.times(1000, short: 100))
      let people = try names.enumerated().map { try Person($1, wrongIn: $0 % Self.rounds) }
      // Half of them by the bus, half past it.
      let peers = try (0..<64).map { try BusPeer(at: $0.isMultiple(of: 2) ? BusPeer.bus : BusPeer.service) }
      var (right, wrong) = (0, 0)
      for round in 0..<Self.rounds {
        var waiting = people.shuffled()[...]
        while !waiting.isEmpty {
          let batch = waiting.prefix(peers.count)
          waiting = waiting.dropFirst(batch.count)
          let calls = try zip(peers, batch).map { peer, person in
            (peer, person, try peer.send(.authenticate(person.name, person.codes[round].code)))
          }
          for (peer, person, serial) in calls {
            let error = try peer.answer(to: serial).error
            let isRight = person.codes[round].isRight
            #expect(error == (isRight ? nil : "BadResponse"), "\(person.name) in round \(round)")
            if isRight, error == nil { right += 1 }
            if !isRight, error == "BadResponse" { wrong += 1 }
          }
        }
      }
      #expect((right, wrong) == (people.count * (Self.rounds - 1), people.count))
      // What is on the disk counts.
      try Machine.stopService(signal: SIGKILL)
      let recorded = try people.map { person in
        Self.logins - (try #require(Int(try Factor.root.allowance(person.name)["remaining"] ?? "")))
      }
      #expect(recorded.allSatisfy { $0 == Self.rounds - 1 })
      #expect(recorded.reduce(0, +) == right)
      try IntegrationTests.Strength.report(
        "Flood", tried: "\(people.count) users, 64 calls at once, one code in ten wrong",
        times: "\(people.count * Self.rounds) calls",
        outcome: "\(right) right ones accepted and recorded, \(wrong) wrong ones refused, none else")
    }
  }
}
