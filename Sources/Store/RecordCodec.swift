import OfflineAccess

/// What is kept of a user.
struct UserRecord {
  /// Nil where no factor is set up.
  var enrollment: Enrollment?
  var standing = Standing()

  /// Whether there is nothing to keep.
  var isEmpty: Bool { enrollment == nil && standing == Standing() }
}

/// The bytes of a user's record, before they are sealed.
///
/// Big-endian integers in a fixed order behind a format number. A record is decoded only after its
/// seal was verified, so a malformed one is a fault of this program and refused all the same.
enum RecordCodec {
  static let format: UInt8 = 2
  /// Without what an authority says.
  private static let firstFormat: UInt8 = 1
  private static let passcodeMethod: UInt8 = 1
  private static let securityKeyMethod: UInt8 = 2
  /// ES256; room for others.
  private static let keyAlgorithm: UInt8 = 1
  private static let timeMovement: UInt8 = 1
  private static let counterMovement: UInt8 = 2

  static func encode(_ record: UserRecord) -> [UInt8] {
    var writer = Writer()
    writer.put(format)
    encode(record.standing, to: &writer)
    writer.put(UInt8(record.enrollment == nil ? 0 : 1))
    if let enrollment = record.enrollment { encode(enrollment, to: &writer) }
    return writer.bytes
  }

  private static func encode(_ standing: Standing, to writer: inout Writer) {
    for time in [standing.suspendedSince, standing.lastApproval, standing.lastOffline] { writer.put(time ?? .min) }
    let reason = Array(standing.offlineReason.utf8.prefix(Standing.longestReason))
    writer.put(UInt8(reason.count))
    writer.bytes += reason
    writer.put(standing.postponements)
    writer.put(UInt8(standing.isPostponed ? 1 : 0))
  }

  private static func encode(_ enrollment: Enrollment, to writer: inout Writer) {
    writer.put(Int64(enrollment.grant.day.number))
    writer.put(enrollment.grant.used)
    writer.put(enrollment.grant.usedConnected)
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
    case .securityKey(let key):
      writer.put(securityKeyMethod)
      writer.put(keyAlgorithm)
      writer.put(key.counter)
      writer.put(key.identity.vendor)
      writer.put(key.identity.product)
      // All zero where the key names no model, as keys themselves write it.
      writer.bytes += key.identity.aaguid?.bytes ?? [UInt8](repeating: 0, count: AAGUID.length)
      writer.bytes += key.publicKey
      writer.put(UInt16(key.credential.count))
      writer.bytes += key.credential
      writer.put(UInt8(key.relyingParty.utf8.count))
      writer.bytes += key.relyingParty.utf8
    }
  }

  static func decode(_ bytes: UnsafeRawBufferPointer, user: UserIdentity) -> UserRecord? {
    var reader = Reader(bytes)
    guard let written = reader.next(UInt8.self), (firstFormat...format).contains(written) else { return nil }
    var record = UserRecord()
    var hasFactor: UInt8? = 1
    if written > firstFormat {
      guard let standing = standing(from: &reader) else { return nil }
      record.standing = standing
      hasFactor = reader.next(UInt8.self)
    }
    switch hasFactor {
    case 0: break
    case 1:
      guard let enrollment = enrollment(of: user, format: written, from: &reader) else { return nil }
      record.enrollment = enrollment
    default: return nil
    }
    return reader.isAtEnd ? record : nil
  }

  private static func standing(from reader: inout Reader) -> Standing? {
    guard let suspended = reader.next(Int64.self), let approval = reader.next(Int64.self),
      let offline = reader.next(Int64.self), let length = reader.next(UInt8.self), length <= Standing.longestReason,
      let bytes = reader.bytes(count: Int(length)), let reason = String(validating: bytes, as: UTF8.self),
      let postponements = reader.next(UInt32.self), let isPostponed = reader.next(UInt8.self), isPostponed <= 1
    else { return nil }
    var standing = Standing()
    standing.suspendedSince = suspended == .min ? nil : suspended
    standing.lastApproval = approval == .min ? nil : approval
    standing.lastOffline = offline == .min ? nil : offline
    standing.offlineReason = reason
    standing.postponements = postponements
    standing.isPostponed = isPostponed == 1
    return standing
  }

  private static func enrollment(
    of user: UserIdentity, format written: UInt8, from reader: inout Reader
  ) -> Enrollment? {
    guard let number = reader.next(Int64.self), let day = plausibleDay(number), let used = reader.next(UInt32.self),
      let usedConnected = written > firstFormat ? reader.next(UInt32.self) : 0,
      let end = reader.next(Int64.self), let ended = plausibleEnd(end),
      let count = reader.next(UInt32.self), let lockedUntil = reader.next(Int64.self),
      let factor = factor(from: &reader)
    else { return nil }
    return Enrollment(
      user: user, factor: factor, grant: Grant(day: day, used: used, usedConnected: usedConnected, ended: ended),
      failures: Failures(count: count, lockedUntil: lockedUntil))
  }

  private static func factor(from reader: inout Reader) -> Factor? {
    switch reader.next(UInt8.self) {
    case passcodeMethod: passcode(from: &reader).map(Factor.passcode)
    case securityKeyMethod: securityKey(from: &reader).map(Factor.securityKey)
    default: nil
    }
  }

  private static func passcode(from reader: inout Reader) -> PasscodeFactor? {
    guard let digits = reader.next(UInt8.self), (6...9).contains(digits),
      let movement = movement(from: &reader), let length = reader.next(UInt8.self),
      let secret = reader.secret(count: Int(length))
    else { return nil }
    return PasscodeFactor(secret: secret, digits: Int(digits), movement: movement)
  }

  private static func securityKey(from reader: inout Reader) -> SecurityKeyFactor? {
    guard reader.next(UInt8.self) == keyAlgorithm, let counter = reader.next(UInt32.self),
      let vendor = reader.next(UInt16.self), let product = reader.next(UInt16.self),
      let aaguid = reader.bytes(count: AAGUID.length),
      let publicKey = reader.bytes(count: SecurityKeyFactor.publicKeyLength),
      let credentialLength = reader.next(UInt16.self), let credential = reader.bytes(count: Int(credentialLength)),
      let nameLength = reader.next(UInt8.self), let name = reader.bytes(count: Int(nameLength)),
      let relyingParty = String(validating: name, as: UTF8.self)
    else { return nil }
    return SecurityKeyFactor(
      relyingParty: relyingParty, credential: credential, publicKey: publicKey,
      identity: KeyIdentity(vendor: vendor, product: product, aaguid: AAGUID(aaguid)), counter: counter)
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

    mutating func bytes(count: Int) -> [UInt8]? {
      guard bytes.count - offset >= count else { return nil }
      defer { offset += count }
      return Array(bytes[offset..<offset + count])
    }

    mutating func secret(count: Int) -> Secret? {
      guard count > 0, bytes.count - offset >= count else { return nil }
      defer { offset += count }
      return Secret(bytes[offset..<offset + count])
    }
  }
}
