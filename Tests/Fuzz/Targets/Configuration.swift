import Glibc
import OfflineAccess

@testable import Configuration

extension FuzzTarget {
  /// A configuration file: taken, or refused with its name and a line that it has.
  static let configuration = FuzzTarget(name: "configuration", longest: 2048) { bytes in
    let file = ConfigurationFile.path
    ConfigurationFile.write(bytes)
    let loaded: LoadedConfiguration
    do throws(ConfigurationError) { loaded = try ConfigurationFiles(folder: ConfigurationFile.folder).load() } catch {
      let lines = 1 + bytes.count { $0 == UInt8(ascii: "\n") }
      require(error.file == file && !error.reason.isEmpty, "\(error)")
      if let line = error.line { require((1...lines).contains(line), "\(error) in \(lines) lines") }
      return
    }
    // What is taken is a whole policy: written out and taken again it is the same.
    var again = Policy()
    for (setting, effective) in zip(Setting.all, loaded.effective) {
      do throws(Setting.BadValue) { try setting.apply(effective.value, to: &again) } catch {
        fatalError("\(effective.key)=\(effective.value): \(error.reason)")
      }
    }
    require(again == loaded.policy, "\(loaded.policy) and \(again)")
    require((0...86_400).contains(again.idleExit) && (1...1_000_000).contains(again.logins), "\(again)")
    require((1...3650).contains(again.days) && (1...100).contains(again.attempts), "\(again)")
  }
}

/// The one file that this process writes again and again.
private enum ConfigurationFile {
  static let folder: String = {
    var template = Array("/dev/shm/offline-access-fuzz-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { fatalError("no folder in /dev/shm") }
    let folder = String(cString: made)
    atexit {
      unlink(ConfigurationFile.path)
      rmdir(ConfigurationFile.folder)
    }
    return folder
  }()
  static let path = folder + "/offline-access.conf"

  static func write(_ bytes: [UInt8]) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    require(descriptor >= 0 && Glibc.write(descriptor, bytes, bytes.count) == bytes.count, "cannot write \(path)")
    close(descriptor)
  }
}
