import OfflineAccess
import Testing

@Suite("Set-ups under way")
struct PendingActivationsTests {
  private static let alice = UserIdentity(uid: 1000, name: "alice")
  private static let bob = UserIdentity(uid: 1001, name: "bob")

  private var pending = PendingActivations()

  private mutating func add(_ user: UserIdentity, owner: UInt32? = nil, at uptime: Int64 = 0) throws(Refusal) -> UInt64
  {
    try pending.add(at: uptime) { number in
      PendingActivation(
        number: number, owner: owner ?? user.uid, user: user, kind: .first, granted: true,
        device: .passcode(Device.token.factor), startedAt: uptime)
    }.number
  }

  private mutating func take(_ number: UInt64, owner: UInt32 = 1000, at uptime: Int64 = 0) -> Refusal.Reason? {
    refusal { () throws(Refusal) in try pending.take(number, owner: owner, at: uptime) }?.reason
  }

  @Test("A set-up lives for ten minutes of uptime and not a second more")
  mutating func lifetime() throws {
    let early = try add(Self.alice, at: 5000)
    #expect(pending.nextDeadline == 5600)
    #expect(take(early, at: 5599) == nil)
    let late = try add(Self.alice, at: 5000)
    #expect(take(late, at: 5600) == .noSuchActivation)
    #expect(pending.isEmpty)
  }

  @Test("The next deadline is that of the oldest set-up")
  mutating func deadline() throws {
    #expect(pending.nextDeadline == nil)
    _ = try add(Self.alice, at: 300)
    _ = try add(Self.bob, at: 100)
    #expect(pending.nextDeadline == 700)
    pending.removeExpired(at: 700)
    #expect(pending.nextDeadline == 900)
  }

  @Test("A newer set-up of the same user kills the older one, whoever started it")
  mutating func newest() throws {
    let older = try add(Self.alice)
    let newer = try add(Self.alice, owner: 0)
    #expect(take(older) == .noSuchActivation)
    #expect(take(newer, owner: 0) == nil)
  }

  @Test("Set-ups of other users stay")
  mutating func others() throws {
    let alice = try add(Self.alice)
    let bob = try add(Self.bob)
    #expect(take(alice) == nil)
    #expect(take(bob, owner: 1001) == nil)
  }

  @Test("Numbers are never given twice")
  mutating func numbers() throws {
    var seen: Set<UInt64> = []
    for round in 0..<50 {
      let number = try add(round.isMultiple(of: 2) ? Self.alice : Self.bob)
      #expect(seen.insert(number).inserted)
      _ = take(number)
    }
  }

  @Test(
    "Only who started it may take it: root and the user themself are others",
    arguments: [0, 1000, 1001, .max] as [UInt32])
  mutating func owner(_ caller: UInt32) throws {
    let number = try add(Self.alice, owner: 1002)
    #expect(take(number, owner: caller) == .noSuchActivation)
    #expect(take(number, owner: 1002) == nil)
  }

  @Test("What is taken cannot be taken again until it is put back")
  mutating func putBack() throws {
    let number = try add(Self.alice)
    let activation = try pending.take(number, owner: 1000, at: 0)
    #expect(pending.isEmpty)
    #expect(take(number) == .noSuchActivation)
    pending.putBack(activation)
    #expect(take(number) == nil)
  }

  @Test("What is put back does not displace a newer set-up")
  mutating func putBackTooLate() throws {
    let older = try add(Self.alice)
    let activation = try pending.take(older, owner: 1000, at: 0)
    let newer = try add(Self.alice)
    pending.putBack(activation)
    #expect(take(older) == .noSuchActivation)
    #expect(take(newer) == nil)
  }

  @Test("Putting back does not lengthen the life")
  mutating func putBackAtTheEnd() throws {
    let number = try add(Self.alice)
    pending.putBack(try pending.take(number, owner: 1000, at: 599))
    #expect(take(number, at: 600) == .noSuchActivation)
  }

  @Test("Removing a user's set-ups leaves the others")
  mutating func removal() throws {
    let alice = try add(Self.alice)
    let bob = try add(Self.bob)
    pending.removeAll(of: Self.alice)
    #expect(take(alice) == .noSuchActivation)
    #expect(take(bob, owner: 1001) == nil)
  }

  @Test("Whatever ends otherwise than by its owner is named, so that it can be told")
  mutating func endings() throws {
    let alice = try add(Self.alice)
    let bob = try add(Self.bob, at: 100)
    #expect(pending.present(of: Self.alice)?.number == alice)
    let early = pending.removeExpired(at: 599).map(\.number)
    let expired = pending.removeExpired(at: 600).map(\.number)
    #expect(early.isEmpty && expired == [alice])
    #expect(pending.present(of: Self.alice) == nil)
    let dropped = pending.removeAll(of: Self.bob).map(\.number)
    #expect(dropped == [bob])
    let carol = try add(Self.alice, at: 700)
    let taken = try pending.take(carol, owner: 1000, at: 700)
    let newer = try add(Self.alice, at: 700)
    let livesOn = pending.putBack(taken)
    #expect(!livesOn)
    let rest = pending.removeAll().map(\.number)
    #expect(rest == [newer] && pending.isEmpty)
  }

  @Test("A thousand users may set up at once; the next is told to wait")
  mutating func capacity() throws {
    for uid in 0..<1000 as Range<UInt32> { _ = try add(UserIdentity(uid: 10_000 + uid, name: "user")) }
    #expect(refusal { () throws(Refusal) in try add(Self.alice) }?.reason == .busy)
    // One's own newer set-up takes the place of the older.
    _ = try add(UserIdentity(uid: 10_000, name: "user"))
    // The dead ones make room.
    _ = try add(Self.alice, at: 600)
    #expect(pending.nextDeadline == 1200)
  }

  @Test("A number that never was is no set-up", arguments: [0, 2, .max] as [UInt64])
  mutating func unknown(_ number: UInt64) throws {
    #expect(try add(Self.alice) == 1)
    #expect(take(number) == .noSuchActivation)
  }
}
