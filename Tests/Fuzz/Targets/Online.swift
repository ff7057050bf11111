import OnlineWire

@testable import Online

extension FuzzTarget {
  /// A stream from the service or from the process: messages come out as they would go in again.
  static let onlineWire = FuzzTarget(name: "online-wire", longest: 1024) { bytes in
    var reader = FrameReader(longest: 900)
    // In two pieces, the cut chosen by the input.
    let cut = bytes.first.map { Int($0) % (bytes.count + 1) } ?? 0
    reader.feed(bytes[..<cut])
    do throws(FrameFault) {
      while let frame = try reader.next() { see(frame) }
      reader.feed(bytes[cut...])
      while let frame = try reader.next() { see(frame) }
    } catch {}
  }

  private static func see(_ frame: Frame) {
    guard let encoded = try? frame.encoded(longest: 2048) else { fatalError("a message that cannot be written again") }
    require((try? Frame(body: encoded.dropFirst(4))) == frame, "a message that changes when it is written again")
    if let request = try? OnlineRequest(frame) {
      require((try? OnlineRequest(request.frame)) == request, "a request that changes")
    }
    guard let text = frame.fields["request"], let id = RequestID(hexDigits: text),
      let reply = try? OnlineReply(frame, to: id)
    else { return }
    require((try? OnlineReply(reply.frame(to: id), to: id)) == reply, "a reply that changes")
    if case .verdict(let verdict) = reply {
      require((verdict.value == .approved) == !verdict.proof.isEmpty, "an approval without a proof")
    }
  }

  /// JSON of a server: refused, or the same after Python's way of writing it.
  static let json = FuzzTarget(name: "json", longest: 1024) { bytes in
    guard let value = JSON(bytes) else { return }
    let written = value.asPythonWrites
    require(written.allSatisfy { (0x20..<0x7f).contains($0) }, "more than ASCII")
    guard let again = JSON(written) else { fatalError("written JSON that is none") }
    require(again == value && again.asPythonWrites == written, "JSON that changes")
  }

  /// A datagram of whoever sends one: no reply to our request, as nobody guesses the secret.
  static let radiusReply = FuzzTarget(name: "radius-reply", longest: 512) { bytes in
    guard let packet = RADIUSPacket(bytes) else { return }
    require(bytes.starts(with: packet.bytes), "a packet that is not written as it was read")
    let request = RADIUSPacket(.accessRequest, identifier: packet.identifier, authenticator: packet.authenticator)
    let secret = Array("secret".utf8)
    require((try? packet.check(asReplyTo: request, secret)) == nil, "a forged reply that is taken")
    // The same, right: only a code that answers requests is taken, and only with one Message-Authenticator.
    guard var reply = packet.signed(secret), let digest = Digest.md5.of(reply.bytes + secret) else { return }
    reply.authenticator = digest
    let isReply = packet.code != .accessRequest && packet.code != .statusServer
    let isRight = isReply && packet.values(.messageAuthenticator).isEmpty
    require(((try? reply.check(asReplyTo: request, secret)) != nil) == isRight, "a right reply that is not taken")
  }

  private static func authority(_ key: String) -> PrivacyIDEA? {
    var settings = AuthoritySettings(kind: .privacyidea)
    settings.url = "https://localhost"
    settings.publicKey = Array(key.utf8)
    return try? PrivacyIDEA(settings, user: "alice", interruption: -1)
  }

  private nonisolated(unsafe) static let unsigned = authority("")
  private nonisolated(unsafe) static let signed = authority(
    """
    -----BEGIN PUBLIC KEY-----
    MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA3SZMhruS/E37Xn79PMsY
    L8kKTXzRXsOJ3sUIMc7ptjPg6l2W4S5FLXgcv6kdmSVP3WXUoQLxtwgJ/of8DArM
    e4l6QCwFjt6UHxJx2CJqbwZ8ja+S14hVeVJYmR0OWR9ml4YvRHIWtYJkQXUoDO5u
    BiuhoaEsWNz+xN9PumqwdlGft8qOaJf/wJiwA1Fb07Vft1+ppt3GpVQzlEf+Hl/6
    KbrCOC+F9mJcNC2mEVY3RiJgjHogbhw0oKYnEq30bhbbPuw/3OjDOW4GRS5+0l6w
    0Ln9YJraIdAhz0gwLZYRHVrJtJwPHgpNbxEC7iAJfK+EpqCaJpMW9UByvOO3Ag3t
    awIDAQAB
    -----END PUBLIC KEY-----
    """)

  /// A reply to privacyIDEA's client: an answer or a verdict, never an approval by itself; with a key, never an answer.
  static let privacyIDEAReply = FuzzTarget(name: "privacyidea-reply", longest: 2048) { bytes in
    var input = FuzzInput(bytes)
    let status = [200, 400, 401, 302, 500][Int(input.byte()) % 5]
    let reply = HTTPReply(status: status, body: Array(input.rest))
    guard let unsigned, let signed else { fatalError("no client") }
    do throws(OnlineFault) {
      let answer = try unsigned.read(reply, nonce: "00")
      require(status == 200, "an answer by status \(status)")
      require(!answer.value || answer.challenge == nil, "a yes that asks")
    } catch {
      guard case .verdict(let verdict) = error else { fatalError("\(error)") }
      require(verdict.value != .approved && verdict.proof.isEmpty, "an approval by a fault")
      require(verdict.detail.unicodeScalars.count <= 200, "a long detail")
    }
    require((try? signed.read(reply, nonce: "00")) == nil, "an answer without a signature")
  }
}

extension RequestID {
  /// For the fuzzer, which has only the text.
  init?(hexDigits text: [UInt8]) {
    guard text.count == 64, let bytes = bytes(hex: String(decoding: text, as: UTF8.self)) else { return nil }
    self.init(bytes)
  }
}
