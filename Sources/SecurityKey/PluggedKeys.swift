import CFIDO2
import Glibc
import OfflineAccess

/// A security key that is plugged in.
public struct PluggedKey: Hashable, Sendable {
  public let path: String
  /// Tells a device from another one that had its place before.
  public let instance: UInt64?
  public let vendor: UInt16
  public let product: UInt16

  public init(path: String, instance: UInt64?, vendor: UInt16, product: UInt16) {
    self.path = path
    self.instance = instance
    self.vendor = vendor
    self.product = product
  }
}

/// Where keys are plugged in.
public protocol KeyPorts: Sendable {
  /// Changes whenever a key comes or goes; cheap, as it is asked several times a second.
  func fingerprint() -> [String]
  func keys() -> [PluggedKey]
  /// Opens a key for reading and writing reports.
  ///
  /// - Returns: a descriptor, or minus one and the reason in `errno`; EWOULDBLOCK where another program has the key.
  func open(_ path: String) -> Int32
  /// The USB devices that are plugged in, security keys or not.
  func usbDevices() -> [KeyIdentity]
}

/// The machine's own: Linux's hidraw devices, told from others by libfido2.
public struct HIDPorts: KeyPorts {
  private static let mostKeys = 64

  public init() {}

  public func fingerprint() -> [String] {
    Self.names(in: "/sys/class/hidraw").sorted().map { name in
      "\(name) \(Self.instance("/dev/\(name)") ?? 0)"
    }
  }

  public func keys() -> [PluggedKey] {
    guard let list = fido_dev_info_new(Self.mostKeys) else { return [] }
    var mutableList: OpaquePointer? = list
    defer { fido_dev_info_free(&mutableList, Self.mostKeys) }
    var count = 0
    guard fido_dev_info_manifest(list, Self.mostKeys, &count) == FIDO_OK else { return [] }
    return (0..<count).compactMap { index in
      guard let info = fido_dev_info_ptr(list, index), let path = fido_dev_info_path(info) else { return nil }
      let name = String(cString: path)
      // libfido2 hands USB's unsigned ids on as signed numbers.
      return PluggedKey(
        path: name, instance: Self.instance(name), vendor: UInt16(bitPattern: fido_dev_info_vendor(info)),
        product: UInt16(bitPattern: fido_dev_info_product(info)))
    }
  }

  public func open(_ path: String) -> Int32 {
    let descriptor = Glibc.open(path, O_RDWR | O_CLOEXEC)
    // The agreement of programs that use libfido2: one at a time.
    guard descriptor >= 0, flock(descriptor, LOCK_EX | LOCK_NB) != 0 else { return descriptor }
    let code = errno
    close(descriptor)
    errno = code
    return -1
  }

  public func usbDevices() -> [KeyIdentity] {
    let folder = "/sys/bus/usb/devices"
    return Self.names(in: folder).compactMap { name in
      guard let vendor = Self.number("\(folder)/\(name)/idVendor"),
        let product = Self.number("\(folder)/\(name)/idProduct")
      else { return nil }
      return KeyIdentity(vendor: vendor, product: product)
    }
  }

  /// A device file that comes back is another inode. Its times change with its permissions, too.
  private static func instance(_ path: String) -> UInt64? {
    var status = stat()
    return stat(path, &status) == 0 ? UInt64(status.st_ino) : nil
  }

  private static func names(in path: String) -> [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names
  }

  /// The hexadecimal number that a file of sysfs holds.
  private static func number(_ path: String) -> UInt16? {
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 16)
    let count = read(descriptor, &buffer, buffer.count)
    return UInt16(String(decoding: buffer.prefix(max(0, count)).prefix { $0 > 0x20 }, as: UTF8.self), radix: 16)
  }
}
