import CCrypto
import OfflineAccess

/// The name under which this machine's credentials are made. It is this machine's alone, so what a key signs for
/// one machine is of no use on another.
public struct RelyingParty: Sendable {
  /// CTAP's rp.id.
  public let id: String
  private let machineID: [UInt8]

  /// - Parameter machineID: of machine-id(5), which is not to be shown around; so only what is derived from it
  ///   leaves this machine.
  public init(machineID: [UInt8]) {
    self.machineID = machineID
    id = "offline-access:" + Self.derive("relying party", from: machineID).prefix(16).map(Self.hex).joined()
  }

  /// CTAP's user.id: 32 bytes that name the user to this machine only.
  func handle(of user: UserIdentity) -> [UInt8] {
    Self.derive("user \(user.uid) \(user.name)", from: machineID)
  }

  /// HMAC-SHA-256 with the machine id as its key.
  private static func derive(_ purpose: String, from machineID: [UInt8]) -> [UInt8] {
    let message = Array("org.offlineaccess.Factor1 \(purpose)".utf8)
    var digest = [UInt8](repeating: 0, count: 32)
    HMAC(EVP_sha256(), machineID, Int32(machineID.count), message, message.count, &digest, nil)
    return digest
  }

  private static func hex(_ byte: UInt8) -> String {
    let text = String(byte, radix: 16)
    return text.count == 1 ? "0" + text : text
  }
}
