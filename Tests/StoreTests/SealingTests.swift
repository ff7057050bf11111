import Foundation
import OfflineAccess
import Testing

@testable import Store

@Suite("Sealed boxes")
struct SealerTests {
  private static let key = Secret(0..<32)
  private static let sealer = Sealer(key: key)
  private static let text = [UInt8]("what nobody may read".utf8)
  private static let context = [UInt8]("its place".utf8)

  private func opened(_ box: [UInt8], _ context: [UInt8] = context, by sealer: Sealer = sealer) -> [UInt8]? {
    try? sealer.open(box, context: context) { Array($0) }
  }

  @Test("A box opens to what was put in", arguments: [0, 1, 15, 16, 17, 255, 10_000])
  func roundTrip(_ count: Int) throws {
    let plaintext = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
    #expect(opened(try Self.sealer.seal(plaintext, context: Self.context)) == plaintext)
    #expect(opened(try Self.sealer.seal(plaintext, context: []), []) == plaintext)
  }

  @Test("Any changed bit of a box keeps it shut")
  func flipped() throws {
    let box = try Self.sealer.seal(Self.text, context: Self.context)
    for index in box.indices {
      for bit in 0..<8 {
        var changed = box
        changed[index] ^= 1 << UInt8(bit)
        #expect(opened(changed) == nil, "byte \(index), bit \(bit)")
      }
    }
    #expect(opened(box) == Self.text)
  }

  @Test("A box cut or lengthened keeps shut")
  func lengths() throws {
    let box = try Self.sealer.seal(Self.text, context: Self.context)
    for count in 0..<box.count { #expect(opened(Array(box.prefix(count))) == nil) }
    for count in 1..<box.count { #expect(opened(Array(box.suffix(count))) == nil) }
    #expect(opened(box + [0]) == nil)
    #expect(opened([0] + box) == nil)
  }

  @Test("A box opens in its place only", arguments: ["", "its plac", "its place ", "Its place", "another"])
  func otherContext(_ context: String) throws {
    let box = try Self.sealer.seal(Self.text, context: Self.context)
    #expect(opened(box, Array(context.utf8)) == nil)
  }

  @Test("A box opens by its key only", arguments: 0..<32)
  func otherKey(_ index: Int) throws {
    var bytes = [UInt8](0..<32)
    bytes[index] ^= 0x80
    let box = try Self.sealer.seal(Self.text, context: Self.context)
    #expect(opened(box, by: Sealer(key: Secret(bytes))) == nil)
    #expect(opened(box, by: Sealer(key: Secret(0..<32))) == Self.text)
  }

  @Test("The same content never makes the same box, nor shows in it")
  func nonce() throws {
    let boxes = try (0..<200).map { _ in try Self.sealer.seal(Self.text, context: Self.context) }
    #expect(Set(boxes.map { Array($0.prefix(12)) }).count == 200)
    #expect(Set(boxes.map { Array($0.dropFirst(12)) }).count == 200)
    for box in boxes { #expect(Data(box).range(of: Data(Self.text.prefix(4))) == nil) }
  }
}

@Suite("The bytes of a record")
struct RecordCodecTests {
  private func decoded(_ bytes: [UInt8]) -> Sample? {
    bytes.withUnsafeBytes { RecordCodec.decode($0, user: alice)?.enrollment }.map(Sample.init)
  }

  static let samples: [Sample] = [
    Sample(secret: [0]),
    Sample(secret: [UInt8](repeating: 0xff, count: 255), digits: 9, movement: .counter(next: .max)),
    Sample(secret: .init(0..<20), digits: 8, movement: .counter(next: 1)),
    Sample(secret: .init(0..<20), movement: .time(.init(period: 30))),
    Sample(secret: .init(0..<20), movement: .time(.init(period: 1, lastStep: 0, drift: 0, trend: 0))),
    Sample(secret: .init(0..<20), movement: .time(.init(period: 86_400, lastStep: .max, drift: 10, trend: -1))),
    Sample(secret: .init(0..<20), movement: .time(.init(period: 30, lastStep: 59_104_800, drift: -10, trend: 1))),
    Sample(secret: .init(0..<20), grant: Grant(day: Day(number: -1), used: .max)),
    Sample(secret: .init(0..<20), grant: Grant(day: Day(number: 20_000), ended: Day(number: 20_007))),
    Sample(secret: .init(0..<20), grant: Grant(day: Day(year: 9999, month: 12, day: 31), used: 1)),
    Sample(secret: .init(0..<20), grant: Grant(day: Day(year: 1, month: 1, day: 1), used: 0)),
    Sample(secret: .init(0..<20), grant: Grant(day: Day(number: 20_000), used: 7, usedConnected: .max)),
    Sample(secret: .init(0..<20), failures: Failures(count: .max, lockedUntil: .max)),
    Sample(secret: .init(0..<20), failures: Failures(count: 1, lockedUntil: .min)),
  ]

  @Test("Every field comes back, at its extremes too", arguments: samples)
  func roundTrip(_ sample: Sample) {
    #expect(decoded(RecordCodec.encode(sample.record(of: alice))) == sample)
  }

  @Test("Every field comes back through the store too")
  func throughTheStore() async throws {
    let fixture = try StateFixture()
    let users = Self.samples.indices.map { UserIdentity(uid: 2000 + UInt32($0), name: "user\($0)") }
    try await fixture.withStore { store throws in
      for (user, sample) in zip(users, Self.samples) { try await store.enroll(user, sample) }
    }
    try await fixture.withStore { store throws in
      for (user, sample) in zip(users, Self.samples) { #expect(try await store.sample(of: user) == sample) }
    }
  }

  @Test("A record cut or lengthened is refused", arguments: samples)
  func lengths(_ sample: Sample) {
    let record = RecordCodec.encode(sample.record(of: alice))
    for count in record.indices { #expect(decoded(Array(record.prefix(count))) == nil, "\(count) bytes") }
    #expect(decoded(record + [0]) == nil)
  }

  @Test(
    "A record of an unknown kind is refused",
    arguments: [
      (0, 0), (0, 3),  // format
      (25, 33),  // the length of the reason
      (30, 2), (31, 2),  // yes or no
      (68, 0), (68, 3),  // method
      (69, 5), (69, 10), (69, 0),  // digits
      (70, 0), (70, 3),  // movement
      (71, 0x80),  // a period below zero
      (103, 0), (103, 21),  // the secret's length
    ] as [(Int, UInt8)])
  func unknown(_ index: Int, _ byte: UInt8) {
    let sample = Sample(secret: .init(0..<20), movement: .time(.init(period: 30)))
    var record = RecordCodec.encode(sample.record(of: alice))
    #expect(record.count == 124)
    record[index] = byte
    #expect(decoded(record) == nil)
  }

  static let implausible: [Sample] = [
    Sample(secret: [1], movement: .time(.init(period: 0))),
    Sample(secret: [1], movement: .time(.init(period: 86_401))),
    Sample(secret: [1], movement: .time(.init(period: .max, lastStep: 1))),
    Sample(secret: [1], movement: .time(.init(period: 30, lastStep: -1))),
    Sample(secret: [1], movement: .time(.init(period: 30, drift: 11))),
    Sample(secret: [1], movement: .time(.init(period: 30, drift: .max))),
    Sample(secret: [1], movement: .time(.init(period: 30, drift: .min))),
    Sample(secret: [1], movement: .time(.init(period: 30, trend: 2))),
    Sample(secret: [1], movement: .time(.init(period: 30, trend: .min))),
    Sample(secret: [1], grant: Grant(day: Day(number: .max), used: 0)),
    Sample(secret: [1], grant: Grant(day: Day(number: .min), used: 0)),
    Sample(secret: [1], grant: Grant(day: Day(number: 20_000), ended: Day(number: .max))),
    Sample(secret: [1], grant: Grant(day: Day(year: 10_000, month: 1, day: 1), used: 0)),
    Sample(secret: [1], grant: Grant(day: Day(year: 0, month: 12, day: 31), used: 0)),
  ]

  @Test(
    "Numbers that this program cannot have come to, with which it would overflow, are refused", arguments: implausible)
  func cannotBe(_ sample: Sample) {
    #expect(decoded(RecordCodec.encode(sample.record(of: alice))) == nil)
  }
}

extension Sample {
  fileprivate func record(of user: UserIdentity) -> UserRecord { UserRecord(enrollment: enrollment(of: user)) }
}
