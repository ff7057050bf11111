import Testing

@testable import OfflineAccess

@Suite("A security key as the factor")
struct KeyFactorTests {
  private static func key(_ number: UInt8 = 1, counter: UInt32 = 0) -> SecurityKeyFactor {
    guard
      let factor = SecurityKeyFactor(
        relyingParty: "offline-access:test", credential: [number], publicKey: [UInt8](repeating: number, count: 64),
        identity: KeyIdentity(vendor: 0x1050, product: 0x0407), counter: counter)
    else { fatalError("no factor") }
    return factor
  }

  /// A laptop whose user has a key.
  private func laptop(
    counter: UInt32 = 0, limit: LimitKind = .logins, change: (inout Policy) -> Void = { _ in }
  ) -> Laptop {
    let laptop = Laptop(limit: limit, change: change)
    laptop.state.enrollment?.factor = .securityKey(Self.key(counter: counter))
    laptop.reload()
    return laptop
  }

  private func touch(
    _ laptop: Laptop, counter: UInt32, credential: UInt8 = 1, for purpose: Purpose? = .login
  ) -> Refusal? {
    refusal { () throws(Refusal) in
      try laptop.state.authenticate(
        touch: .success(KeyProof(credential: [credential], counter: counter)), purpose: purpose,
        in: laptop.circumstances)
    }
  }

  private func fail(_ laptop: Laptop, _ failure: Refusal) -> Refusal? {
    refusal { () throws(Refusal) in
      try laptop.state.authenticate(touch: .failure(failure), purpose: .login, in: laptop.circumstances)
    }
  }

  private func counter(_ laptop: Laptop) -> UInt32? {
    if case .securityKey(let key)? = laptop.state.enrollment?.factor { key.counter } else { nil }
  }

  @Test("A touch draws the allowance down where its purpose counts, and moves the counter's mark")
  func draws() {
    let laptop = laptop()
    #expect(touch(laptop, counter: 5) == nil)
    #expect(laptop.report.remaining == 9)
    #expect(counter(laptop) == 5)
    #expect(touch(laptop, counter: 6, for: .unlock) == nil)
    #expect(touch(laptop, counter: 7, for: nil) == nil)
    #expect(laptop.report.remaining == 9)
    #expect(counter(laptop) == 7)
    #expect(laptop.report.method == .securityKey)
  }

  @Test(
    "A counter that does not rise is a possible copy: refused, nothing drawn, the mark kept",
    arguments: [(5, 5), (5, 4), (5, 0), (1, 0), (.max, 0), (.max, .max)] as [(UInt32, UInt32)])
  func clone(_ mark: UInt32, _ shown: UInt32) {
    let laptop = laptop(counter: mark)
    let refusal = touch(laptop, counter: shown)
    #expect(refusal?.reason == .securityKeyRefused)
    #expect(refusal?.sentence.contains("copy") == true)
    #expect(!laptop.state.recordChanged)
  }

  @Test("A counter that is always 0 is allowed, and one that begins to count is followed")
  func zero() {
    let laptop = laptop()
    for _ in 0..<3 { #expect(touch(laptop, counter: 0) == nil) }
    #expect(touch(laptop, counter: 1) == nil)
    #expect(touch(laptop, counter: 0)?.reason == .securityKeyRefused)
  }

  @Test("A proof of another credential, and one for a user with a phone, are wrong")
  func other() {
    #expect(touch(laptop(), counter: 1, credential: 2)?.reason == .wrongSecurityKey)
    let phone = Laptop()
    #expect(touch(phone, counter: 1)?.reason == .wrongSecurityKey)
    #expect(!phone.state.recordChanged)
  }

  @Test("Guesses count towards the lock: wrong PINs and forged proofs; an untouched or absent key does not")
  func guesses() {
    let laptop = laptop { $0.attempts = 3 }
    for harmless: Refusal in [.touchTimeout, .noSecurityKey, .wrongSecurityKey, .pinRequired, .fewTries(3), .keyInUse] {
      #expect(fail(laptop, harmless)?.reason == harmless.reason)
    }
    #expect(laptop.state.enrollment?.failures.count == 0)
    #expect(fail(laptop, .badPin(left: 7))?.reason == .badPin)
    #expect(fail(laptop, .badSignature)?.reason == .badResponse)
    let locking = fail(laptop, .badPin(left: 6))
    #expect(locking?.sentence.contains("6 tries left") == true)
    #expect(locking?.sentence.contains("Too many failed attempts") == true)
    #expect(touch(laptop, counter: 9)?.reason == .locked)
    laptop.clock += 31
    #expect(touch(laptop, counter: 9) == nil)
    #expect(laptop.state.enrollment?.failures.count == 0)
    #expect(laptop.report.remaining == 9)
  }

  @Test("The allowance is looked at again after the touch: it may be used up meanwhile")
  func usedUpMeanwhile() {
    let laptop = laptop { $0.logins = 1 }
    let key = refusal { () throws(Refusal) in
      #expect(try laptop.state.keyToTouch(for: .login, in: laptop.circumstances) == Self.key())
    }
    #expect(key == nil)
    #expect(touch(laptop, counter: 1) == nil)
    #expect(touch(laptop, counter: 2)?.reason == .allowanceExhausted)
    let none = refusal { () throws(Refusal) in try laptop.state.keyToTouch(for: .login, in: laptop.circumstances) }
    #expect(none?.reason == .allowanceExhausted)
  }

  @Test("Under a count a wrong clock does not shut a key out; a day limit does")
  func clock() {
    let counted = laptop()
    counted.clock -= 86_400
    #expect(touch(counted, counter: 1) == nil)
    let dated = laptop(limit: .days)
    dated.clock -= 86_400
    #expect(touch(dated, counter: 1)?.reason == .clockUntrusted)
  }

  @Test("A typed passcode is no guess for a key user, and a question is answered by the touch")
  func typed() {
    let laptop = laptop()
    #expect(laptop.refusal("123456") == .badResponse)
    #expect(laptop.state.enrollment?.failures.count == 0)
    let phone = Laptop()
    let key = refusal { () throws(Refusal) in
      #expect(try phone.state.keyToTouch(for: .login, in: phone.circumstances) == nil)
    }
    #expect(key == nil)
  }

  private func setUp(_ kind: PendingActivation.Kind, granted: Bool) -> PendingActivation {
    PendingActivation(
      number: 1, owner: 0, user: Laptop.alice, kind: kind, granted: granted,
      device: .securityKey(Self.key(2), KeyHolder(user: Laptop.alice, machine: "laptop")), startedAt: 0)
  }

  private func confirm(_ laptop: Laptop, _ activation: PendingActivation, _ proof: KeyProof) -> Refusal? {
    refusal { () throws(Refusal) in
      let factor = try laptop.state.proven(activation, of: Self.key(2), proof: proof, in: laptop.circumstances)
      return try laptop.state.confirm(activation, as: factor, in: laptop.circumstances)
    }
  }

  @Test("A second touch makes the key the factor in one change, with the counter that it showed")
  func confirmation() throws {
    let laptop = Laptop()
    try laptop.logIn()
    #expect(
      confirm(laptop, setUp(.first, granted: true), KeyProof(credential: [2], counter: 3))?.reason == .alreadyActivated)
    #expect(
      confirm(laptop, setUp(.replacement, granted: true), KeyProof(credential: [9], counter: 3))?.reason
        == .wrongSecurityKey)
    #expect(confirm(laptop, setUp(.replacement, granted: false), KeyProof(credential: [2], counter: 3)) == nil)
    #expect(laptop.state.enrollment?.factor.method == .securityKey)
    #expect(counter(laptop) == 3)
    // Without an authority behind it what was used stays used.
    #expect(laptop.report.remaining == 9)
    #expect(laptop.refusal(laptop.device.code(1)) == .badResponse)
    #expect(touch(laptop, counter: 3, credential: 2)?.reason == .securityKeyRefused)
    #expect(touch(laptop, counter: 4, credential: 2) == nil)
  }

  @Test("A factor of lengths that no key makes does not exist")
  func lengths() {
    func exists(_ party: String, _ credential: Int, _ publicKey: Int) -> Bool {
      SecurityKeyFactor(
        relyingParty: party, credential: [UInt8](repeating: 1, count: credential),
        publicKey: [UInt8](repeating: 1, count: publicKey), identity: KeyIdentity(vendor: 1, product: 1), counter: 0)
        != nil
    }
    #expect(exists("a", 1, 64) && exists("a", 1023, 64))
    #expect(!exists("", 1, 64) && !exists("a", 0, 64) && !exists("a", 1024, 64) && !exists("a", 1, 63))
    #expect(!exists(String(repeating: "a", count: 254), 1, 64))
  }
}
