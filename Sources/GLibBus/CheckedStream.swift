import BusInterface
import CGIO
import Glibc

/// The bus's socket, with what arrives looked at before GDBus sees it.
///
/// GDBus gives its connection up over a message that it cannot parse, and it cannot parse some that the bus rightly
/// passes on: GLib 2.74 counts the padding before an array's first element as part of the array, so it misses a last
/// struct of four bytes or less and takes it for what follows. Any user could end the service with one such call,
/// again and again. So every message is parsed here first, and one that GDBus would stumble over is dropped: its
/// sender waits in vain, on the bus's own account of open calls.
enum CheckedStream {
  /// Seconds that the bus may take to let us in.
  private static let patience = 10

  /// Opens a stream to the system bus on which GDBus has nothing to do but to say Hello.
  static func open() throws(BusError) -> UnsafeMutablePointer<GIOStream> {
    let socket = try connected()
    try authenticate(socket)
    var pair: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
      throw failure("no socket pair")
    }
    // What goes out needs no look, and to flush it means to flush it into the bus's own socket.
    let (input, output) = (g_unix_input_stream_new(pair[0], 1), g_unix_output_stream_new(socket, 0))
    defer {
      g_object_unref(UnsafeMutableRawPointer(input))
      g_object_unref(UnsafeMutableRawPointer(output))
    }
    guard let stream = g_simple_io_stream_new(input, output) else { throw BusError("no stream") }
    let relay = Unmanaged.passRetained(Relay(from: socket, to: pair[1])).toOpaque()
    let thread = g_thread_new(
      "bus-input",
      { data in
        if let data { Unmanaged<Relay>.fromOpaque(data).takeRetainedValue().run() }
        return nil
      }, relay)
    g_thread_unref(thread)
    return stream
  }

  private static func connected() throws(BusError) -> Int32 {
    let socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard socket >= 0 else { throw failure("no socket") }
    let path = BusName.systemBusSocket
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard status == 0 else { throw failure(path) }
    return socket
  }

  /// D-Bus Specification, Authentication Protocol: EXTERNAL, by the credentials that the kernel tells. No file
  /// descriptors are asked for, so none can be sent to us.
  private static func authenticate(_ socket: Int32) throws(BusError) {
    var limit = timeval(tv_sec: patience, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    defer {
      limit.tv_sec = 0
      setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }
    let digits = String(geteuid()).utf8.map { String($0, radix: 16) }.joined()
    try send(socket, [0] + Array("AUTH EXTERNAL \(digits)\r\n".utf8))
    var answer: [UInt8] = []
    // A line, which nothing follows before we have said BEGIN.
    while answer.last != UInt8(ascii: "\n") {
      var byte: UInt8 = 0
      guard recv(socket, &byte, 1, 0) == 1, answer.count < 512 else { throw failure("the bus does not answer") }
      answer.append(byte)
    }
    guard answer.starts(with: "OK ".utf8) else { throw BusError("the bus does not let us in") }
    try send(socket, Array("BEGIN\r\n".utf8))
  }

  private static func send(_ socket: Int32, _ bytes: [UInt8]) throws(BusError) {
    guard Glibc.send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
      throw failure("the bus does not listen")
    }
  }

  private static func failure(_ what: String) -> BusError { BusError("\(what): \(String(cString: strerror(errno)))") }
}
