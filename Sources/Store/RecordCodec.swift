import OfflineAccess

/// The bytes of an enrollment, before they are sealed.
///
/// Big-endian integers in a fixed order behind a format number. A record is decoded only after its
/// seal was verified, so a malformed one is a fault of this program and refused all the same.
enum RecordCodec {
  static let format: UInt8 = 1
  private static let passcodeMethod: UInt8 = 1
  private static let timeMovement: UInt8 = 1
  private static let counterMovement: UInt8 = 2

  static func encode(_ enrollment: Enrollment) -> [UInt8] {
    var writer = Writer()
    writer.put(format)
    writer.put(Int64(enrollment.grant.day.number))
    writer.put(enrollment.grant.used)
    writer.put(Int64(enrollment.grant.ended?.number ?? .min))
    writer.put(enrollment.failures.count)
    writer.put(enrollment.failures.lockedUntil)
    switch enrollment.factor {
    case .passcode(let passcode):
      writer.put(passcodeMethod)
      writer.put(UInt8(passcode.digits))
      switch passcode.movement {
      case .time(let time):
        writer.put(timeMovement)
        writer.put(time.period)
        writer.put(time.lastStep ?? .min)
        writer.put(time.drift)
        writer.put(time.trend)
      case .counter(let next):
        writer.put(counterMovement)
        writer.put(next)
      }
      writer.put(UInt8(passcode.secret.count))
      passcode.secret.withBytes { writer.bytes.append(contentsOf: $0) }
    }
    return writer.bytes
  }

  static func decode(_ bytes: UnsafeRawBufferPointer, user: UserIdentity) -> Enrollment? {
    var reader = Reader(bytes)
    guard reader.next(UInt8.self) == format,
      let number = reader.next(Int64.self), let day = plausibleDay(number), let used = reader.next(UInt32.self),
      let end = reader.next(Int64.self), let ended = plausibleEnd(end),
      let count = reader.next(UInt32.self), let lockedUntil = reader.next(Int64.self),
      reader.next(UInt8.self) == passcodeMethod, let digits = reader.next(UInt8.self), (6...9).contains(digits),
      let movement = movement(from: &reader), let length = reader.next(UInt8.self),
      let secret = reader.secret(count: Int(length)), reader.isAtEnd
    else { return nil }
    return Enrollment(
      user: user, factor: .passcode(PasscodeFactor(secret: secret, digits: Int(digits), movement: movement)),
      grant: Grant(day: day, used: used, ended: ended),
      failures: Failures(count: count, lockedUntil: lockedUntil))
  }

  private static func plausibleDay(_ number: Int64) -> Day? {
    let day = Day(number: Int(number))
    return day.isPlausible ? day : nil
  }

  /// The least integer stands for none; nil is no day.
  private static func plausibleEnd(_ number: Int64) -> Day?? {
    number == .min ? .some(nil) : plausibleDay(number).map { .some($0) }
  }

  private static func movement(from reader: inout Reader) -> PasscodeFactor.Movement? {
    switch reader.next(UInt8.self) {
    case timeMovement:
      guard let period = reader.next(Int64.self), let lastStep = reader.next(Int64.self),
        let drift = reader.next(Int64.self), let trend = reader.next(Int64.self)
      else { return nil }
      let time = PasscodeFactor.TimeMovement(
        period: period, lastStep: lastStep == .min ? nil : lastStep, drift: drift, trend: trend)
      return time.isPlausible ? .time(time) : nil
    case counterMovement: return reader.next(UInt64.self).map { .counter(next: $0) }
    default: return nil
    }
  }

  private struct Writer {
    var bytes: [UInt8] = {
      // Room for a whole record: growing would leave copies of the secret behind.
      var bytes: [UInt8] = []
      bytes.reserveCapacity(512)
      return bytes
    }()

    mutating func put(_ value: some FixedWidthInteger) {
      withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }
  }

  private struct Reader {
    private let bytes: UnsafeRawBufferPointer
    private var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isAtEnd: Bool { offset == bytes.count }

    mutating func next<T: FixedWidthInteger>(_ type: T.Type) -> T? {
      guard bytes.count - offset >= MemoryLayout<T>.size else { return nil }
      defer { offset += MemoryLayout<T>.size }
      return T(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
    }

    mutating func secret(count: Int) -> Secret? {
      guard count > 0, bytes.count - offset >= count else { return nil }
      defer { offset += count }
      return Secret(bytes[offset..<offset + count])
    }
  }
}
