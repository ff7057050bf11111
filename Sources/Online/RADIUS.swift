import OnlineWire

/// RADIUS with PAP and challenges (RFC 2865), every packet with a Message-Authenticator (RFC 3579).
final class RADIUS: Authority {
  let pace: Int64 = 1000
  /// Those to ask, first the one that answered last.
  private var servers: [RADIUSServer]
  private let settings: AuthoritySettings
  private let subject: OnlineSubject
  private let user: String
  private let interruption: Int32
  /// What the server wants back with the next request, and which server that is.
  private var state: [UInt8] = []
  private var challenger: RADIUSServer?

  init(
    _ settings: AuthoritySettings, _ subject: OnlineSubject, user: String, interruption: Int32
  ) throws(OnlineFault) {
    guard let servers = RADIUSServer.list(settings.servers) else {
      throw .misconfigured(.badSetting, "The RADIUS servers have to be NAME[:PORT], divided by \";\".")
    }
    guard !settings.secret.isEmpty else { throw .misconfigured(.badKey, "RADIUS needs a shared secret.") }
    guard user.utf8.count <= RADIUSPacket.longestValue else {
      throw .misconfigured(.badSetting, "The user's name is too long for RADIUS.")
    }
    (self.servers, self.settings, self.subject, self.user) = (servers, settings, subject, user)
    self.interruption = interruption
  }

  func begin(by deadline: Deadline) throws(OnlineFault) -> OnlineReply {
    guard settings.trigger else {
      _ = try probe(by: deadline)
      return .challenge(OnlineChallenge(push: false, passcode: true))
    }
    let (reply, server) = try request([], by: deadline)
    switch reply.code {
    // Nothing was typed.
    case .accessAccept: return .verdict(OnlineVerdict(.bypassed, .noFactor, Self.message(reply)))
    case .accessChallenge: return challenge(reply, server)
    // No password is a wrong one; who is refused for other reasons hears so with the right one.
    default: return .challenge(OnlineChallenge(push: false, passcode: true))
    }
  }

  func answer(_ code: [UInt8], by deadline: Deadline) throws(OnlineFault) -> OnlineReply {
    let isAnswer = !code.isEmpty || !state.isEmpty
    let (reply, server) = try request(code, by: deadline)
    switch reply.code {
    case .accessAccept:
      guard isAnswer else { return .verdict(OnlineVerdict(.bypassed, .noFactor, Self.message(reply))) }
      // RADIUS names no factor. This number is made with the secret for this request alone.
      return .verdict(.approved(proof: "radius \(hex(reply.authenticator))", Self.message(reply)))
    case .accessChallenge: return challenge(reply, server)
    // It does not say whether the code was wrong or the user is not to get in, and may not know either.
    default: throw .denied(.rejected, Self.message(reply))
    }
  }

  func look(by deadline: Deadline, patience: Int64) throws(OnlineFault) -> OnlineReply? { nil }

  /// Status-Server (RFC 5997).
  func probe(by deadline: Deadline) throws(OnlineFault) -> OnlineProbe {
    let exchange = RADIUSExchange(secret: settings.secret, interruption: interruption)
    let (_, server) = try exchange.ask(servers, by: deadline) { () throws(OnlineFault) in
      var packet = try fresh(.statusServer)
      _ = packet.add(.serverName, machineName)
      return try signed(packet)
    }
    prefer(server)
    return OnlineProbe(.ok, .reachable, "\(server.name) answers and knows the shared secret.")
  }

  private func request(
    _ password: [UInt8], by deadline: Deadline
  ) throws(OnlineFault) -> (RADIUSPacket, RADIUSServer) {
    let exchange = RADIUSExchange(secret: settings.secret, interruption: interruption)
    // A challenge is known to the server that made it.
    let asked = challenger.map { [$0] } ?? servers
    let (reply, server) = try exchange.ask(asked, by: deadline) { () throws(OnlineFault) in
      var packet = try fresh(.accessRequest)
      guard let hidden = RADIUSPacket.hidden(password, authenticator: packet.authenticator, settings.secret) else {
        throw .denied(.wrongCode, "What was typed is too long for RADIUS.")
      }
      guard packet.add(.userName, Array(user.utf8)), packet.add(.userPassword, hidden),
        packet.add(.serverName, machineName)
      else { throw .misconfigured(.badSetting, "The user's name does not fit into RADIUS.") }
      let remote = Array(subject.remote.utf8.prefix(RADIUSPacket.longestValue))
      if !remote.isEmpty { _ = packet.add(.callingStation, remote) }
      if !state.isEmpty { _ = packet.add(.state, state) }
      return try signed(packet)
    }
    prefer(server)
    return (reply, server)
  }

  private func prefer(_ server: RADIUSServer) { servers = [server] + servers.filter { $0 != server } }

  private var machineName: [UInt8] {
    let name = Array(subject.machine.utf8.prefix(RADIUSPacket.longestValue))
    return name.isEmpty ? Array("offline-access".utf8) : name
  }

  private func challenge(_ reply: RADIUSPacket, _ server: RADIUSServer) -> OnlineReply {
    (state, challenger) = (reply.values(.state).first ?? [], server)
    return .challenge(OnlineChallenge(push: false, passcode: true, text: Self.message(reply)))
  }

  private func fresh(_ code: RADIUSPacket.Code) throws(OnlineFault) -> RADIUSPacket {
    let random = try randomBytes(1 + RADIUSPacket.authenticatorLength)
    return RADIUSPacket(code, identifier: random[0], authenticator: Array(random.dropFirst()))
  }

  private func signed(_ packet: RADIUSPacket) throws(OnlineFault) -> RADIUSPacket {
    guard let packet = packet.signed(settings.secret) else {
      throw .misconfigured(.badSetting, "This machine's OpenSSL forbids MD5, which RADIUS needs.")
    }
    return packet
  }

  private static func message(_ reply: RADIUSPacket) -> String {
    String(decoding: reply.values(.replyMessage).joined(), as: UTF8.self)
  }
}
