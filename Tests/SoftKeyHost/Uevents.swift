import Glibc

/// Tells libudev's monitors of devices that come and go.
///
/// The preloaded library puts a socket "event..." into the testbed for each monitor. umockdev could speak to them as
/// well, but says nothing of removals and ends when a monitor is slow.
struct Uevents {
  let folder: String
  private var sequence = 0

  init(folder: String) { self.folder = folder }

  /// Announces a device by the properties that its uevent file has.
  mutating func send(_ action: String, path: String, subsystem: String, properties: [(String, String)]) {
    sequence += 1
    let all =
      [("ACTION", action), ("DEVPATH", String(path.dropFirst("/sys".count))), ("SUBSYSTEM", subsystem)] + properties
      + [("SEQNUM", "\(sequence)")]
    let text = all.flatMap { name, value -> [UInt8] in Array("\(name)=\(value)".utf8) + [0] }
    let type = properties.first { $0.0 == "DEVTYPE" }?.1
    let message = Self.header(subsystem: subsystem, type: type, length: text.count) + text
    for name in entries(of: folder) where name.hasPrefix("event") { Self.send(message, to: "\(folder)/\(name)") }
  }

  /// What libudev's messages begin with (systemd, src/libsystemd/sd-device/device-monitor.c): its name, a magic number,
  /// this header's length, where the properties are, and hashes for the kernel's socket filters.
  private static func header(subsystem: String, type: String?, length: Int) -> [UInt8] {
    func native(_ number: Int) -> [UInt8] { withUnsafeBytes(of: UInt32(number)) { Array($0) } }
    func network(_ number: UInt32) -> [UInt8] { withUnsafeBytes(of: number.bigEndian) { Array($0) } }
    return Array("libudev".utf8) + [0] + network(0xfeed_cafe) + native(40) + native(40) + native(length)
      + network(murmurHash2(subsystem)) + network(type.map(murmurHash2) ?? 0) + network(0) + network(0)
  }

  /// Austin Appleby's MurmurHash2 with the seed 0.
  private static func murmurHash2(_ text: String) -> UInt32 {
    let factor: UInt32 = 0x5bd1_e995
    var rest = Array(text.utf8)[...]
    var hash = UInt32(rest.count)
    while rest.count >= 4 {
      var part = rest.prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) } &* factor
      part = (part ^ part >> 24) &* factor
      hash = hash &* factor ^ part
      rest = rest.dropFirst(4)
    }
    if !rest.isEmpty { hash = (hash ^ rest.reversed().reduce(0) { $0 << 8 | UInt32($1) }) &* factor }
    hash = (hash ^ hash >> 13) &* factor
    return hash ^ hash >> 15
  }

  /// As with netlink, a monitor that does not read loses messages, and one that is gone does no harm.
  private static func send(_ message: [UInt8], to path: String) {
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
    withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        _ = sendto(
          descriptor, message, message.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL), address,
          socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }

  private func entries(of folder: String) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      withUnsafeBytes(of: &entry.pointee.d_name) { name in
        names.append(String(decoding: name.prefix { $0 != 0 }, as: UTF8.self))
      }
    }
    return names
  }
}
