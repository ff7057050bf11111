/// CTAP1/U2F (FIDO U2F raw message formats 1.2).
extension SoftKey {
  private enum Word: UInt16, Error {
    case noError = 0x9000
    case wrongLength = 0x6700
    case conditionsNotSatisfied = 0x6985
    case wrongData = 0x6a80
    case unknownInstruction = 0x6d00
    case unknownClass = 0x6e00
  }

  /// The answer to a message: data, if any, and a status word.
  func answerU2F(_ message: [UInt8]) -> [UInt8] {
    var data: [UInt8] = []
    var word = Word.noError
    do throws(Word) {
      data = try respond(message)
    } catch {
      word = error
    }
    return data + [UInt8(word.rawValue >> 8), UInt8(word.rawValue & 0xff)]
  }

  private func respond(_ message: [UInt8]) throws(Word) -> [UInt8] {
    guard message.count >= 4 else { throw .wrongLength }
    guard message[0] == 0 else { throw .unknownClass }
    let data = try Self.data(message)
    switch message[1] {
    case 0x01: return try register(data)
    case 0x02: return try authenticate(data, control: message[2])
    case 0x03:
      guard data.isEmpty else { throw .wrongLength }
      return Array("U2F_V2".utf8)
    default: throw .unknownInstruction
    }
  }

  /// What follows the header of an APDU, which tells its length in one byte or, after a zero, in two.
  private static func data(_ message: [UInt8]) throws(Word) -> [UInt8] {
    let rest = message.dropFirst(4)
    guard let first = rest.first else { return [] }
    if first == 0, rest.count >= 3 {
      let length = Int(rest[5]) << 8 | Int(rest[6])
      // Without data these are the length of the answer.
      if rest.count == 3 { return [] }
      guard rest.count - 3 >= length else { throw .wrongLength }
      return Array(rest.dropFirst(3).prefix(length))
    }
    if rest.count == 1 { return [] }
    guard rest.count - 1 >= Int(first) else { throw .wrongLength }
    return Array(rest.dropFirst().prefix(Int(first)))
  }

  private func register(_ data: [UInt8]) throws(Word) -> [UInt8] {
    guard data.count == 64 else { throw .wrongLength }
    try presence()
    let (challenge, relyingParty) = (Array(data.prefix(32)), Array(data.suffix(32)))
    let fault = behaviour.fault
    let credential = newCredential(relyingParty)
    let signed = [0] + told(relyingParty, fault) + challenge + credential.id + credential.pair.point
    return [5] + credential.pair.point + [UInt8(credential.id.count)] + credential.id + certificate
      + signature(Factory.batch, signed, fault)
  }

  private func authenticate(_ data: [UInt8], control: UInt8) throws(Word) -> [UInt8] {
    guard data.count > 65, data.count == 65 + Int(data[64]) else { throw .wrongLength }
    let (challenge, relyingParty) = (Array(data[0..<32]), Array(data[32..<64]))
    guard var credential = knownCredential(Array(data[65...]), relyingParty) else { throw .wrongData }
    switch control {
    case 0x03: try presence()
    case 0x08: break
    default: throw .conditionsNotSatisfied  // 0x07 asks only whether the key knows it
    }
    let fault = behaviour.fault
    if fault == .otherCredential { credential = newCredential(relyingParty) }
    let counter = count()
    let head =
      [control == 0x03 && fault != .presenceClear ? 1 : 0]
      + (0..<4).reversed().map { UInt8(truncatingIfNeeded: counter >> UInt32(8 * $0)) }
    return head + signature(credential.pair, told(relyingParty, fault) + head + challenge, fault)
  }

  /// Takes a touch. Who asks has to ask again until there is one; the key blinks between.
  private func presence() throws(Word) {
    let isTouched = state.withLock { state in
      let now = Milliseconds.now
      let since = state.isBlinking ? state.polling?.since ?? now : now
      if !state.isBlinking { state.isTouched = false }
      let isTouched =
        switch state.behaviour.touch {
        case .atOnce: true
        case .after(let milliseconds): state.isTouched || now - since >= milliseconds
        case .never, .byCommand: state.isTouched
        }
      if isTouched { state.touches += 1 }
      state.isTouched = false
      state.polling = isTouched ? nil : (since, now + Self.pollingPatience)
      return isTouched
    }
    guard isTouched else { throw .conditionsNotSatisfied }
  }

  /// So long after a request a key still blinks.
  private static let pollingPatience = 1500
}
