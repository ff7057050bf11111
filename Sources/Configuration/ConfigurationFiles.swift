import CGLib
import Glibc
import OfflineAccess

/// Why the configuration is refused: always with the file and, where one is to blame, the line.
public struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
  public let file: String
  public let line: Int?
  public let reason: String

  public init(file: String, line: Int?, reason: String) {
    self.file = file
    self.line = line
    self.reason = reason
  }

  public var description: String { "\(file)\(line.map { ":\($0)" } ?? ""): \(reason)" }
}

/// A setting in force and where it comes from.
public struct EffectiveSetting: Equatable, Sendable {
  public let section: String
  public let key: String
  public let value: String
  /// "default" or "FILE:LINE".
  public let source: String
}

/// The configuration as read from its files.
public struct LoadedConfiguration: Sendable {
  public let policy: Policy
  /// In the order of the manual.
  public let effective: [EffectiveSetting]
}

/// The configuration file and its drop-ins: a later file overrides an earlier one, key by key.
public struct ConfigurationFiles: Sendable {
  public let main: String
  public let dropIns: String

  /// - Parameter folder: where `offline-access.conf` and `offline-access.conf.d` are.
  public init(folder: String = "/etc/offline-access") {
    main = folder + "/offline-access.conf"
    dropIns = folder + "/offline-access.conf.d"
  }

  /// Reads everything; files that are not there leave the defaults.
  public func load() throws(ConfigurationError) -> LoadedConfiguration {
    var policy = Policy()
    var sources: [String: String] = [:]
    for file in try files() {
      guard let parsed = try KeyFile(path: file) else { continue }
      for entry in parsed.entries {
        guard let setting = Setting.all.first(where: { $0.section == entry.section && $0.key == entry.key }) else {
          let known = Setting.all.contains { $0.section == entry.section }
          throw ConfigurationError(
            file: file, line: entry.line,
            reason: known ? "unknown key “\(entry.key)” in [\(entry.section)]" : "unknown section [\(entry.section)]")
        }
        do throws(Setting.BadValue) { try setting.apply(entry.value, to: &policy) } catch {
          throw ConfigurationError(file: file, line: entry.line, reason: "\(entry.key)=\(entry.value): \(error.reason)")
        }
        sources["\(setting.section)/\(setting.key)"] = "\(file):\(entry.line)"
      }
      // A section without keys is as wrong as a key in it would be.
      for section in parsed.sections where !Setting.all.contains(where: { $0.section == section.name }) {
        throw ConfigurationError(file: file, line: section.line, reason: "unknown section [\(section.name)]")
      }
    }
    if let missing = policy.authority.missingKey {
      let kind = policy.authority.kind.rawValue
      // Where `kind` stands, as nothing else says that the key is needed.
      let place = sources["Authority/kind"]?.split(separator: ":") ?? []
      throw ConfigurationError(
        file: place.dropLast().joined(separator: ":"), line: place.last.flatMap { Int($0) },
        reason: "kind=\(kind) needs “\(missing)” in [Authority]")
    }
    let effective = Setting.all.map { setting in
      EffectiveSetting(
        section: setting.section, key: setting.key, value: setting.text(in: policy),
        source: sources["\(setting.section)/\(setting.key)"] ?? "default")
    }
    return LoadedConfiguration(policy: policy, effective: effective)
  }

  /// Changes whenever a file was changed, added or removed.
  public func fingerprint() -> [Int64] {
    // A failure to list shows when the files are loaded.
    let files = (try? files()) ?? []
    return ([dropIns] + files).flatMap { path -> [Int64] in
      var status = stat()
      guard stat(path, &status) == 0 else { return [-1] }
      return [
        Int64(status.st_ino), Int64(status.st_size), Int64(status.st_mtim.tv_sec), Int64(status.st_mtim.tv_nsec),
        Int64(status.st_ctim.tv_sec), Int64(status.st_ctim.tv_nsec),
      ]
    }
  }

  /// The main file, then the drop-ins in the order of their names.
  private func files() throws(ConfigurationError) -> [String] {
    guard let folder = opendir(dropIns) else {
      if errno == ENOENT { return [main] }
      throw ConfigurationError(file: dropIns, line: nil, reason: String(cString: strerror(errno)))
    }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name.hasSuffix(".conf"), !name.hasPrefix(".") { names.append(name) }
    }
    return [main] + names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map { "\(dropIns)/\($0)" }
  }
}
