import Configuration
import Glibc
import OfflineAccess
import OnlineWire

extension AuthoritySettings {
  /// What `policy` says, with the contents of its files; refuses a file that others could have read or written.
  init(_ policy: AuthorityPolicy) throws(ConfigurationError) {
    let kind: AuthorityName
    switch policy.kind {
    case .none: throw ConfigurationError(file: "[Authority]", line: nil, reason: "there is no authority")
    case .privacyIDEA: kind = .privacyidea
    case .duo: kind = .duo
    case .radius: kind = .radius
    }
    self.init(kind: kind)
    url = policy.url
    realm = policy.realm
    host = policy.host
    integrationKey = policy.integrationKey
    servers = policy.servers.joined(separator: ";")
    pinnedKey = policy.pinnedKeys.joined(separator: ";")
    proxy = policy.proxy
    userTemplate = policy.userTemplate
    trigger = policy.push == .yes
    switch policy.kind {
    case .privacyIDEA: publicKey = try Self.contents(policy.publicKeyFile)
    case .duo: secret = try Self.secret(policy.secretKeyFile)
    case .radius: secret = try Self.secret(policy.secretFile)
    case .none: break
    }
    if policy.kind != .radius { authorities = try Self.contents(policy.caFile) }
  }

  private static func contents(_ path: String) throws(ConfigurationError) -> [UInt8] {
    guard !path.isEmpty else { return [] }
    guard let bytes = try TrustedFile.read(path) else {
      throw ConfigurationError(file: path, line: nil, reason: "not there")
    }
    guard !bytes.isEmpty else { throw ConfigurationError(file: path, line: nil, reason: "empty") }
    // Beside it there has to be room for the rest.
    let most = Frame.longestRequest - 64 * 1024
    guard bytes.count <= most else {
      throw ConfigurationError(file: path, line: nil, reason: "larger than \(most) bytes")
    }
    return bytes
  }

  /// A secret, without the line's end that editors add.
  private static func secret(_ name: String) throws(ConfigurationError) -> [UInt8] {
    var path = name
    if let credential = name.dropPrefix(AuthorityPolicy.credentialPrefix) {
      guard let folder = getenv("CREDENTIALS_DIRECTORY") else {
        throw ConfigurationError(file: name, line: nil, reason: "systemd gave no credentials to this service")
      }
      path = "\(String(cString: folder))/\(credential)"
    }
    guard var bytes = try TrustedFile.read(path, isSecret: true) else {
      throw ConfigurationError(file: path, line: nil, reason: "not there")
    }
    while let last = bytes.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: "\r") { bytes.removeLast() }
    guard !bytes.isEmpty else { throw ConfigurationError(file: path, line: nil, reason: "empty") }
    return bytes
  }
}
