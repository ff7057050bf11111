import Glibc
import OnlineWire

/// The address of a server, as the system's calls want it.
struct SocketAddress {
  private(set) var family: Int32
  private var storage: sockaddr_storage
  private var length: socklen_t

  fileprivate init?(_ info: addrinfo) {
    guard let address = info.ai_addr, Int(info.ai_addrlen) <= MemoryLayout<sockaddr_storage>.size else { return nil }
    (family, length) = (info.ai_family, info.ai_addrlen)
    storage = sockaddr_storage()
    withUnsafeMutableBytes(of: &storage) {
      $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: Int(info.ai_addrlen)))
    }
  }

  /// Connects `descriptor`, so that datagrams of others are not received and errors are told.
  func connect(_ descriptor: Int32) -> Bool {
    withUnsafePointer(to: storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(descriptor, $0, length) == 0 }
    }
  }
}

/// Looks a name up on a thread of its own, as a name service may take longer than there is time.
final class NameLookup {
  private let name: String
  private let port: String
  private var ends: [Int32] = [-1, -1]
  private var result: SocketAddress?

  /// - Returns: nil when the name is not known.
  static func address(_ name: String, port: UInt16, by deadline: Deadline) throws(OnlineFault) -> SocketAddress? {
    if let address = look(name, String(port), flags: AI_NUMERICHOST) { return address }
    guard let lookup = NameLookup(name, String(port)) else {
      throw .unreachable(.network, "The system is at its end.")
    }
    var thread = pthread_t()
    let started = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        let lookup = Unmanaged<NameLookup>.fromOpaque(argument).takeRetainedValue()
        lookup.result = NameLookup.look(lookup.name, lookup.port, flags: AI_ADDRCONFIG)
        var done: UInt8 = 1
        _ = write(lookup.ends[1], &done, 1)
        return nil
      }, Unmanaged.passRetained(lookup).toOpaque())
    guard started == 0 else { throw .unreachable(.network, "The system is at its end.") }
    pthread_detach(thread)
    var done: UInt8 = 0
    guard waitForInput(lookup.ends[0], deadline.left), read(lookup.ends[0], &done, 1) == 1 else {
      throw .unreachable(.timeout, "The name \(name) was not found in time.")
    }
    return lookup.result
  }

  private init?(_ name: String, _ port: String) {
    (self.name, self.port) = (name, port)
    guard pipe(&ends) == 0 else { return nil }
  }

  deinit { for end in ends { close(end) } }

  private static func look(_ name: String, _ port: String, flags: Int32) -> SocketAddress? {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
    hints.ai_flags = flags | AI_NUMERICSERV
    var found: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(name, port, &hints, &found) == 0, let found else { return nil }
    defer { freeaddrinfo(found) }
    return SocketAddress(found.pointee)
  }
}
