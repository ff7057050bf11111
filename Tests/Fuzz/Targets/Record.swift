import OfflineAccess
import Passcode

@testable import Store

extension FuzzTarget {
  private static let user = UserIdentity(uid: 1000, name: "alice")

  /// An opened record: refused, or one that the program could have written and can live with.
  static let record = FuzzTarget(name: "record", longest: 512) { bytes in
    guard let record = bytes.withUnsafeBytes({ RecordCodec.decode($0, user: user) }) else { return }
    // An earlier format is written as the present one.
    require(
      RecordCodec.encode(record) == bytes || bytes.first != RecordCodec.format,
      "a record that is not written as it was read")
    // The input chooses when and under which policy: trying all at each input would be ten times slower.
    let choice = bytes.reduce(0) { ($0 &* 31) &+ Int($1) } & 0xff
    var policy = Policy()
    policy.limit = [LimitKind.logins, .days, .both, .unlimited][choice % 4]
    // 2000, 2026, 9999
    live(with: record, at: [946_684_800, 1_790_000_000, 253_402_300_799][choice / 4 % 3], policy)
  }

  private static func live(with record: UserRecord, at now: Int64, _ policy: Policy) {
    let circumstances = Circumstances(
      policy: policy, moment: Moment(unixTime: now, uptime: 1), calendar: DaysOfUTC(),
      outage: record.standing.isPostponed ? Outage(reason: "timeout", isConnected: true) : nil)
    func decide(_ body: (inout UserState) throws(Refusal) -> AllowanceReport) {
      var state = UserState(
        user: user, enrollment: record.enrollment, standing: record.standing, clockMark: now)
      do throws(Refusal) { _ = try body(&state) } catch { require(!error.sentence.isEmpty, "a refusal without words") }
      let encoded = RecordCodec.encode(UserRecord(enrollment: state.enrollment, standing: state.standing))
      require(
        encoded.withUnsafeBytes { RecordCodec.decode($0, user: user) } != nil, "what was decided cannot be read again")
    }
    decide { (state) throws(Refusal) in
      state.observe(in: circumstances)
      return state.report(exempt: false, in: circumstances)
    }
    decide { (state) throws(Refusal) in
      try state.authenticate(response: "123456", purpose: .login, in: circumstances, by: HMACPasscode())
    }
    decide { (state) throws(Refusal) in
      try state.authenticate(response: "1", purpose: .login, in: circumstances, by: HMACPasscode())
    }
    decide { (state) throws(Refusal) in try state.renew(in: circumstances) }
    decide { (state) throws(Refusal) in
      state.deny(.user, in: circumstances)
      state.postpone()
      state.approve(in: circumstances)
      return state.report(exempt: false, in: circumstances, via: .online)
    }
    // A right code, whatever the record says.
    guard case .passcode(let factor)? = record.enrollment?.factor, case .counter(let next) = factor.movement,
      let value = try? HMACPasscode().value(secret: factor.secret, counter: next, digits: factor.digits)
    else { return }
    let digits = String(value)
    let code = String(repeating: "0", count: max(0, factor.digits - digits.count)) + digits
    decide { (state) throws(Refusal) in
      try state.authenticate(response: code, purpose: .login, in: circumstances, by: HMACPasscode())
    }
  }

  /// A sealed box: opened only where not one bit of it, of its context and of its key differs.
  static let sealedRecord = FuzzTarget(name: "sealed-record", longest: 512) { bytes in
    let sealer = Sealer(key: Secret([UInt8](repeating: 7, count: Sealer.keyLength)))
    let context = Array("enrollment alice".utf8)
    require((try? sealer.open(bytes, context: context) { _ in true }) == nil, "a box that nobody sealed was opened")
    // The input as a change of a right box.
    let plaintext = Array("a record".utf8)
    guard let box = try? sealer.seal(plaintext, context: context) else { fatalError("cannot seal") }
    func opened(_ box: [UInt8], _ context: [UInt8]) -> [UInt8]? {
      try? sealer.open(box, context: context) { [UInt8]($0) }
    }
    require(opened(box, context) == plaintext, "a right box was not opened")
    var changed = box
    for (index, byte) in bytes.enumerated() {
      if index < changed.count { changed[index] ^= byte } else { changed.append(byte) }
    }
    require(opened(changed, context) == (changed == box ? plaintext : nil), "a changed box was opened")
    require(opened(box, context + bytes) == (bytes.isEmpty ? plaintext : nil), "another context opened a box")
    require(opened(box, bytes) == (bytes == context ? plaintext : nil), "another context opened a box")
    require(
      opened(Array(box.prefix(bytes.count)), context) == (bytes.count >= box.count ? plaintext : nil), "a cut box")
  }
}

struct DaysOfUTC: LocalCalendar {
  func day(at unixTime: Int64) -> Day { Day(number: Int(unixTime / 86_400)) }
  func end(of day: Day) -> Int64 { Int64(day.number + 1) * 86_400 }
}
