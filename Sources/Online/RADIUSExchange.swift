import Glibc
import OnlineWire

/// A server as it is configured.
struct RADIUSServer: Equatable {
  var name: String
  var port: UInt16 = 1812

  /// Reads `NAME[:PORT]`, `ADDRESS[:PORT]` or `[ADDRESS][:PORT]`; nil when it is none of them.
  init?(_ text: some StringProtocol) {
    var rest = text[...]
    if rest.hasPrefix("[") {
      guard let end = rest.firstIndex(of: "]") else { return nil }
      name = String(rest[rest.index(after: rest.startIndex)..<end])
      rest = rest[rest.index(after: end)...]
    } else if rest.count(where: { $0 == ":" }) > 1 {
      // An address of IPv6 without brackets has no port.
      name = String(rest)
      rest = ""
    } else {
      let end = rest.firstIndex(of: ":") ?? rest.endIndex
      name = String(rest[..<end])
      rest = rest[end...]
    }
    guard !name.isEmpty else { return nil }
    guard !rest.isEmpty else { return }
    guard rest.removeFirst() == ":", let port = UInt16(rest), port > 0 else { return nil }
    self.port = port
  }

  /// Servers divided by ";"; nil when one of them is none or there is none.
  static func list(_ text: String) -> [RADIUSServer]? {
    let servers = text.split(separator: ";").map { part in
      RADIUSServer(part.filter { $0 != " " })
    }
    guard !servers.isEmpty, servers.allSatisfy({ $0 != nil }) else { return nil }
    return servers.compactMap { $0 }
  }
}

/// One request, sent to one server after the other until one answers.
final class RADIUSExchange {
  /// Milliseconds until a request is sent again (RFC 5080, section 2.2.1, wants a growing time of about a second).
  private static let firstRepeat: Int64 = 1000

  private struct Asked {
    let server: RADIUSServer
    let descriptor: Int32
    let request: RADIUSPacket
  }

  private let secret: [UInt8]
  private let interruption: Int32
  private var asked: [Asked] = []
  private var doubt: (RADIUSPacket.Doubt, RADIUSServer)?

  init(secret: [UInt8], interruption: Int32) { (self.secret, self.interruption) = (secret, interruption) }

  deinit { for one in asked { close(one.descriptor) } }

  /// - Parameter make: makes the request; called once for each server, as no authenticator may come twice.
  /// - Returns: the first reply that is right, and whose it is.
  func ask(
    _ servers: [RADIUSServer], by deadline: Deadline, _ make: () throws(OnlineFault) -> RADIUSPacket
  ) throws(OnlineFault) -> (RADIUSPacket, RADIUSServer) {
    var last = OnlineFault.unreachable(.timeout, "No RADIUS server answered in time.")
    for (index, server) in servers.enumerated() {
      // What is left is shared by those that are left, so that the last one is asked, too.
      let turn = deadline.within(milliseconds: deadline.left / Int64(servers.count - index))
      do throws(OnlineFault) {
        let request = try make()
        guard let address = try NameLookup.address(server.name, port: server.port, by: turn) else {
          last = .unreachable(.nameNotFound, "The name \(server.name) is not known.")
          continue
        }
        let descriptor = socket(address.family, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0, address.connect(descriptor) else {
          if descriptor >= 0 { close(descriptor) }
          last = .unreachable(.network, "No way to \(server.name).")
          continue
        }
        asked.append(Asked(server: server, descriptor: descriptor, request: request))
        if let found = try wait(turn) { return found }
        last = .unreachable(.timeout, "No RADIUS server answered in time.")
      } catch {
        guard error != .interrupted else { throw error }
        last = error
      }
    }
    if let (doubt, server) = doubt { throw Self.fault(doubt, server) }
    throw last
  }

  /// Sends the latest request until a reply to any of them came; nil when time is over.
  private func wait(_ deadline: Deadline) throws(OnlineFault) -> (RADIUSPacket, RADIUSServer)? {
    guard let latest = asked.last else { return nil }
    let bytes = latest.request.bytes
    var pause = Self.firstRepeat
    repeat {
      guard send(latest.descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
        throw Self.sendingFault(errno, latest.server)
      }
      let turn = deadline.within(milliseconds: pause)
      pause *= 2
      repeat { if let found = try receive(turn, latest) { return found } } while !turn.isOver
    } while !deadline.isOver
    return nil
  }

  /// Waits for one datagram of any server.
  private func receive(_ deadline: Deadline, _ latest: Asked) throws(OnlineFault) -> (RADIUSPacket, RADIUSServer)? {
    var waits = asked.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
    waits.append(pollfd(fd: interruption, events: Int16(POLLIN), revents: 0))
    guard poll(&waits, nfds_t(waits.count), Int32(clamping: deadline.left)) > 0 else { return nil }
    if waits[asked.count].revents != 0 { throw .interrupted }
    for (one, wait) in zip(asked, waits) where wait.revents != 0 {
      var buffer = [UInt8](repeating: 0, count: RADIUSPacket.longest)
      let count = recv(one.descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
      guard count >= 0 else {
        // An earlier server that is gone is none of our wait.
        if one.descriptor == latest.descriptor, errno != EAGAIN, errno != EINTR {
          throw Self.sendingFault(errno, one.server)
        }
        continue
      }
      // Whatever is not right is dropped, and the wait goes on: anybody can send a datagram.
      guard let reply = RADIUSPacket(Array(buffer.prefix(count))) else { continue }
      do throws(RADIUSPacket.Doubt) {
        try reply.check(asReplyTo: one.request, secret)
        return (reply, one.server)
      } catch {
        if error != .stranger { doubt = (error, one.server) }
      }
    }
    return nil
  }

  private static func sendingFault(_ error: Int32, _ server: RADIUSServer) -> OnlineFault {
    error == ECONNREFUSED
      ? .unreachable(.refusedPort, "Nothing answers at the port of \(server.name).")
      : .unreachable(.network, "No way to \(server.name): \(String(cString: strerror(error))).")
  }

  private static func fault(_ doubt: RADIUSPacket.Doubt, _ server: RADIUSServer) -> OnlineFault {
    let detail =
      switch doubt {
      case .stranger, .authenticator: "\(server.name) answers with another shared secret."
      case .messageAuthenticator:
        "\(server.name) answers without a right Message-Authenticator; the server has to send one."
      }
    return .misconfigured(.signature, detail, alarm: true)
  }
}
