import Glibc
import OfflineAccess
import SoftKey
import Testing

@testable import SecurityKey

@Suite("Several keys, several people")
struct SeveralKeysTests {
  @Test("Of several plugged-in keys the one that holds the credential blinks, and no other", arguments: [true, false])
  func findsTheRightOne(speaksFIDO2: Bool) async throws {
    let mine = SoftKey(SoftKey.Model(speaksFIDO2: speaksFIDO2))
    let desk = Desk(mine)
    let factor = try await desk.register()
    let others = [SoftKey(), SoftKey(SoftKey.Model(speaksFIDO2: false)), SoftKey()]
    for (index, other) in others.enumerated() { desk.ports.plug(other, as: "a\(index)") }
    #expect(await desk.refusal(factor) == nil)
    #expect(others.allSatisfy { $0.touches == 0 && !$0.isBlinking })
    #expect(mine.touches == 2)
  }

  @Test("A wrong key is told while the right one is waited for", arguments: [true, false])
  func wrongKey(speaksFIDO2: Bool) async throws {
    let mine = SoftKey()
    let desk = Desk(mine)
    let factor = try await desk.register()
    let other = SoftKey(SoftKey.Model(speaksFIDO2: speaksFIDO2))
    desk.ports.unplug()
    desk.ports.plug(other)
    let wrong = try await desk.refusal(factor, endingWhen: "the wrong key is told") { desk.told.last == .wrongKey }
    #expect(wrong?.reason == .wrongSecurityKey)
    async let refusal = desk.refusal(factor, desk.request(wait: 20_000))
    try await waitUntil("the wrong key is told") { desk.told.count { $0 == .wrongKey } == 2 }
    desk.ports.plug(mine, as: "second")
    #expect(await refusal == nil)
    #expect(other.touches == 0)
  }

  @Test("Of several new keys the one that is touched first is set up, and the others stop blinking")
  func firstTouched() async throws {
    let keys = [SoftKey(), SoftKey(), SoftKey(SoftKey.Model(speaksFIDO2: false))]
    for key in keys { key.behaviour = .init(touch: .byCommand) }
    let desk = Desk(keys[0], keys[1], keys[2])
    async let factor = desk.register()
    try await waitUntil("all blink") { keys.allSatisfy(\.isBlinking) }
    keys[1].touch()
    let made = try await factor
    try await waitUntil("none blinks") { !keys.contains { $0.isBlinking } }
    #expect(keys.map(\.touches) == [0, 1, 0])
    keys[1].behaviour = .init()
    #expect(await desk.refusal(made) == nil)
  }

  @Test("Two people at two keys do not meet")
  func twoKeys() async throws {
    let (first, second) = (SoftKey(), SoftKey())
    let desk = Desk(first)
    let one = try await desk.register()
    desk.ports.unplug()
    desk.ports.plug(second, as: "second")
    let other = try await desk.register()
    desk.ports.plug(first)
    first.behaviour = .init(touch: .byCommand)
    async let slow = desk.refusal(one)
    try await waitUntil("the first key blinks") { first.isBlinking }
    #expect(await desk.refusal(other) == nil)
    first.touch()
    #expect(await slow == nil)
  }

  @Test("Two prompts for one key take turns: each has a touch of its own")
  func turns() async throws {
    let key = SoftKey()
    let desk = Desk(key)
    let one = try await desk.register()
    let other = try await desk.register()
    key.behaviour = .init(touch: .byCommand)
    async let first = desk.refusal(one)
    try await waitUntil("the key blinks") { key.isBlinking }
    async let second = desk.refusal(other, desk.request(wait: 20_000))
    key.touch()
    #expect(await first == nil)
    try await waitUntil("the key blinks again") { key.isBlinking }
    key.touch()
    #expect(await second == nil)
    #expect(key.touches == 4)
  }

  @Test("A login's prompt takes a key over that blinks for somebody's program, and not the other way round")
  func precedence() async throws {
    let key = SoftKey()
    let desk = Desk(key)
    let factor = try await desk.register()
    key.behaviour = .init(touch: .byCommand)
    async let program = desk.refusal(factor, desk.request(wait: 20_000, yields: true))
    try await waitUntil("the key blinks") { key.isBlinking }
    let before = desk.told.count
    async let login = desk.refusal(factor, desk.request(wait: 20_000))
    #expect(await program?.reason == .busy)
    try await waitUntil("the key blinks for the login") { desk.told.count > before && key.isBlinking }
    #expect(await desk.refusal(factor, desk.request(wait: 2000, yields: true))?.reason == .busy)
    key.touch()
    #expect(await login == nil)
  }

  @Test("200 proofs of 20 people at two keys: each has its own, and the counters only rise")
  func crowd() async throws {
    let keys = [SoftKey(), SoftKey()]
    let desk = Desk(keys[0])
    var factors: [SecurityKeyFactor] = []
    for _ in 0..<10 { factors.append(try await desk.register()) }
    desk.ports.unplug()
    desk.ports.plug(keys[1], as: "second")
    for _ in 0..<10 { factors.append(try await desk.register()) }
    desk.ports.plug(keys[0])
    let proofs = try await withThrowingTaskGroup(of: KeyProof.self) { group in
      for round in 0..<10 {
        for factor in factors {
          group.addTask { try await desk.ring.prove(factor, desk.request(wait: 60_000, yields: round % 2 == 0)) }
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(proofs.count == 200)
    for factor in factors { #expect(proofs.count { $0.credential == factor.credential } == 10) }
    #expect(Set(proofs.map { [UInt8]("\($0.credential.prefix(8)) \($0.counter)".utf8) }).count == 200)
  }

  @Test("A thousand proofs leave nothing open, nor do a hundred that were given up")
  func leavesNothing() async {
    // In a process of its own: other tests open and close files meanwhile.
    await #expect(processExitsWith: .success) {
      let key = SoftKey()
      let u2f = SoftKey(SoftKey.Model(speaksFIDO2: false))
      let desk = Desk(key)
      let factor = try await desk.register()
      desk.ports.unplug()
      desk.ports.plug(u2f)
      let other = try await desk.register()
      desk.ports.plug(key, as: "second")
      func settled() async throws -> Int {
        try await waitUntil("all connections are closed") { desk.ports.connections == 0 }
        return try openDescriptors()
      }
      func giveUp() async throws {
        key.behaviour = .init(touch: .never)
        let wait = Task { await desk.refusal(factor) }
        try await waitUntil("the key blinks") { key.isBlinking }
        wait.cancel()
        #expect(await wait.value?.reason == .canceled)
      }
      // What timers open once stays open.
      try await giveUp()
      key.behaviour = .init()
      #expect(await desk.refusal(factor) == nil)
      let before = try await settled()
      for round in 0..<1000 { #expect(await desk.refusal(round % 20 == 0 ? other : factor) == nil) }
      for _ in 0..<100 { try await giveUp() }
      // ThreadSanitizer opens pipes to its symbolizer when it first looks at what is suppressed.
      let pipes = getenv("TSAN_OPTIONS") == nil ? 0 : 2
      #expect(try await settled() <= before + pipes)
      #expect(desk.ports.opened > 1000)
    }
  }
}
