import CCrypto
import Glibc
import OfflineAccess

/// The folder that holds database and key, checked before anything in it is trusted.
///
/// Only its owner can write in it, so what was checked cannot be exchanged by anybody else.
public struct StateFolder: Sendable {
  public let path: String
  /// Names this machine (machine-id(5)); part of what every record is bound to.
  public let machineIDFile: String

  public init(path: String, machineIDFile: String) {
    self.path = path
    self.machineIDFile = machineIDFile
  }

  var database: String { path + "/state.db" }
  var log: String { database + "-wal" }
  var key: String { path + "/sealing.key" }
  var generation: String { path + "/generation" }

  /// Makes the folder where it is missing and refuses one that others could reach into.
  func prepare() throws(StoreFailure) {
    if mkdir(path, 0o700) != 0, errno != EEXIST { throw Self.failure(errno, path) }
    var status = stat()
    guard lstat(path, &status) == 0 else { throw Self.failure(errno, path) }
    guard status.st_mode & S_IFMT == S_IFDIR else { throw .unsafe("\(path) is not a folder") }
    try Self.checkOwner(status, path)
    // Asked by name, since SQLite only says that it cannot open a file.
    var fileSystem = statvfs()
    guard statvfs(path, &fileSystem) == 0 else { throw Self.failure(errno, path) }
    guard fileSystem.f_flag & UInt(ST_RDONLY) == 0 else { throw .readOnly }
    for file in [database, log, database + "-shm", key, generation] { _ = try Self.isPresent(file) }
  }

  /// Whether a private regular file stands at `path`; anything else there is refused.
  static func isPresent(_ path: String) throws(StoreFailure) -> Bool {
    var status = stat()
    guard lstat(path, &status) == 0 else {
      if errno == ENOENT { return false }
      throw failure(errno, path)
    }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .unsafe("\(path) is not a regular file") }
    guard status.st_nlink == 1 else { throw .unsafe("\(path) has more than one link") }
    try checkOwner(status, path)
    return true
  }

  /// Which files stand under these names; nil for what is not there.
  struct Identity: Equatable {
    let database: [UInt64]?
    let log: [UInt64]?
    let generation: [UInt64]?
  }

  /// What stands here now, to notice an exchange.
  var identity: Identity {
    func identity(_ path: String) -> [UInt64]? {
      var status = stat()
      return lstat(path, &status) == 0 ? [UInt64(status.st_dev), UInt64(status.st_ino)] : nil
    }
    return Identity(database: identity(database), log: identity(log), generation: identity(generation))
  }

  /// Removes the log that an exchanged database left behind: SQLite would play it into the one that
  /// took its place. Beside none or an empty one it stays, for the right one may come back.
  func removeLog(of old: Identity) {
    let present = identity
    guard let database = present.database, database != old.database, present.log == old.log,
      (try? databaseIsEmpty()) == false
    else { return }
    unlink(log)
    unlink(self.database + "-shm")
  }

  private static func checkOwner(_ status: stat, _ path: String) throws(StoreFailure) {
    guard status.st_uid == geteuid() else { throw .unsafe("\(path) belongs to user id \(status.st_uid)") }
    guard status.st_mode & 0o077 == 0 else {
      throw .unsafe("\(path) has mode \(String(status.st_mode & 0o7777, radix: 8)); others must have no access")
    }
  }

  /// Whether the database's file holds nothing at all.
  func databaseIsEmpty() throws(StoreFailure) -> Bool {
    var status = stat()
    guard lstat(database, &status) == 0 else { throw Self.failure(errno, database) }
    return status.st_size == 0
  }

  /// Makes the empty database, private whatever the process's umask is; SQLite gives its log the same mode.
  func createDatabase() throws(StoreFailure) {
    let descriptor = open(database, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Self.failure(errno, database) }
    close(descriptor)
  }

  /// The same for those who need it beside the store; nil where it cannot be read.
  public func machineID() -> [UInt8]? { try? readMachineID() }

  /// The 32 hexadecimal digits that name this machine.
  func readMachineID() throws(StoreFailure) -> [UInt8] {
    let descriptor = open(machineIDFile, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw Self.failure(errno, machineIDFile) }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 33)
    let count = read(descriptor, &buffer, buffer.count)
    let digits = Array(buffer.prefix(32))
    let isDigit: (UInt8) -> Bool = { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    guard count >= 32, digits.allSatisfy(isDigit) else { throw .inputOutput("\(machineIDFile) holds no machine id") }
    return digits
  }

  func readKey() throws(StoreFailure) -> Secret {
    let descriptor = open(key, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw errno == ENOENT ? .keyMissing : Self.failure(errno, key) }
    defer { close(descriptor) }
    // One byte more than a key tells a file that is too long.
    var buffer = [UInt8](repeating: 0, count: Sealer.keyLength + 1)
    defer { buffer.withUnsafeMutableBytes { Secret.wipe($0) } }
    guard read(descriptor, &buffer, buffer.count) == Sealer.keyLength else {
      throw .damaged("\(key) does not hold \(Sealer.keyLength) bytes")
    }
    return Secret(buffer.prefix(Sealer.keyLength))
  }

  /// A new key, not stored yet.
  func makeKey() throws(StoreFailure) -> Secret {
    try Secret(count: Sealer.keyLength) { (buffer) throws(StoreFailure) in
      guard RAND_priv_bytes(buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), Int32(buffer.count)) == 1
      else { throw .inputOutput("no random bytes") }
    }
  }

  /// Puts `content` in the place of the file at `path`, durable before this returns.
  func replaceFile(_ path: String, with content: Secret) throws(StoreFailure) {
    // A half-written file must never stand under its name: write beside it, then rename.
    let temporary = path + ".new"
    unlink(temporary)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Self.failure(errno, temporary) }
    let written = content.withBytes {
      write(descriptor, $0.baseAddress, $0.count) == $0.count && fsync(descriptor) == 0
    }
    let code = errno
    close(descriptor)
    guard written else {
      unlink(temporary)
      throw Self.failure(code, temporary)
    }
    guard rename(temporary, path) == 0 else { throw Self.failure(errno, path) }
    try synchronise()
  }

  /// Makes the names in the folder durable.
  func synchronise() throws(StoreFailure) {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Self.failure(errno, path) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw Self.failure(errno, path) }
  }

  static func failure(_ code: Int32, _ path: String) -> StoreFailure {
    switch code {
    case ENOSPC, EDQUOT: .diskFull
    case EROFS: .readOnly
    default: .inputOutput("\(path): \(String(cString: strerror(code)))")
    }
  }
}
