import OfflineAccess
import Testing

@testable import Store

@Suite("The record of a security key")
struct KeyRecordTests {
  private static func enrollment(_ credentialLength: Int, aaguid: AAGUID?, counter: UInt32) throws -> Enrollment {
    let key = try #require(
      SecurityKeyFactor(
        relyingParty: "offline-access:0123", credential: (0..<credentialLength).map { UInt8(truncatingIfNeeded: $0) },
        publicKey: (0..<64).map { UInt8($0) },
        identity: KeyIdentity(vendor: 0xfedc, product: 0x0407, aaguid: aaguid), counter: counter))
    return Enrollment(
      user: alice, factor: .securityKey(key), grant: Grant(day: Day(number: 20_000), used: 3),
      failures: Failures(count: 2, lockedUntil: 5))
  }

  private func decode(_ bytes: [UInt8]) -> Enrollment? {
    bytes.withUnsafeBytes { RecordCodec.decode($0, user: alice)?.enrollment }
  }

  @Test(
    "Every part comes back, at the ends of their ranges",
    arguments: [(1, nil, 0), (64, AAGUID("f8a011f3-8c0a-4d15-8006-17111f9edc7d"), 7), (1023, nil, .max)]
      as [(Int, AAGUID?, UInt32)])
  func roundTrip(_ length: Int, _ aaguid: AAGUID?, _ counter: UInt32) throws {
    let enrollment = try Self.enrollment(length, aaguid: aaguid, counter: counter)
    let decoded = try #require(decode(RecordCodec.encode(UserRecord(enrollment: enrollment))))
    guard case .securityKey(let before) = enrollment.factor, case .securityKey(let after) = decoded.factor else {
      Issue.record("another kind of factor")
      return
    }
    #expect(before == after)
    #expect(decoded.grant == enrollment.grant && decoded.failures == enrollment.failures)
  }

  @Test("A record that is cut anywhere, or goes on, is none")
  func lengths() throws {
    let bytes = RecordCodec.encode(UserRecord(enrollment: try Self.enrollment(64, aaguid: nil, counter: 1)))
    for count in 0..<bytes.count { #expect(decode(Array(bytes.prefix(count))) == nil) }
    #expect(decode(bytes + [0]) == nil)
  }

  @Test("It is kept by the store, bound to its user as every record")
  func stored() async throws {
    let fixture = try StateFixture()
    let enrollment = try Self.enrollment(64, aaguid: nil, counter: 1)
    try await fixture.withStore { store throws in
      try await store.transact(alice) { $0.enrollment = enrollment }
    }
    try await fixture.withStore { store throws in
      let method = try await store.transact(alice) { $0.enrollment?.factor.method }
      #expect(method == .securityKey)
    }
  }
}
