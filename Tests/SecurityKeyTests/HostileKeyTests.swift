import OfflineAccess
import SoftKey
import Testing

@testable import SecurityKey

@Suite("Keys that lie, stall and break")
struct HostileKeyTests {
  /// What a fault leads to at a login.
  private static func expected(_ fault: Fault) -> Set<Refusal.Reason> {
    switch fault {
    case .badSignature: [.badResponse]
    case .otherCredential: [.badResponse, .securityKeyRefused]
    // A U2F key says nothing of the relying party but by its signature.
    case .wrongRelyingParty: [.badResponse, .securityKeyRefused]
    case .truncatedReply, .hugeReply, .emptyReply, .endlessMap, .garbageReply, .errorReply, .presenceClear, .silent,
      .endlessKeepalive, .wrongChannel:
      [.securityKeyRefused]
    case .slowAnswer, .counterBack, .verificationClear, .lyingAlgorithm, .noAttestation: []
    }
  }

  @Test(
    "Every fault at a login is refused by name, and the key is right again when the fault is gone",
    arguments: Fault.allCases, [true, false])
  func atLogin(_ fault: Fault, speaksFIDO2: Bool) async throws {
    let key = SoftKey(SoftKey.Model(speaksFIDO2: speaksFIDO2))
    let desk = Desk(key)
    let factor = try await desk.register()
    key.behaviour = .init(fault: fault)
    let isTaken = Self.expected(fault).isEmpty
    let refusal = await desk.refusal(factor, desk.request(wait: isTaken ? 60_000 : 4000))
    if isTaken {
      // The ring takes it; for the counter see the domain.
      #expect(refusal == nil, "\(fault)")
    } else {
      #expect(
        refusal.map { Self.expected(fault).contains($0.reason) } == true, "\(fault): \(String(describing: refusal))")
    }
    key.behaviour = .init()
    #expect(await desk.refusal(factor) == nil, "\(fault)")
  }

  @Test("Every fault at a set-up is refused by name", arguments: Fault.allCases, [true, false])
  func atSetUp(_ fault: Fault, speaksFIDO2: Bool) async throws {
    let key = SoftKey(SoftKey.Model(speaksFIDO2: speaksFIDO2))
    let desk = Desk(key)
    key.behaviour = .init(fault: fault)
    let isTaken = [.slowAnswer, .counterBack, .verificationClear].contains(fault)
    let refusal = await desk.refusalToRegister(desk.request(wait: isTaken ? 60_000 : 4000))
    switch fault {
    case .slowAnswer, .counterBack, .verificationClear: #expect(refusal == nil, "\(fault)")
    case .otherCredential: break  // What a new credential is called is the key's own affair.
    case .lyingAlgorithm where !speaksFIDO2, .noAttestation where !speaksFIDO2, .presenceClear where !speaksFIDO2,
      .wrongRelyingParty where !speaksFIDO2:
      break  // U2F's registration says nothing of these.
    default:
      #expect(
        refusal.map { [.securityKeyRefused, .badResponse, .touchTimeout].contains($0.reason) } == true,
        "\(fault): \(String(describing: refusal))")
    }
    key.behaviour = .init()
    _ = try await desk.register()
  }

  @Test("A flag that says verified is needed where verification is required")
  func unverified() async throws {
    var policy = SecurityKeyPolicy()
    policy.verification = .required
    let key = SoftKey(SoftKey.Model(pin: "1234"))
    let desk = Desk(key)
    let factor = try await desk.register(desk.request(policy, pin: "1234"))
    key.behaviour = .init(fault: .verificationClear)
    #expect(await desk.refusal(factor, desk.request(policy, pin: "1234"))?.reason == .securityKeyRefused)
  }

  @Test("Faults in all that a key says are no hang and no yes", arguments: Fault.allCases)
  func everywhere(_ fault: Fault) async throws {
    let key = SoftKey()
    let desk = Desk(key)
    let factor = try await desk.register()
    key.behaviour = .init(fault: fault)
    key.behaviour.faultsEverything = true
    _ = await desk.refusal(factor, desk.request(wait: 2000))
    key.behaviour = .init()
    #expect(await desk.refusal(factor) == nil, "\(fault)")
  }

  @Test("A key that hangs holds up nobody at another key")
  func stuck() async throws {
    let (good, bad) = (SoftKey(), SoftKey())
    let desk = Desk(good)
    let factor = try await desk.register()
    bad.behaviour = .init(fault: .silent)
    bad.behaviour.faultsEverything = true
    desk.ports.plug(bad, as: "bad")
    for _ in 0..<5 { #expect(await desk.refusal(factor) == nil) }
  }

  @Test("A proof of one credential is none of another, be it of the same key")
  func otherFactor() async throws {
    let key = SoftKey()
    let desk = Desk(key)
    let (one, other) = (try await desk.register(), try await desk.register())
    // The credential of one, the public key of the other.
    let forged = try #require(
      SecurityKeyFactor(
        relyingParty: one.relyingParty, credential: one.credential, publicKey: other.publicKey,
        identity: one.identity, counter: 0))
    #expect(await desk.refusal(forged)?.reason == .badResponse)
    let elsewhere = try #require(
      SecurityKeyFactor(
        relyingParty: "offline-access:elsewhere", credential: one.credential, publicKey: one.publicKey,
        identity: one.identity, counter: 0))
    let wrong = try await desk.refusal(elsewhere, endingWhen: "the wrong key is told") { desk.told.last == .wrongKey }
    #expect(wrong?.reason == .wrongSecurityKey)
  }
}
