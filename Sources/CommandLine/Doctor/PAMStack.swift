/// The authentication stack of one PAM service, with all that it includes.
struct PAMStack {
  indirect enum Entry {
    case rule(PAMRule)
    case substack([Entry])
  }

  let service: String
  let entries: [Entry]
  /// Files that are read for it, its own first.
  let files: [String]
  /// What PAM cannot understand or find; it denies then.
  let faults: [String]

  /// The first rule of `module` anywhere in the stack.
  func rule(of module: String) -> PAMRule? {
    func search(_ entries: [Entry]) -> PAMRule? {
      for entry in entries {
        switch entry {
        case .rule(let rule): if rule.moduleName == module { return rule }
        case .substack(let inner): if let rule = search(inner) { return rule }
        }
      }
      return nil
    }
    return search(entries)
  }
}

/// The PAM configuration of a machine.
struct PAMConfiguration {
  /// Folders that PAM looks in, the first with a name wins.
  static let folders = ["/etc/pam.d", "/usr/lib/pam.d"]
  /// PAM itself gives up at about this depth.
  private static let deepestInclusion = 20

  let host: HostFiles

  /// Names of all services and of the files that others include.
  var names: [String] {
    var names = Set<String>()
    for folder in Self.folders {
      for name in host.names(in: folder) where host.information("\(folder)/\(name)")?.kind == .file {
        if !Self.leftovers.contains(where: name.hasSuffix) { names.insert(name) }
      }
    }
    return names.sorted()
  }
  /// Endings of the copies that package managers and editors leave behind.
  private static let leftovers = [
    "~", ".bak", ".dpkg-old", ".dpkg-new", ".dpkg-dist", ".rpmnew", ".rpmsave", ".pam-old",
  ]

  /// The path of a service's file, or nil where there is none.
  func path(of name: String) -> String? {
    if name.hasPrefix("/") { return host.exists(name) ? name : nil }
    return Self.folders.map { "\($0)/\(name)" }.first(where: host.exists)
  }

  func stack(of service: String) -> PAMStack {
    var files: [String] = []
    var faults: [String] = []
    func load(_ name: String, depth: Int) -> [PAMStack.Entry] {
      guard depth < Self.deepestInclusion else {
        faults.append(Texts.Doctor.includesItself(name))
        return []
      }
      guard let path = path(of: name), let text = host.text(path) else {
        faults.append(Texts.Doctor.pamFileMissing(name))
        return []
      }
      if !files.contains(path) { files.append(path) }
      var entries: [PAMStack.Entry] = []
      for line in PAMLine.parse(text, file: path) {
        switch line {
        case .rule(let rule): entries.append(.rule(rule))
        case .include(let other): entries += load(other, depth: depth + 1)
        case .substack(let other): entries.append(.substack(load(other, depth: depth + 1)))
        case .broken(let number): faults.append(Texts.Doctor.pamLineBroken("\(path):\(number)"))
        }
      }
      return entries
    }
    let entries = load(service, depth: 0)
    return PAMStack(service: service, entries: entries, files: files, faults: faults)
  }
}
