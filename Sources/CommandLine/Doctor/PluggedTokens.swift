import OfflineAccess

/// A token in a USB port, as sysfs tells of it: this program leaves the keys themselves to the service.
struct PluggedToken: Equatable {
  let identity: KeyIdentity
  /// What the device calls itself.
  let name: String
}

extension HostFiles {
  /// The security keys that are plugged in: devices whose reports are those of FIDO.
  func securityKeys() -> [PluggedToken] {
    let folder = "/sys/class/hidraw"
    return names(in: folder).compactMap { name in
      guard let report = bytes("\(folder)/\(name)/device/report_descriptor"), HIDReport.isFIDO(report) else {
        return nil
      }
      return text("\(folder)/\(name)/device/uevent").flatMap(Self.token)
    }
  }

  /// The USB devices that are plugged in, whatever they are.
  func usbDevices() -> [PluggedToken] {
    let folder = "/sys/bus/usb/devices"
    return names(in: folder).compactMap { name in
      func line(_ file: String) -> String? {
        text("\(folder)/\(name)/\(file)").map { String($0.prefix { $0 != "\n" }) }
      }
      guard let vendor = line("idVendor").flatMap({ UInt16($0, radix: 16) }),
        let product = line("idProduct").flatMap({ UInt16($0, radix: 16) })
      else { return nil }
      return PluggedToken(identity: KeyIdentity(vendor: vendor, product: product), name: line("product") ?? "")
    }
  }

  /// Reads `HID_ID=0003:00001050:00000407` (bus, vendor, product) and `HID_NAME=…`.
  private static func token(_ uevent: String) -> PluggedToken? {
    var identity: KeyIdentity?
    var name = ""
    for line in uevent.split(separator: "\n") {
      if line.hasPrefix("HID_NAME=") { name = String(line.dropFirst("HID_NAME=".count)) }
      guard line.hasPrefix("HID_ID=") else { continue }
      let numbers = line.dropFirst("HID_ID=".count).split(separator: ":").map { UInt32($0, radix: 16) }
      guard numbers.count == 3, let vendor = numbers[1], let product = numbers[2] else { continue }
      identity = KeyIdentity(vendor: UInt16(truncatingIfNeeded: vendor), product: UInt16(truncatingIfNeeded: product))
    }
    return identity.map { PluggedToken(identity: $0, name: name) }
  }
}

/// HID report descriptors (Device Class Definition for HID 1.11, section 6.2.2).
enum HIDReport {
  private static let usagePage: UInt8 = 0x04  // global item, its size taken off
  private static let fidoAlliance: UInt32 = 0xF1D0  // CTAP 2.1, section 11.2.8.2
  private static let longItem: UInt8 = 0xFE

  /// Whether a collection of the descriptor is of FIDO's usage page.
  static func isFIDO(_ descriptor: [UInt8]) -> Bool {
    var index = 0
    while index < descriptor.count {
      let prefix = descriptor[index]
      index += 1
      if prefix == longItem {
        guard index < descriptor.count else { return false }
        index += 2 + Int(descriptor[index])
        continue
      }
      let size = prefix & 3 == 3 ? 4 : Int(prefix & 3)
      guard index + size <= descriptor.count else { return false }
      if prefix & 0xFC == usagePage {
        let value = descriptor[index..<index + size].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        if value == fidoAlliance { return true }
      }
      index += size
    }
    return false
  }
}
