import Glibc
import OnlineWire

/// Whether this machine has a default route, by IPv4 or IPv6. A hint at most: it says nothing of what lies behind.
func hasDefaultRoute() -> Bool {
  // Destination, then further columns, for IPv4; destination and the length of its prefix, for IPv6.
  contents("/proc/net/route").split(separator: "\n").contains { line in
    let words = line.split { $0 == "\t" || $0 == " " }
    return words.count > 7 && words[1] == "00000000" && words[7] == "00000000"
  }
    || contents("/proc/net/ipv6_route").split(separator: "\n").contains { line in
      let words = line.split(separator: " ")
      // The kernel keeps a route to nowhere on the loopback device.
      return words.count > 9 && words[0].allSatisfy { $0 == "0" } && words[1] == "00" && words[9] != "lo"
    }
}

private func contents(_ path: String) -> String {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return "" }
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 4096)
  while bytes.count < 1 << 20 {
    let count = read(descriptor, &buffer, buffer.count)
    guard count > 0 else { break }
    bytes += buffer.prefix(count)
  }
  return String(decoding: bytes, as: UTF8.self)
}

extension OnlineReason {
  /// Whether somebody answered, be it who it may.
  var hasAnswer: Bool {
    switch self {
    case .refusedPort, .tls, .tlsAuthority, .tlsHost, .pinnedKey, .clock, .serverError, .busy, .empty, .tooLarge,
      .malformed, .redirect:
      true
    default: false
    }
  }
}
