import CUMockdev
import Glibc

/// umockdev's object, which locks by itself.
struct OpaqueTestbed: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<UMockdevTestbed>
}

/// The folder that preloaded processes see in the place of /sys and parts of /dev.
final class Testbed {
  let folder: String
  private let testbed: OpaqueTestbed
  private var slots: [Slot] = []
  /// What is in /sys, from the parent to the child, by slot.
  private var devices: [Int: [SysfsDevice]] = [:]
  private var uevents: Uevents
  private var lastDevice = 0

  init() {
    guard let pointer = umockdev_testbed_new(), let root = umockdev_testbed_get_root_dir(pointer) else {
      fatalError("no testbed")
    }
    testbed = OpaqueTestbed(pointer: pointer)
    folder = String(cString: root)
    g_free(root)
    uevents = Uevents(folder: folder)
    // Everybody may use it: a preloaded process that cannot reach the sockets ends as soon as it opens anything of
    // /dev.
    chmod(folder, 0o755)
    chmod("\(folder)/ioctl/_default", 0o666)
  }

  func end() {
    for slot in slots where slot.device != nil { unplug(slot) }
    g_object_unref(testbed.pointer)
  }

  /// Puts a device into the first free slot, as the kernel does.
  func plug(_ device: PluggedDevice) throws(CommandFailure) -> Slot {
    let slot = if let free = slots.first(where: { $0.device == nil }) { free } else { try newSlot() }
    slot.device = device
    mkdir("\(folder)/dev", 0o755)
    guard symlink(device.terminal.path, folder + slot.node) == 0 else { throw CommandFailure("no node") }
    addToSysfs(device.identity, slot)
    return slot
  }

  func unplug(_ slot: Slot) {
    guard let device = slot.device else { return }
    slot.device = nil
    let gone = (devices.removeValue(forKey: slot.number) ?? []).reversed()
    for device in gone { umockdev_testbed_remove_device(testbed.pointer, device.path) }
    unlink(folder + slot.node)
    device.unplug()
    for device in gone { announce("remove", device) }
  }

  private func newSlot() throws(CommandFailure) -> Slot {
    let slot = try Slot(number: slots.count, in: testbed)
    chmod("\(folder)/ioctl\(slot.node)", 0o666)
    slots.append(slot)
    return slot
  }

  private func addToSysfs(_ identity: DeviceIdentity, _ slot: Slot) {
    lastDevice += 1
    let (vendor, product) = (hex(identity.vendor, 4), hex(identity.product, 4))
    let port = "1-\(slot.number + 1)"
    let usb = "pci0000:00/0000:00:14.0/usb1/\(port)"
    let interface = "\(usb)/\(port):1.0"
    let hid = "\(interface)/0003:\(vendor.uppercased()):\(product.uppercased()).\(hex(UInt16(lastDevice), 4))"
    let identifier = "0003:0000\(vendor.uppercased()):0000\(product.uppercased())"
    let added = [
      SysfsDevice(
        subsystem: "usb", name: usb,
        attributes: [
          ("idVendor", "\(vendor)\n"), ("idProduct", "\(product)\n"), ("manufacturer", "\(identity.manufacturer)\n"),
          ("product", "\(identity.name)\n"), ("serial", "\(identity.serial)\n"), ("bcdDevice", "0100\n"),
          ("busnum", "1\n"), ("devnum", "\(lastDevice + 1)\n"),
        ],
        properties: [
          ("DEVTYPE", "usb_device"), ("DRIVER", "usb"),
          ("PRODUCT", "\(hex(identity.vendor, 1))/\(hex(identity.product, 1))/100"),
        ]),
      SysfsDevice(
        subsystem: "usb", name: interface, attributes: [("bInterfaceClass", "03\n"), ("bInterfaceNumber", "00\n")],
        properties: [("DEVTYPE", "usb_interface"), ("DRIVER", "usbhid")]),
      SysfsDevice(
        subsystem: "hid", name: hid,
        properties: [
          ("DRIVER", "hid-generic"), ("HID_ID", identifier), ("HID_NAME", "\(identity.manufacturer) \(identity.name)"),
          ("HID_PHYS", identity.physicalPath), ("HID_UNIQ", identity.serial),
        ]),
      SysfsDevice(
        subsystem: "hidraw", name: "\(hid)/hidraw/hidraw\(slot.number)",
        attributes: [("dev", "\(Self.majorNumber):\(slot.number)")],
        properties: [("DEVNAME", slot.node), ("MAJOR", "\(Self.majorNumber)"), ("MINOR", "\(slot.number)")]),
    ]
    for device in added {
      add(device)
      // From the device node to what it is one of, as the kernel has it.
      if device.subsystem == "hidraw" {
        umockdev_testbed_set_attribute_link(
          testbed.pointer, device.path, "device", "../../../\(hid.split(separator: "/").last ?? "")")
      }
      guard device.subsystem == "hid" else { continue }
      var descriptor = identity.reportDescriptor
      umockdev_testbed_set_attribute_binary(
        testbed.pointer, device.path, "report_descriptor", &descriptor, gint(descriptor.count))
    }
    devices[slot.number] = added
    for device in added { announce("add", device) }
  }

  private func announce(_ action: String, _ device: SysfsDevice) {
    uevents.send(action, path: device.path, subsystem: device.subsystem, properties: device.properties)
  }

  /// Linux gives hidraw a free number; this one is often it.
  private static let majorNumber = 241

  private func add(_ device: SysfsDevice) {
    func strings(_ pairs: [(String, String)]) -> [UnsafeMutablePointer<CChar>?] {
      pairs.flatMap { [strdup($0), strdup($1)] } + [nil]
    }
    var (attributes, properties) = (strings(device.attributes), strings(device.properties))
    defer { for string in attributes + properties { free(string) } }
    // A whole path as the name: a parent is looked for in the true /sys by umockdev.
    g_free(
      umockdev_testbed_add_devicev(testbed.pointer, device.subsystem, device.name, nil, &attributes, &properties))
  }
}

/// A folder of /sys that is a device.
private struct SysfsDevice {
  let subsystem: String
  /// Its place below /sys/devices.
  let name: String
  var attributes: [(String, String)] = []
  let properties: [(String, String)]

  var path: String { "/sys/devices/\(name)" }
}

func hex(_ number: UInt16, _ digits: Int) -> String {
  let text = String(number, radix: 16)
  return String(repeating: "0", count: max(0, digits - text.count)) + text
}
