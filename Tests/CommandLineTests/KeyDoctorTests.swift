import Configuration
import Glibc
import OfflineAccess
import Testing

@testable import offline_access

@Suite("Doctor and security keys")
struct KeyDoctorTests {
  private let folder = TemporaryFolder()
  private var host: HostFiles { HostFiles(root: folder.path, administrator: geteuid()) }

  /// Usage page FIDO, usage U2F authenticator, and what a keyboard has before it.
  private static let fido: [UInt8] = [0x06, 0xD0, 0xF1, 0x09, 0x01, 0xA1, 0x01, 0xC0]
  private static let keyboard: [UInt8] = [0x05, 0x01, 0x09, 0x06, 0xA1, 0x01, 0x05, 0x07, 0xC0]

  private static let list = """
    [Yubico]
    standing=allowed
    match=1050:*
    [HyperFIDO]
    standing=refused
    match=096e:0880
    [Nitrokey Pro]
    standing=passwords-only
    match=20a0:4108
    """

  private func plug(_ number: Int, _ id: String, _ name: String, _ descriptor: [UInt8] = fido) {
    let device = "sys/class/hidraw/hidraw\(number)/device"
    folder.write("\(device)/uevent", "DRIVER=hid-generic\nHID_ID=0003:0000\(id)\nHID_NAME=\(name)\nHID_PHYS=x\n")
    folder.write("\(device)/report_descriptor", descriptor)
  }

  private func checks(_ configuration: String = "", list: String? = list) throws -> [Check] {
    if let list { folder.write("usr/share/offline-access/security-keys.conf", list) }
    folder.write("etc/offline-access/offline-access.conf", configuration)
    return KeyChecks(host: host).run(try ConfigurationChecks(host: host).load().get().policy)
  }

  @Test("FIDO's usage page is found wherever it stands, and cut or strange descriptors are no key")
  func descriptors() {
    #expect(HIDReport.isFIDO(Self.fido))
    #expect(HIDReport.isFIDO(Self.keyboard + Self.fido))
    #expect(HIDReport.isFIDO([0xFE, 0x02, 0x10, 0x06, 0xD0] + [0x07, 0xD0, 0xF1, 0, 0]))
    for other in [
      Self.keyboard, [], [0x06, 0xD0], [0x06, 0xF1, 0xD0], [0xFE], [0x0A, 0xD0, 0xF1], [0x27, 0x06, 0xD0, 0xF1, 0],
    ] {
      #expect(!HIDReport.isFIDO(other), "\(other)")
    }
  }

  @Test("Each plugged-in key is named with what the rules say of it; what is no key is left out")
  func keys() throws {
    plug(0, "1050:00000407", "Yubico YubiKey FIDO")
    plug(1, "096E:00000880", "HyperFIDO Token")
    plug(2, "1234:00005678", "Homemade")
    plug(3, "046D:0000C31C", "Keyboard", Self.keyboard)
    let keys = try checks().filter { $0.name == "security-key" }
    #expect(keys.map(\.result) == [.ok, .warn, .warn])
    #expect(
      keys[0].sentence
        == "The security key “Yubico YubiKey FIDO” (1050:0407) is allowed; its model (AAGUID) is looked at when it is set up."
    )
    #expect(keys[1].sentence.contains("(HyperFIDO) are not trusted"))
    #expect(keys[2].sentence.contains("allow=1234:5678"))
    let chosen = try checks("[SecurityKey]\nkeys=chosen\nallow=1234:5678\nrefuse=1050:*\n")
      .filter { $0.name == "security-key" }
    #expect(chosen.map(\.result) == [.warn, .warn, .ok])
    #expect(chosen[0].sentence.contains("“refuse”"))
  }

  @Test("Without a key that is said, and a token that only makes passwords is named")
  func passwordToken() throws {
    #expect(try checks().map(\.result) == [.ok, .ok])
    folder.write("sys/bus/usb/devices/1-2/idVendor", "20a0\n")
    folder.write("sys/bus/usb/devices/1-2/idProduct", "4108\n")
    folder.write("sys/bus/usb/devices/1-2/product", "Nitrokey Pro\n")
    folder.write("sys/bus/usb/devices/1-0:1.0/bInterfaceClass", "09\n")
    let token = try checks().first { $0.name == "password-token" }
    #expect(token?.result == .warn)
    #expect(token?.sentence.contains("“Nitrokey Pro” (20a0:4108) makes one-time passwords only") == true)
  }

  @Test("A list that is missing, broken or open to others fails")
  func list() throws {
    #expect(try checks(list: nil).map(\.result) == [.fail])
    #expect(try checks(list: "[Yubico]\nstanding=splendid\nmatch=1050:*\n").map(\.result) == [.fail])
    #expect(try checks().first?.result == .ok)
    chmod(folder.path + "/usr/share/offline-access/security-keys.conf", 0o666)
    #expect(KeyChecks(host: host).run(Policy()).map(\.result) == [.fail])
  }

  @Test(
    "The certificates have to be there where they are configured",
    arguments: [
      (nil, Check.Result.fail), ("nothing", .fail),
      ("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n", .ok),
    ] as [(String?, Check.Result)])
  func attestation(_ text: String?, expected: Check.Result) throws {
    if let text { folder.write("etc/keys/roots.pem", text) }
    let found = try checks("[SecurityKey]\nattestation-ca-file=/etc/keys/roots.pem\n")
    #expect(found.first { $0.name == "attestation-ca-file" }?.result == expected)
    #expect(try !checks().contains { $0.name == "attestation-ca-file" })
  }

  @Test("Where keys are not configured, or the configuration is refused, nothing is looked at")
  func notConfigured() throws {
    #expect(try checks("[Factor]\nmethods=passcode\n", list: nil).isEmpty)
    #expect(KeyChecks(host: host).run(nil).isEmpty)
  }
}
