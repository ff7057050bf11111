import Configuration
import Foundation
import OfflineAccess

/// A configuration folder of its own, gone with it.
final class ConfigurationFixture {
  let folder: String
  var files: ConfigurationFiles { ConfigurationFiles(folder: folder) }

  init() throws {
    folder = FileManager.default.temporaryDirectory.path + "/offline-access-conf-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  convenience init(_ text: String) throws {
    try self.init()
    try write(text)
  }

  deinit {
    // A folder that a test made unreadable could not be emptied.
    chmod(files.dropIns, 0o700)
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// Writes the main file.
  func write(_ text: String) throws { try write(Array(text.utf8), to: files.main) }

  func write(_ bytes: [UInt8], to path: String, mode: Int = 0o644) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
  }

  /// Writes the drop-in `name`.
  ///
  /// - Returns: its path.
  @discardableResult
  func drop(_ name: String, _ text: String) throws -> String {
    try FileManager.default.createDirectory(atPath: files.dropIns, withIntermediateDirectories: true)
    let path = files.dropIns + "/" + name
    try write(Array(text.utf8), to: path)
    return path
  }

  /// Why the configuration is refused; nil when it is accepted.
  func error() -> ConfigurationError? {
    do throws(ConfigurationError) {
      _ = try files.load()
      return nil
    } catch {
      return error
    }
  }

  func policy() throws(ConfigurationError) -> Policy { try files.load().policy }
}
