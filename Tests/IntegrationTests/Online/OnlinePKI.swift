import Foundation
import Testing

/// Certificate authorities and server certificates of the tests.
enum OnlinePKI {
  static let folder = "/run/online-pki"
  private static let prepared = Result { try make() }

  /// The authority's own certificate in PEM.
  static func authority(_ name: String = "ca") throws -> [UInt8] {
    try prepared.get()
    return [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name).pem")))
  }

  /// Certificate and key of a server: `server`, `forged` (by another authority), `elsewhere` (for another name),
  /// `past` and `future`.
  static func server(_ name: String = "server") throws -> [String] {
    try prepared.get()
    return ["\(folder)/\(name).pem", "\(folder)/\(name).key"]
  }

  /// libcurl's form of the key's digest.
  static func pin(_ name: String = "server") throws -> String {
    let line =
      "openssl x509 -in \(try server(name)[0]) -noout -pubkey | openssl pkey -pubin -outform der"
      + " | openssl dgst -sha256 -binary | base64"
    return try "sha256//" + trimmed(run("sh", "-c", line).expectSuccess().output)
  }

  private static func make() throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for authority in ["ca", "other-ca"] {
      try run(
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-keyout", "\(folder)/\(authority).key", "-out", "\(folder)/\(authority).pem", "-subj", "/CN=Test \(authority)"
      ).expectSuccess()
    }
    try run("mkdir", "\(folder)/issued").expectSuccess()
    for authority in ["ca", "other-ca"] {
      try Machine.write("", to: "\(folder)/\(authority).index")
      try Machine.write(
        """
        [ca]
        default_ca = own
        [own]
        database = \(folder)/\(authority).index
        rand_serial = yes
        new_certs_dir = \(folder)/issued
        certificate = \(folder)/\(authority).pem
        private_key = \(folder)/\(authority).key
        default_md = sha256
        policy = any
        unique_subject = no
        copy_extensions = copy
        [any]
        commonName = supplied
        """, to: "\(folder)/\(authority).cnf")
    }
    let now = Date()
    try issue("server", "ca", "DNS:localhost,IP:127.0.0.1", from: now - 3600, to: now + 86_400)
    try issue("forged", "other-ca", "DNS:localhost,IP:127.0.0.1", from: now - 3600, to: now + 86_400)
    try issue("elsewhere", "ca", "DNS:elsewhere.example", from: now - 3600, to: now + 86_400)
    try issue("past", "ca", "DNS:localhost,IP:127.0.0.1", from: now - 172_800, to: now - 86_400)
    try issue("future", "ca", "DNS:localhost,IP:127.0.0.1", from: now + 86_400, to: now + 172_800)
  }

  private static func issue(_ name: String, _ authority: String, _ names: String, from: Date, to: Date) throws {
    try run(
      "openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
      "\(folder)/\(name).key", "-out", "\(folder)/\(name).csr", "-subj", "/CN=\(name)", "-addext",
      "subjectAltName=\(names)"
    ).expectSuccess()
    let format = DateFormatter()
    format.timeZone = TimeZone(identifier: "UTC")
    format.locale = Locale(identifier: "en_US_POSIX")
    format.dateFormat = "yyyyMMddHHmmss'Z'"
    try run(
      "openssl", "ca", "-batch", "-notext", "-config", "\(folder)/\(authority).cnf", "-in", "\(folder)/\(name).csr",
      "-out", "\(folder)/\(name).pem", "-startdate", format.string(from: from), "-enddate", format.string(from: to)
    ).expectSuccess()
  }
}
