import Glibc

/// What PAM asks for when polkit does, as far as the agent needs to know: nobody is told that an elevation costs a
/// login where it does not ask for the factor.
enum PolkitStack {
  private static let service = "polkit-1"
  private static let module = "pam_offline_access.so"
  /// The first with a name wins (pam.conf(5)).
  private static let folders = ["/etc/pam.d", "/usr/lib/pam.d"]
  /// PAM itself gives up at about this depth.
  private static let deepestInclusion = 20

  static var asksForFactor: Bool {
    asksForFactor(service) { name in
      for folder in folders {
        if let text = contents("\(folder)/\(name)") { return text }
      }
      return nil
    }
  }

  static func asksForFactor(_ service: String, depth: Int = 0, contents: (String) -> String?) -> Bool {
    guard depth < deepestInclusion, let text = contents(service) else { return false }
    for line in text.split(separator: "\n") {
      let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
      guard let first = words.first else { continue }
      if first == "@include" {
        if words.count > 1, asksForFactor(String(words[1]), depth: depth + 1, contents: contents) { return true }
        continue
      }
      guard first == "auth" || first == "-auth", words.count > 2 else { continue }
      if words[1] == "include" || words[1] == "substack" {
        if asksForFactor(String(words[2]), depth: depth + 1, contents: contents) { return true }
      } else if words.dropFirst(2).contains(where: { $0 == module || $0.hasSuffix("/\(module)") }) {
        return true
      }
    }
    return false
  }

  private static func contents(_ path: String) -> String? {
    guard let file = fopen(path, "re") else { return nil }
    defer { fclose(file) }
    var text: [UInt8] = []
    while text.count < 65_536, case let byte = fgetc(file), byte != EOF { text.append(UInt8(truncatingIfNeeded: byte)) }
    return String(decoding: text, as: UTF8.self)
  }
}
