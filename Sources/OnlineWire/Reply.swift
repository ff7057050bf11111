/// What the authority wants of the user before it decides.
public struct OnlineChallenge: Equatable, Sendable {
  /// A device was asked, and `wait` waits for it.
  public var push: Bool
  /// A code may be typed.
  public var passcode: Bool
  /// What the server asks, as `shownText` leaves it.
  public var text: String

  public init(push: Bool, passcode: Bool, text: String = "") {
    self.push = push
    self.passcode = passcode
    self.text = shownText(text)
  }
}

/// The end of an authentication.
public struct OnlineVerdict: Equatable, Sendable {
  public var value: VerdictValue
  /// What the authority knows the check by, such as a token's serial; only of an approval, and never empty there.
  public var proof: String
  public var reason: OnlineReason
  /// A sentence for the journal, without secrets.
  public var detail: String
  /// It may be an attack: somebody else's certificate, a clock that is wrong, a bad signature.
  public var alarm: Bool
  /// Seconds that the authority's clock is ahead of ours, where it told.
  public var clockOffset: Int64?
  /// Of an authority that is unreachable: whether this machine has a network all the same.
  public var isConnected = false

  public static func approved(proof: String, _ detail: String) -> Self {
    // Whatever says yes without naming what was checked is no approval.
    let proof = shownText(proof)
    return proof.isEmpty
      ? Self(.bypassed, .noFactor, detail)
      : Self(value: .approved, proof: proof, reason: .checked, detail: detail, alarm: false)
  }

  public init(_ value: VerdictValue, _ reason: OnlineReason, _ detail: String, alarm: Bool = false) {
    // By `approved` only.
    precondition(value != .approved)
    self.init(value: value, proof: "", reason: reason, detail: detail, alarm: alarm)
  }

  private init(value: VerdictValue, proof: String, reason: OnlineReason, detail: String, alarm: Bool) {
    self.value = value
    self.proof = proof
    self.reason = reason
    self.detail = shownText(detail)
    self.alarm = alarm
  }

  init?(
    value: VerdictValue, proof: String, reason: OnlineReason, detail: String, alarm: Bool, offset: Int64?,
    isConnected: Bool
  ) {
    guard (value == .approved) == !proof.isEmpty, value == .unreachable || !isConnected else { return nil }
    self.init(value: value, proof: proof, reason: reason, detail: detail, alarm: alarm)
    clockOffset = offset
    self.isConnected = isConnected
  }
}

/// What a harmless call found.
public struct OnlineProbe: Equatable, Sendable {
  public var value: ProbeValue
  public var reason: OnlineReason
  public var detail: String
  public var alarm: Bool
  public var clockOffset: Int64?

  public init(
    _ value: ProbeValue, _ reason: OnlineReason, _ detail: String, alarm: Bool = false, clockOffset: Int64? = nil
  ) {
    self.value = value
    self.reason = reason
    self.detail = shownText(detail)
    self.alarm = alarm
    self.clockOffset = clockOffset
  }
}

/// What the process answers. It counts only under the request that the service chose.
public enum OnlineReply: Equatable, Sendable {
  case challenge(OnlineChallenge)
  case verdict(OnlineVerdict)
  case probed(OnlineProbe)

  public func frame(to id: RequestID) -> Frame {
    switch self {
    case .challenge(let challenge):
      Frame(
        ReplyKind.challenge.rawValue,
        [
          (.request, id.hex.bytes), (.push, challenge.push.word), (.passcode, challenge.passcode.word),
          (.text, challenge.text.bytes),
        ])
    case .verdict(let verdict):
      Frame(
        ReplyKind.verdict.rawValue,
        [
          (.request, id.hex.bytes), (.value, verdict.value.rawValue.bytes), (.proof, verdict.proof.bytes),
          (.reason, verdict.reason.rawValue.bytes), (.detail, verdict.detail.bytes), (.alarm, verdict.alarm.word),
          (.clockOffset, verdict.clockOffset.map { String($0).bytes }), (.connected, verdict.isConnected.word),
        ])
    case .probed(let probe):
      Frame(
        ReplyKind.probed.rawValue,
        [
          (.request, id.hex.bytes), (.value, probe.value.rawValue.bytes), (.reason, probe.reason.rawValue.bytes),
          (.detail, probe.detail.bytes), (.alarm, probe.alarm.word),
          (.clockOffset, probe.clockOffset.map { String($0).bytes }),
        ])
    }
  }

  /// Reads a reply to `id`; one to anything else is an error.
  public init(_ frame: Frame, to id: RequestID) throws(FrameFault) {
    guard let kind = ReplyKind(rawValue: frame.kind) else { throw .unexpected(frame.kind) }
    var fields = FieldSource(frame)
    guard try fields.requestID() == id else { throw .unexpected(FieldName.request.rawValue) }
    switch kind {
    case .challenge:
      self = .challenge(
        OnlineChallenge(
          push: try fields.flag(.push), passcode: try fields.flag(.passcode), text: try fields.needed(.text)))
    case .verdict:
      let verdict = OnlineVerdict(
        value: try fields.word(.value), proof: try fields.needed(.proof), reason: try fields.word(.reason),
        detail: try fields.needed(.detail), alarm: try fields.flag(.alarm), offset: try Self.offset(&fields),
        isConnected: try fields.flag(.connected))
      guard let verdict else { throw .unexpected(FieldName.proof.rawValue) }
      self = .verdict(verdict)
    case .probed:
      self = .probed(
        OnlineProbe(
          try fields.word(.value), try fields.word(.reason), try fields.needed(.detail),
          alarm: try fields.flag(.alarm), clockOffset: try Self.offset(&fields)))
    }
    try fields.end()
  }

  private static func offset(_ fields: inout FieldSource) throws(FrameFault) -> Int64? {
    guard let text = try fields.text(.clockOffset) else { return nil }
    guard let offset = Int64(text) else { throw .unexpected(FieldName.clockOffset.rawValue) }
    return offset
  }
}

/// `text` as it may be shown at a login screen or written to a journal: one line of printable characters, at most 200.
public func shownText(_ text: String) -> String {
  var shown = String.UnicodeScalarView()
  for scalar in text.unicodeScalars.prefix(4000) where shown.count < 200 {
    switch scalar.properties.generalCategory {
    // Control characters end lines or drive terminals; format characters turn the direction of writing.
    case .control, .format, .lineSeparator, .paragraphSeparator, .spaceSeparator, .surrogate, .unassigned,
      .privateUse:
      if let last = shown.last, last != " " { shown.append(" ") }
    default: shown.append(scalar)
    }
  }
  while shown.last == " " { shown.removeLast() }
  return String(shown)
}
