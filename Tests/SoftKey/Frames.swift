/// CTAPHID's frames (CTAP 2.1, section 11.2).
enum Frame {
  static let length = 64
  /// What fits into the first frame and into each that follows.
  static let firstPayload = 57
  static let nextPayload = 59
  static let longestMessage = firstPayload + 128 * nextPayload

  static let broadcast: UInt32 = 0xffff_ffff

  enum Command: UInt8 {
    case ping = 0x01
    case message = 0x03
    case initialize = 0x06
    case wink = 0x08
    case cbor = 0x10
    case cancel = 0x11
    case keepalive = 0x3b
    case error = 0x3f
  }

  enum Failure: UInt8 {
    case invalidCommand = 0x01
    case invalidLength = 0x03
    case invalidSequence = 0x04
    case timeout = 0x05
    case busy = 0x06
    case invalidChannel = 0x0b
  }

  /// The frames of a message; `announced` is the length that the first one tells, if it is to be another.
  static func frames(channel: UInt32, command: Command, _ payload: [UInt8], announced: Int? = nil) -> [[UInt8]] {
    let address = (0..<4).reversed().map { UInt8(truncatingIfNeeded: channel >> UInt32(8 * $0)) }
    let count = announced ?? payload.count
    var rest = payload[...]
    func filled(_ head: [UInt8]) -> [UInt8] {
      let room = length - head.count
      defer { rest = rest.dropFirst(room) }
      return head + rest.prefix(room) + [UInt8](repeating: 0, count: max(0, room - rest.count))
    }
    var frames = [filled(address + [command.rawValue | 0x80, UInt8(count >> 8 & 0xff), UInt8(count & 0xff)])]
    for sequence in 0..<128 as Range<UInt8> where !rest.isEmpty { frames.append(filled(address + [sequence])) }
    return frames
  }
}

/// A frame that came in.
struct IncomingFrame {
  let channel: UInt32
  /// The command byte, without its top bit, or the sequence number.
  let number: UInt8
  let isFirst: Bool
  private let bytes: ArraySlice<UInt8>

  /// Nil unless `report` has 64 bytes, or 65 with the report id 0 first.
  init?(_ report: some Collection<UInt8>) {
    guard report.count == Frame.length || (report.count == Frame.length + 1 && report.first == 0) else { return nil }
    bytes = Array(report.suffix(Frame.length))[...]
    channel = bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    isFirst = bytes[4] & 0x80 != 0
    number = bytes[4] & 0x7f
  }

  /// The length of the message that a first frame announces.
  var announced: Int { Int(bytes[5]) << 8 | Int(bytes[6]) }
  var payload: ArraySlice<UInt8> { isFirst ? bytes[7...] : bytes[5...] }
}

/// A message that is being received.
struct Assembly {
  let channel: UInt32
  let command: UInt8
  private let length: Int
  private var payload: [UInt8]
  private var next: UInt8 = 0

  init(_ first: IncomingFrame) {
    channel = first.channel
    command = first.number
    length = first.announced
    payload = Array(first.payload.prefix(first.announced))
  }

  /// Takes the next frame; false if it is out of turn.
  mutating func add(_ frame: IncomingFrame) -> Bool {
    guard frame.number == next else { return false }
    next += 1
    payload += frame.payload.prefix(length - payload.count)
    return true
  }

  /// The whole message, once it is there.
  var message: [UInt8]? { payload.count == length ? payload : nil }
}
