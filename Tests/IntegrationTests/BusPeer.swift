import Foundation
import Glibc
import Testing

/// A connection to the system bus, or to the service's own socket, that sends whatever it is told, as whatever
/// user.
final class BusPeer {
  static let bus = "/run/dbus/system_bus_socket"
  /// The service's own socket, for root.
  static let service = "/run/offline-access/root"

  private var socket: Int32
  private var received: [UInt8] = []
  private var lastSerial: UInt32 = 0
  /// Answers by the serial number of their call.
  private var answers: [UInt32: BusIncoming] = [:]
  /// Signals that came, but for those of the bus itself.
  private(set) var signals: [BusIncoming] = []

  /// Connects as the user with this id.
  convenience init(as uid: UInt32 = 0, at path: String = BusPeer.bus) throws {
    let socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    try #require(socket >= 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    // The kernel notes at this moment who connects. Tests run one after another.
    try #require(seteuid(uid) == 0)
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(seteuid(0) == 0)
    try #require(status == 0)
    try self.init(over: socket, as: uid, isBus: path == Self.bus)
  }

  /// Speaks through `socket`, at whose other end the user with this id is seen.
  init(over socket: Int32, as uid: UInt32, isBus: Bool = true) throws {
    self.socket = socket
    let hex = String(uid).utf8.map { String($0, radix: 16) }.joined()
    try write([0] + Array("AUTH EXTERNAL \(hex)\r\n".utf8))
    while !received.contains(UInt8(ascii: "\n")) { try #require(try receive()) }
    try #require(received.starts(with: "OK ".utf8), "\(String(decoding: received, as: UTF8.self))")
    received = []
    try write(Array("BEGIN\r\n".utf8))
    if !isBus { return }
    var hello = BusCall("Hello")
    (hello.destination, hello.path, hello.interface) = (
      "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus"
    )
    #expect(try answer(to: send(hello)).kind == .answer)
  }

  convenience init(as user: String) throws {
    let entry = try #require(getpwnam(user), "no user \(user)")
    try self.init(as: entry.pointee.pw_uid)
  }

  deinit { close() }

  /// Leaves the bus.
  func close() {
    if socket >= 0 { Glibc.close(socket) }
    socket = -1
  }

  /// Sends a call and gives its serial number.
  @discardableResult
  func send(_ call: BusCall) throws -> UInt32 {
    lastSerial += 1
    try write(call.message(lastSerial))
    return lastSerial
  }

  /// Sends calls in one write, as fast as a caller can.
  func send(_ calls: [BusCall]) throws -> [UInt32] {
    var bytes: [UInt8] = []
    let serials = calls.map { call in
      lastSerial += 1
      bytes += call.message(lastSerial)
      return lastSerial
    }
    try write(bytes)
    return serials
  }

  /// Waits for the answer to a call, at most 20 seconds; each can be had once.
  func answer(to serial: UInt32, sourceLocation: SourceLocation = #_sourceLocation) throws -> BusIncoming {
    while answers[serial] == nil {
      try #require(try receive(), "the bus closed the connection", sourceLocation: sourceLocation)
    }
    let answer = answers.removeValue(forKey: serial)
    return try #require(answer, sourceLocation: sourceLocation)
  }

  /// Sends a call and waits for its answer: nil for a return, else the last part of the error's name.
  func error(of call: BusCall) throws -> String? { try answer(to: send(call)).error }

  /// Waits until the bus closes the connection, at most 20 seconds.
  func waitForTheEnd() throws { while try receive() {} }

  func write(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      try #require(count > 0, "the bus takes nothing: \(String(cString: strerror(errno)))")
      sent += count
    }
  }

  /// Waits until a Progress signal tells `state` with `words`, at most 20 seconds.
  func waitForProgress(_ state: String, saying words: String = "") throws {
    while !signals.contains(where: { $0.member == "Progress" && $0.text == state && $0.holds(words) }) {
      try waitForSignal()
    }
  }

  /// Waits until something comes, at most 20 seconds.
  func waitForSignal() throws { try #require(try receive(), "the bus closed the connection") }

  /// Takes what has come; false at the end.
  private func receive() throws -> Bool {
    var poller = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    try #require(poll(&poller, 1, 20_000) == 1, "the bus is silent")
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = recv(socket, &buffer, buffer.count, 0)
    guard count > 0 else { return false }
    received += buffer[..<count]
    var place = 0
    while lastSerial > 0, let length = BusIncoming.length(received[place...]), received.count - place >= length {
      if let message = BusIncoming(received[place..<place + length]) {
        if let serial = message.serial { answers[serial] = message }
        if message.kind == .signal, message.path?.hasPrefix("/org/offlineaccess") == true { signals.append(message) }
      }
      place += length
    }
    received.removeFirst(place)
    return true
  }
}
