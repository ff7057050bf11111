import Glibc

/// One power cycle of a key: its channels, the message that is coming in, and the way out.
final class Connection {
  let key: SoftKey
  private let descriptor: Int32
  private var lastChannel: UInt32 = 0
  private var assembly: Assembly?
  /// Whose request is worked on.
  private var busy: UInt32?
  private var numbers: SeededNumbers?

  init(_ key: SoftKey, _ descriptor: Int32) {
    self.key = key
    self.descriptor = descriptor
  }

  func run() {
    // Between the frames of a message the caller may take its time, but not for ever.
    while let frame = nextFrame(within: assembly == nil ? -1 : 3000) {
      switch frame {
      case .frame(let frame): receive(frame)
      case .woken: break
      case .nothing:
        if let assembly { fail(.timeout, assembly.channel) }
        assembly = nil
      }
    }
  }

  // MARK: Waiting for a touch

  enum Wait { case touched, cancelled, tooLong, gone }

  /// Waits for somebody to touch the key, and tells the caller so meanwhile.
  func waitForTouch() -> Wait {
    guard let channel = busy else { return .gone }
    let start = Milliseconds.now
    key.state.withLock { state in
      state.isWaiting = true
      state.isTouched = false
    }
    defer { key.state.withLock { $0.isWaiting = false } }
    var nextSign = start
    while true {
      let touch = key.state.withLock { $0.isTouched ? .atOnce : $0.behaviour.touch }
      let passed = Milliseconds.now - start
      var left = Self.patience - passed
      switch touch {
      case .atOnce: return touched()
      case .after(let milliseconds):
        if passed >= milliseconds { return touched() }
        left = min(left, milliseconds - passed)
      case .never, .byCommand: break
      }
      if left <= 0 { return .tooLong }
      if Milliseconds.now >= nextSign {
        send(.keepalive, [2], to: channel)  // user presence needed
        nextSign = Milliseconds.now + Self.keepaliveInterval
      }
      switch nextFrame(within: min(left, max(1, nextSign - Milliseconds.now))) {
      case nil: return .gone
      case .woken, .nothing: break
      case .frame(let frame): if interrupts(frame, channel) { return .cancelled }
      }
    }
  }

  private func touched() -> Wait {
    key.state.withLock { $0.touches += 1 }
    return .touched
  }

  /// What a frame that comes while a request is worked on means: true if the request is over.
  private func interrupts(_ frame: IncomingFrame, _ channel: UInt32) -> Bool {
    if frame.channel == channel, frame.isFirst {
      if frame.number == Frame.Command.cancel.rawValue { return true }
      if frame.number == Frame.Command.initialize.rawValue {
        // The same caller starts over.
        busy = nil
        initialize(frame)
        return true
      }
    }
    if frame.isFirst, frame.number == Frame.Command.initialize.rawValue {
      initialize(frame)
    } else if frame.isFirst, frame.number != Frame.Command.cancel.rawValue {
      fail(.busy, frame.channel)
    }
    return false
  }

  /// How long the key waits for a touch.
  private static let patience = 30_000
  private static let keepaliveInterval = 75

  // MARK: Messages

  private func receive(_ frame: IncomingFrame) {
    if frame.isFirst {
      switch frame.number {
      case Frame.Command.initialize.rawValue: return initialize(frame)
      case Frame.Command.cancel.rawValue: return
      default: break
      }
      guard frame.channel != 0, frame.channel <= lastChannel else { return fail(.invalidChannel, frame.channel) }
      if let assembly, assembly.channel != frame.channel { return fail(.busy, frame.channel) }
      guard frame.announced <= Frame.longestMessage else { return fail(.invalidLength, frame.channel) }
      assembly = Assembly(frame)
    } else {
      // One that belongs to no message is ignored.
      guard assembly?.channel == frame.channel else { return }
      guard assembly?.add(frame) == true else {
        assembly = nil
        return fail(.invalidSequence, frame.channel)
      }
    }
    guard let whole = assembly, let message = whole.message else { return }
    assembly = nil
    busy = whole.channel
    answer(whole.command, message, whole.channel)
    busy = nil
  }

  private func initialize(_ frame: IncomingFrame) {
    guard frame.announced == 8 else { return fail(.invalidLength, frame.channel) }
    if assembly?.channel == frame.channel { assembly = nil }
    var channel = frame.channel
    if channel == Frame.broadcast {
      lastChannel += 1
      channel = lastChannel
    } else if channel == 0 || channel > lastChannel {
      return fail(.invalidChannel, channel)
    }
    let address = (0..<4).reversed().map { UInt8(truncatingIfNeeded: channel >> UInt32(8 * $0)) }
    let capabilities: UInt8 = 0x01 | (key.model.speaksFIDO2 ? 0x04 : 0) | (key.hasU2F ? 0 : 0x08)
    send(.initialize, frame.payload.prefix(8) + address + [2, 1, 0, 0, capabilities], to: frame.channel)
  }

  private func answer(_ command: UInt8, _ message: [UInt8], _ channel: UInt32) {
    switch Frame.Command(rawValue: command) {
    case .ping: send(.ping, message, to: channel)
    case .wink: send(.wink, [], to: channel)
    case .cbor where key.model.speaksFIDO2:
      reply(.cbor, key.answer(message, self), isMain: message.first == 1 || message.first == 2, to: channel)
    case .message where key.hasU2F:
      let isMain = message.count > 1 && (message[1] == 1 || message[1] == 2)
      reply(.message, key.answerU2F(message), isMain: isMain, to: channel)
    case .cbor, .message, .initialize, .cancel, .keepalive, .error, nil: fail(.invalidCommand, channel)
    }
  }

  private func reply(_ command: Frame.Command, _ payload: [UInt8], isMain: Bool, to channel: UInt32) {
    let behaviour = key.behaviour
    // Another message from the same caller has taken its place.
    guard busy == channel else { return }
    defer { key.state.withLock { $0.requests += 1 } }
    let fault = isMain || behaviour.faultsEverything ? behaviour.fault : nil
    let payload = behaviour.mutation.map { $0(payload) } ?? payload
    switch fault {
    case .truncatedReply: send(command, Array(payload.prefix(payload.count / 2)), to: channel)
    case .hugeReply:
      let filling = payload + [UInt8](repeating: 0, count: max(0, Frame.longestMessage - payload.count))
      send(command, filling, to: channel, announced: 0xffff)
    case .emptyReply: send(command, [], to: channel)
    // 2^27 pairs are announced (RFC 8949, section 3.1); a parser that believes it takes 2 GB for them.
    case .endlessMap:
      send(command, command == .cbor ? [0, 0xba, 0x08, 0, 0, 0] : [0xba, 0x08, 0, 0, 0, 0x90, 0], to: channel)
    case .garbageReply: send(command, garbage(command, behaviour.seed), to: channel)
    case .errorReply: send(command, command == .cbor ? [0x7f] : [0x6f, 0x00], to: channel)
    case .slowAnswer:
      poll(nil, 0, 500)
      send(command, payload, to: channel)
    case .silent: break
    case .endlessKeepalive: sendKeepalives(channel)
    case .wrongChannel: send(command, payload, to: channel ^ 0x5a00_0000)
    case .wrongRelyingParty, .presenceClear, .verificationClear, .badSignature, .otherCredential, .lyingAlgorithm,
      .counterBack, .noAttestation, nil:
      send(command, payload, to: channel)
    }
  }

  private func garbage(_ command: Frame.Command, _ seed: UInt64) -> [UInt8] {
    var numbers = numbers ?? SeededNumbers(seed: seed)
    defer { self.numbers = numbers }
    let value = CBOR.random(&numbers).encoded.prefix(4000)
    return command == .cbor ? [0] + value : value + [0x90, 0x00]
  }

  /// Until the caller is gone or the fault is over.
  private func sendKeepalives(_ channel: UInt32) {
    while key.behaviour.fault == .endlessKeepalive {
      send(.keepalive, [2], to: channel)
      if nextFrame(within: Self.keepaliveInterval) == nil { return }
    }
  }

  // MARK: Frames

  private func fail(_ failure: Frame.Failure, _ channel: UInt32) { send(.error, [failure.rawValue], to: channel) }

  private func send(_ command: Frame.Command, _ payload: [UInt8], to channel: UInt32, announced: Int? = nil) {
    for frame in Frame.frames(channel: channel, command: command, payload, announced: announced) {
      // Who is gone is noticed by the next read.
      Glibc.send(descriptor, frame, frame.count, Int32(MSG_NOSIGNAL))
    }
  }

  private enum Event {
    case frame(IncomingFrame)
    /// The key's state has changed.
    case woken
    case nothing
  }

  /// What happens within that time; -1 waits for ever. Nil when the other end has closed.
  private func nextFrame(within milliseconds: Int) -> Event? {
    var polled = [descriptor, key.wake].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    guard poll(&polled, 2, Int32(milliseconds)) > 0 else { return .nothing }
    if polled[1].revents != 0 {
      var one: UInt8 = 0
      while read(key.wake, &one, 1) > 0 {}
      if polled[0].revents == 0 { return .woken }
    }
    var report = [UInt8](repeating: 0, count: 128)
    let count = read(descriptor, &report, report.count)
    guard count > 0 else { return count < 0 && errno == EINTR ? .nothing : nil }
    return IncomingFrame(report.prefix(count)).map { .frame($0) } ?? .nothing
  }
}
