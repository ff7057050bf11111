import OnlineWire
import Testing

@testable import Online

@Suite("RADIUS packets")
struct RADIUSTests {
  private let secret = Array("xyzzy5461".utf8)
  private let authenticator = bytes(hex: "0f403f9473978057bd83d5cb98f4227a") ?? []

  private func request() throws -> RADIUSPacket {
    try #require(RADIUSPacket(.accessRequest, identifier: 7, authenticator: authenticator).signed(secret))
  }

  /// A right reply, which `change` may spoil before it is signed.
  private func reply(
    _ code: RADIUSPacket.Code = .accessAccept, bare: Bool = false, _ change: (inout RADIUSPacket) -> Void = { _ in }
  ) throws -> RADIUSPacket {
    var reply = RADIUSPacket(code, identifier: 7, authenticator: try request().authenticator)
    _ = reply.add(.replyMessage, Array("hello".utf8))
    change(&reply)
    if !bare { reply = try #require(reply.signed(secret)) }
    reply.authenticator = try #require(Digest.md5.of(reply.bytes + secret))
    return reply
  }

  private func doubt(_ reply: RADIUSPacket) throws -> RADIUSPacket.Doubt? {
    let request = try request()
    do throws(RADIUSPacket.Doubt) {
      try reply.check(asReplyTo: request, secret)
      return nil
    } catch { return error }
  }

  @Test("the request of RFC 2865, section 7.1, with its hidden password")
  func published() throws {
    var packet = RADIUSPacket(.accessRequest, identifier: 0, authenticator: authenticator)
    let hidden = try #require(
      RADIUSPacket.hidden(Array("arctangent".utf8), authenticator: authenticator, secret))
    #expect(packet.add(.userName, Array("nemo".utf8)) && packet.add(.userPassword, hidden))
    let published =
      "01000038" + "0f403f9473978057bd83d5cb98f4227a" + "01066e656d6f" + "02120dbe708d93d413ce3196e43f782a0aee"
      + "0406c0a80110" + "050600000003"
    let read = try #require(RADIUSPacket(bytes(hex: published) ?? []))
    #expect(packet.bytes.dropFirst(4).elementsEqual(read.bytes.dropFirst(4).dropLast(12)))
    #expect(hex(read.bytes) == published)
  }

  @Test("the reply of RFC 2865, section 7.1, is its server's, but is refused without a Message-Authenticator")
  func publishedReply() throws {
    let published = "02000026" + "86fe220e7624ba2a1005f6bf9b55e0b2" + "060600000001" + "0f0600000000" + "0e06c0a80103"
    let reply = try #require(RADIUSPacket(bytes(hex: published) ?? []))
    let request = RADIUSPacket(.accessRequest, identifier: 0, authenticator: authenticator)
    #expect(throws: RADIUSPacket.Doubt.messageAuthenticator) { try reply.check(asReplyTo: request, secret) }
    #expect(throws: RADIUSPacket.Doubt.authenticator) { try reply.check(asReplyTo: request, secret + [0]) }
  }

  @Test("long passwords are hidden in blocks, too long ones not at all")
  func hiding() throws {
    for (length, size) in [(0, 16), (1, 16), (16, 16), (17, 32), (128, 128)] {
      let password = [UInt8](repeating: 65, count: length)
      #expect(RADIUSPacket.hidden(password, authenticator: authenticator, secret)?.count == size)
    }
    #expect(RADIUSPacket.hidden([UInt8](repeating: 65, count: 129), authenticator: authenticator, secret) == nil)
  }

  @Test("the Message-Authenticator stands in front")
  func inFront() throws {
    var packet = RADIUSPacket(.accessRequest, identifier: 0, authenticator: authenticator)
    _ = packet.add(.userName, [65])
    #expect(try #require(packet.signed(secret)).attributes.first?.type == 80)
  }

  @Test(
    "a right reply is taken, whatever it says",
    arguments: [RADIUSPacket.Code.accessAccept, .accessReject, .accessChallenge])
  func right(_ code: RADIUSPacket.Code) throws { #expect(try doubt(reply(code)) == nil) }

  @Test("a reply to another request, of another kind, or without its own authenticators is not")
  func wrong() throws {
    #expect(try doubt(reply { $0.identifier = 8 }) == .stranger)
    #expect(try doubt(reply(.accessRequest)) == .stranger)
    #expect(try doubt(reply(bare: true)) == .messageAuthenticator)
    #expect(
      try doubt(reply { _ = $0.add(.messageAuthenticator, [UInt8](repeating: 0, count: 16)) }) == .messageAuthenticator)
    #expect(
      try doubt(reply(bare: true) { _ = $0.add(.messageAuthenticator, [UInt8](repeating: 0, count: 16)) })
        == .messageAuthenticator)
    #expect(try doubt(reply(bare: true) { _ = $0.add(.messageAuthenticator, [1]) }) == .messageAuthenticator)
    var changed = try reply()
    changed.authenticator[0] ^= 1
    #expect(try doubt(changed) == .authenticator)
    // Reject turned into Accept, as by CVE-2024-3596 where it succeeds: the Response Authenticator is right.
    var rejected = try reply(.accessReject)
    rejected.code = .accessAccept
    rejected.authenticator = try request().authenticator
    rejected.authenticator = try #require(Digest.md5.of(rejected.bytes + secret))
    #expect(try doubt(rejected) == .messageAuthenticator)
  }

  @Test("any changed bit of a reply is noticed")
  func bits() throws {
    let bytes = try reply().bytes
    for bit in 0..<bytes.count * 8 {
      var changed = bytes
      changed[bit / 8] ^= 1 << UInt8(bit % 8)
      guard let packet = RADIUSPacket(changed) else { continue }
      #expect(try doubt(packet) != nil)
    }
  }

  @Test(
    "what is no packet is not read",
    arguments: [
      "", "02", "0200001400112233445566778899aabbccddee", "0200001300112233445566778899aabbccddeeff",
      "0200001500112233445566778899aabbccddeeff", "0200001500112233445566778899aabbccddeeff01",
      "0200001600112233445566778899aabbccddeeff0101", "0200001600112233445566778899aabbccddeeff0103",
      "0400001400112233445566778899aabbccddeeff",
    ])
  func malformed(_ text: String) throws { #expect(RADIUSPacket(bytes(hex: text) ?? []) == nil) }

  @Test("what follows a packet is padding")
  func padding() throws {
    let bytes = try reply().bytes
    #expect(try doubt(#require(RADIUSPacket(bytes + [1, 2, 3]))) == nil)
  }

  @Test("servers are names or addresses, with ports or without")
  func servers() {
    func server(_ text: String) -> String? { RADIUSServer(text).map { "\($0.name) \($0.port)" } }
    #expect(server("radius.example.org") == "radius.example.org 1812")
    #expect(server("192.0.2.1:18120") == "192.0.2.1 18120")
    #expect(server("2001:db8::1") == "2001:db8::1 1812")
    #expect(server("[2001:db8::1]") == "2001:db8::1 1812")
    #expect(server("[2001:db8::1]:1645") == "2001:db8::1 1645")
    for text in ["", ":1", "a:", "a:0", "a:65536", "a:x", "[::1", "[::1]1", "[]:1"] { #expect(server(text) == nil) }
    #expect(RADIUSServer.list("a; b:2;c")?.count == 3)
    #expect(RADIUSServer.list("") == nil)
    #expect(RADIUSServer.list("a;b:x") == nil)
  }
}
