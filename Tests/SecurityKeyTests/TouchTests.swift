import OfflineAccess
import SoftKey
import Testing

@testable import SecurityKey

@Suite("One key and one person")
struct TouchTests {
  @Test(
    "A touch makes a credential and another one proves it, with every kind of attestation",
    arguments: [
      SoftKey.Model(attestation: .batch), SoftKey.Model(attestation: .own),
      SoftKey.Model(speaksFIDO2: false), SoftKey.Model(counts: false),
    ])
  func registersAndProves(_ model: SoftKey.Model) async throws {
    let key = SoftKey(model)
    let desk = Desk(key)
    let factor = try await desk.register()
    #expect(factor.relyingParty.hasPrefix("offline-access:"))
    #expect(factor.identity.vendor == 0x1050)
    #expect((factor.identity.aaguid != nil) == model.speaksFIDO2)
    let proof = try await desk.ring.prove(factor, desk.request())
    #expect(proof.credential == factor.credential)
    #expect(model.counts ? proof.counter > factor.counter : proof.counter == 0)
    #expect(key.touches == 2)
    #expect(desk.told == [.touchNeeded, .touchAccepted, .touchNeeded, .touchAccepted])
  }

  @Test("A key without an attestation that could be checked is refused")
  func noAttestation() async {
    let refusal = await Desk(SoftKey(SoftKey.Model(attestation: .none))).refusalToRegister()
    #expect(refusal?.reason == .securityKeyRefused)
    #expect(refusal?.sentence.contains("does not prove") == true)
  }

  @Test("The caller hears of the touch before the key blinks")
  func order() async throws {
    let key = SoftKey()
    key.behaviour = .init(touch: .byCommand)
    let desk = Desk(key)
    async let factor = desk.register()
    try await waitUntil("the key blinks") { key.isBlinking }
    #expect(desk.told == [.touchNeeded])
    key.touch()
    _ = try await factor
  }

  @Test("Without a touch the wait ends in time, and the key stops blinking", arguments: [true, false])
  func untouched(speaksFIDO2: Bool) async throws {
    let key = SoftKey(SoftKey.Model(speaksFIDO2: speaksFIDO2))
    let desk = Desk(key)
    let factor = try await desk.register()
    key.behaviour = .init(touch: .never)
    for factor in [factor, nil] {
      let refusal = try await desk.refusal(factor, endingWhen: "the key blinks") { key.isBlinking }
      #expect(refusal?.reason == .touchTimeout)
      try await waitUntil("it stopped blinking") { !key.isBlinking }
    }
    key.behaviour = .init()
    #expect(await desk.refusal(factor) == nil)
  }

  @Test("Who gives up is let go at once, and the key with them", arguments: [true, false])
  func givenUp(speaksFIDO2: Bool) async throws {
    let key = SoftKey(SoftKey.Model(speaksFIDO2: speaksFIDO2))
    let desk = Desk(key)
    let factor = try await desk.register()
    key.behaviour = .init(touch: .byCommand)
    let wait = Task { await desk.refusal(factor, desk.request(wait: 60_000)) }
    try await waitUntil("the key blinks") { key.isBlinking }
    wait.cancel()
    #expect(await wait.value?.reason == .canceled)
    try await waitUntil("it stopped blinking") { !key.isBlinking }
    // Given up before it began.
    let late = Task { () -> Refusal? in
      withUnsafeCurrentTask { $0?.cancel() }
      return await desk.refusal(factor, desk.request(wait: 60_000))
    }
    #expect(await late.value?.reason == .canceled)
    key.behaviour = .init()
    #expect(await desk.refusal(factor) == nil)
  }

  @Test("A key that is plugged in during the wait is noticed")
  func pluggedInLater() async throws {
    let desk = Desk()
    async let factor = desk.register(desk.request(wait: 20_000))
    try await waitUntil("it is asked for") { desk.told == [.keyNeeded] }
    desk.ports.plug(SoftKey())
    _ = try await factor
    #expect(desk.told == [.keyNeeded, .touchNeeded, .touchAccepted])
  }

  @Test("No key, or a token that only types passwords: told at the end of the wait")
  func noKey() async throws {
    let desk = Desk()
    let refusal = await desk.refusalToRegister(desk.request(wait: 50))
    #expect(refusal?.reason == .noSecurityKey)
    desk.ports.show(usb: [KeyIdentity(vendor: 0x1050, product: 0x0010)])
    let other = await desk.refusalToRegister(desk.request(wait: 50))
    #expect(other?.reason == .noSecurityKey)
    #expect(other?.sentence.contains("Typing token") == true)
  }

  @Test("A key that is pulled out while it blinks and comes back is asked again", arguments: [true, false])
  func pulledOut(speaksFIDO2: Bool) async throws {
    let key = SoftKey(SoftKey.Model(speaksFIDO2: speaksFIDO2))
    let desk = Desk(key)
    let factor = try await desk.register()
    key.behaviour = .init(touch: .byCommand)
    async let refusal = desk.refusal(factor, desk.request(wait: 20_000))
    try await waitUntil("the key blinks") { key.isBlinking }
    desk.ports.unplug()
    try await waitUntil("it is missed") { desk.told.last == .keyNeeded }
    key.behaviour = .init()
    desk.ports.plug(key)
    #expect(await refusal == nil)
  }

  @Test("What is missing is told again each time it is missing anew")
  func toldAgain() async throws {
    let key = SoftKey()
    let desk = Desk(key)
    let factor = try await desk.register()
    key.behaviour = .init(touch: .byCommand)
    desk.ports.unplug()
    async let refusal = desk.refusal(factor, desk.request(wait: 20_000))
    for round in 1...2 {
      try await waitUntil("it is asked for") { desk.told.count { $0 == .keyNeeded } == round }
      desk.ports.plug(key)
      try await waitUntil("it is to be touched") { desk.told.count { $0 == .touchNeeded } == round + 1 }
      if round == 1 { desk.ports.unplug() }
    }
    try await waitUntil("it blinks") { key.isBlinking }
    key.touch()
    #expect(await refusal == nil)
  }

  @Test("A key that is pulled out for good is missed at the end of the wait")
  func gone() async throws {
    let key = SoftKey()
    let desk = Desk(key)
    let factor = try await desk.register()
    key.behaviour = .init(touch: .byCommand)
    async let refusal = desk.refusal(factor, endingWhen: "it is missed") { desk.told.last == .keyNeeded }
    try await waitUntil("the key blinks") { key.isBlinking }
    desk.ports.unplug()
    #expect(try await refusal?.reason == .noSecurityKey)
  }

  @Test("A wait that the computer slept through is over when it wakes, and the next one works")
  func suspend() async throws {
    let key = SoftKey()
    let desk = Desk(key)
    let factor = try await desk.register()
    key.behaviour = .init(touch: .byCommand)
    async let refusal = desk.refusal(factor, desk.request(wait: 20_000))
    try await waitUntil("the key blinks") { key.isBlinking }
    // USB devices are found anew after a long sleep.
    desk.ports.unplug()
    desk.ports.plug(key)
    desk.ahead.milliseconds.store(3_600_000, ordering: .relaxed)
    #expect([.touchTimeout, .noSecurityKey, .busy].contains(await refusal?.reason))
    key.behaviour = .init()
    #expect(await desk.refusal(factor) == nil)
  }

  @Test("A key that another program uses is waited for")
  func lent() async throws {
    let desk = Desk(SoftKey())
    let factor = try await desk.register()
    desk.ports.lend("key", true)
    let refused = try await desk.refusal(factor, endingWhen: "it was tried twice") { desk.ports.refused >= 2 }
    #expect(refused?.reason == .busy)
    async let refusal = desk.refusal(factor, desk.request(wait: 20_000))
    desk.ports.lend("key", false)
    #expect(await refusal == nil)
  }

  @Test("Keys and user handles of one machine mean nothing on another")
  func machines() {
    let one = RelyingParty(machineID: Array("0123456789abcdef0123456789abcdef".utf8))
    let other = RelyingParty(machineID: Array("1123456789abcdef0123456789abcdef".utf8))
    #expect(one.id != other.id)
    #expect(!one.id.contains("0123456789abcdef"))
    #expect(one.handle(of: Desk.alice) != other.handle(of: Desk.alice))
    #expect(one.handle(of: Desk.alice) != one.handle(of: UserIdentity(uid: 1000, name: "bob")))
    #expect(one.handle(of: Desk.alice).count == 32)
  }
}
