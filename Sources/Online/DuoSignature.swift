import Glibc

/// How requests to Duo are signed: HMAC-SHA-512 over the canonical request, in the fifth version, which is the one of
/// Duo's official clients. The first five lines are those of version 2.
struct DuoSignature {
  let integrationKey: String
  let secret: [UInt8]

  /// The value of `Authorization` (HTTP Basic, RFC 7617: the signature in place of a password).
  func authorization(
    date: String, method: String, host: String, path: String, query: [UInt8], body: [UInt8]
  ) -> String? {
    guard let bodyDigest = Digest.sha512.of(body),
      // Of the X-Duo-* headers, of which there are none.
      let headerDigest = Digest.sha512.of([])
    else { return nil }
    let lines =
      Self.canonical(date: date, method: method, host: host, path: path, query: query)
      + Array("\n\(hex(bodyDigest))\n\(hex(headerDigest))".utf8)
    guard let signature = Digest.sha512.authentication(of: lines, key: secret) else { return nil }
    return "Basic " + base64(Array("\(integrationKey):\(hex(signature))".utf8))
  }

  static func canonical(date: String, method: String, host: String, path: String, query: [UInt8]) -> [UInt8] {
    Array("\(date)\n\(method)\n\(host.lowercased())\n\(path)\n".utf8) + query
  }

  /// A moment as RFC 5322, section 3.3, writes it.
  static func date(_ seconds: Int64) -> String {
    var moment = time_t(seconds)
    var parts = tm()
    guard gmtime_r(&moment, &parts) != nil else { return "" }
    var text = [CChar](repeating: 0, count: 64)
    // The program never calls setlocale, so names of days and months are English.
    let count = strftime(&text, text.count, "%a, %d %b %Y %H:%M:%S -0000", &parts)
    return String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
