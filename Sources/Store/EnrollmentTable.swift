import OfflineAccess

/// The opened database: sealed enrollments, and the sealed state of the machine beside them.
final class EnrollmentTable {
  /// "OAF1", so that `file` and SQLite know whose database it is.
  static let applicationID: Int64 = 0x4F41_4631
  static let version: Int64 = 1

  private static let schema = [
    "CREATE TABLE enrollment (uid INTEGER PRIMARY KEY, name TEXT NOT NULL, record BLOB NOT NULL) STRICT",
    "CREATE TABLE machine (item TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID",
  ]
  private static let stateItem = "state"

  /// What all users share.
  private struct MachineState {
    /// The clock's high-water mark, in seconds since 1970 UTC.
    var clockMark: Int64 = 0
    /// The number of the latest commit.
    var generation: UInt64 = 0
  }

  /// The files that were opened.
  let files: StateFolder.Identity
  private let database: Database
  private let sealer: Sealer
  private let machineID: [UInt8]
  private let selectUser: Database.Statement
  private let upsertUser: Database.Statement
  private let deleteUser: Database.Statement
  private let selectItem: Database.Statement
  private let upsertItem: Database.Statement
  private let generationFile: GenerationFile
  /// The number of the latest commit that this machine has seen.
  private var reached: UInt64
  /// As the transaction that runs found it and changes it.
  private var state = MachineState()
  private var isChanged = false

  /// Opens what is in `folder`, or makes it where nothing is there yet.
  init(in folder: StateFolder) throws(StoreFailure) {
    try folder.prepare()
    let isNew = try !StateFolder.isPresent(folder.database)
    let hasKey = try StateFolder.isPresent(folder.key)
    // A key is made after its database, so this cannot be a first start.
    if isNew, hasKey { throw .damaged("\(folder.database) is gone although its key is there") }
    // Nor can this: the file was cut to nothing. SQLite would take a log beside it for worthless.
    if hasKey, try folder.databaseIsEmpty() {
      throw .damaged("\(folder.database) is empty although its key is there")
    }
    if isNew { try folder.createDatabase() }
    database = try Database(path: folder.database)
    try database.execute("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA cache_size = -256")
    let isBlank = try Self.isBlank(database)
    if isBlank, hasKey { throw .damaged("\(folder.database) is empty although its key is there") }
    // Looked at before anything is written: what is not ours stays as it is.
    if !isBlank { try Self.checkSchema(database) }
    try Self.makeDurable(database)
    if isBlank { try Self.makeSchema(database) }
    let isEmpty = try Self.isEmpty(database)
    if isNew { try folder.synchronise() }
    machineID = try folder.readMachineID()
    let key = hasKey ? try folder.readKey() : try folder.makeKey()
    sealer = Sealer(key: key)
    generationFile = GenerationFile(in: folder, sealer: sealer, machineID: machineID)
    if !hasKey {
      guard isEmpty else { throw .keyMissing }
      // The key comes last: where it stands, all the rest has to.
      try generationFile.create()
      try folder.replaceFile(folder.key, with: key)
    }
    selectUser = try .init(database, "SELECT name, record FROM enrollment WHERE uid = ?")
    upsertUser = try .init(
      database,
      "INSERT INTO enrollment VALUES (?1, ?2, ?3) ON CONFLICT (uid) DO UPDATE SET name = ?2, record = ?3")
    deleteUser = try .init(database, "DELETE FROM enrollment WHERE uid = ?")
    selectItem = try .init(database, "SELECT value FROM machine WHERE item = ?")
    upsertItem = try .init(
      database, "INSERT INTO machine VALUES (?1, ?2) ON CONFLICT (item) DO UPDATE SET value = ?2")
    reached = 0
    // By now there is a log as well, which stays while this connection lives.
    files = folder.identity
    if !isEmpty {
      // Tells a foreign key or machine now, in one place, instead of at each user's record; and before the
      // generation, which they cannot open either.
      state = try loadState()
    }
    reached = try generationFile.read()
    // Emptied tables have nothing to load, and are commit 0.
    try checkGeneration()
    // Only now: what is refused stays as it is.
    try Self.emptyLog(database)
    if isEmpty { try saveState() }
  }

  private static func makeDurable(_ database: Database) throws(StoreFailure) {
    guard try database.text("PRAGMA journal_mode = WAL") == "wal" else {
      throw .inputOutput("the database does not take a write-ahead log")
    }
    // Checked, not assumed: with NORMAL a power cut loses what was said.
    try database.execute("PRAGMA synchronous = FULL")
    guard try database.integer("PRAGMA synchronous") == 2 else {
      throw .inputOutput("the database does not take synchronous = FULL")
    }
    if FaultPoint.unsynchronised.isChosen { try database.execute("PRAGMA synchronous = OFF") }
  }

  /// Moves what an earlier connection left in the log into the database, and empties the log.
  ///
  /// After a write that failed the kernel goes on to show what it was given, and takes it for written: what is read from
  /// the log may be in memory only, and with a power cut whatever was committed behind it would be lost, too. ext4 does
  /// not even get it to the disk when it is written again in its place; an emptied log has a new one.
  private static func emptyLog(_ database: Database) throws(StoreFailure) {
    guard try database.integer("PRAGMA wal_checkpoint(TRUNCATE)") == 0 else {
      throw .inputOutput("the log of the database is in use")
    }
  }

  /// Whether the database has no tables yet.
  private static func isBlank(_ database: Database) throws(StoreFailure) -> Bool {
    guard try database.integer("SELECT count(*) FROM sqlite_schema") == 0 else { return false }
    return try database.integer("PRAGMA user_version") == 0
  }

  private static func makeSchema(_ database: Database) throws(StoreFailure) {
    try database.execute(
      "BEGIN IMMEDIATE; \(schema.joined(separator: "; ")); PRAGMA application_id = \(applicationID); "
        + "PRAGMA user_version = \(version); COMMIT")
  }

  /// Refuses a database that is not ours as it is.
  private static func checkSchema(_ database: Database) throws(StoreFailure) {
    guard try database.integer("PRAGMA application_id") == applicationID else {
      throw .damaged("not a database of offline access")
    }
    let found = try database.integer("PRAGMA user_version")
    guard found <= version else { throw .newerVersion(Int(found)) }
    let tables = try database.text(
      "SELECT group_concat(sql, '; ') FROM (SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name)")
    guard found == version, tables == schema.joined(separator: "; ") else {
      throw .damaged("the tables are not those of version \(version)")
    }
  }

  /// Whether nothing was ever stored in the tables.
  private static func isEmpty(_ database: Database) throws(StoreFailure) -> Bool {
    try database.integer("SELECT EXISTS (SELECT 1 FROM machine) OR EXISTS (SELECT 1 FROM enrollment)") == 0
  }

  /// Whether this is still what stands in `folder`; refuses what became unsafe since.
  func isCurrent(in folder: StateFolder) throws(StoreFailure) -> Bool {
    try folder.prepare()
    return folder.identity == files
  }

  /// Runs `body` in one transaction; when this returns, its changes survive a power cut.
  func transaction(_ body: () throws(StoreFailure) -> Void) throws(StoreFailure) {
    try database.execute("BEGIN IMMEDIATE")
    do throws(StoreFailure) {
      isChanged = false
      state = try loadState()
      try checkGeneration()
      try body()
      if isChanged {
        state.generation += 1
        try saveState()
      }
      FaultPoint.beforeCommit.reached()
      try database.execute("COMMIT")
      FaultPoint.committed.reached()
    } catch {
      database.rollBack()
      throw error
    }
    if isChanged { try generationFile.write(state.generation) }
    FaultPoint.numbered.reached()
    reached = state.generation
  }

  /// Refuses a database that lacks what this machine has seen committed.
  private func checkGeneration() throws(StoreFailure) {
    guard state.generation >= reached else { throw .olderCopy(found: state.generation, reached: reached) }
  }

  /// The clock's high-water mark, inside a transaction.
  var clockMark: Int64 {
    get { state.clockMark }
    set {
      state.clockMark = newValue
      isChanged = true
    }
  }

  /// The user's record; one under the same uid but another name is somebody else's and unseen.
  func record(of user: UserIdentity) throws(StoreFailure) -> UserRecord {
    let row = try selectUser.query([.integer(Int64(user.uid))]) { ($0.text(0), $0.blob(1)) }
    guard let (name, box) = row else { return UserRecord() }
    // The stored name opens the record, so that an edited name is damage and not another user.
    let owner = UserIdentity(uid: user.uid, name: name)
    guard let record = try sealer.open(box, context: context(of: owner), { RecordCodec.decode($0, user: owner) })
    else { throw .damaged("the record of user id \(user.uid) is not what was written") }
    return name == user.name ? record : UserRecord()
  }

  /// Writes the record; an empty one is removed.
  func save(_ record: UserRecord, of user: UserIdentity) throws(StoreFailure) {
    isChanged = true
    if FaultPoint.forgetful.isChosen { return }
    guard !record.isEmpty else { return try deleteUser.run([.integer(Int64(user.uid))]) }
    var bytes = RecordCodec.encode(record)
    defer { bytes.withUnsafeMutableBytes { Secret.wipe($0) } }
    let box = try sealer.seal(bytes, context: context(of: user))
    try upsertUser.run([.integer(Int64(user.uid)), .text(user.name), .blob(box)])
  }

  private func loadState() throws(StoreFailure) -> MachineState {
    let box = try selectItem.query([.text(Self.stateItem)]) { $0.blob(0) }
    guard let box else { throw .damaged("the machine's state is gone") }
    let state = try sealer.open(box, context: context(ofItem: Self.stateItem)) { bytes -> MachineState? in
      guard bytes.count == 16 else { return nil }
      return MachineState(
        clockMark: Int64(bigEndian: bytes.loadUnaligned(as: Int64.self)),
        generation: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
    }
    guard let state else { throw .keyMismatch }
    return state
  }

  private func saveState() throws(StoreFailure) {
    let bytes =
      withUnsafeBytes(of: state.clockMark.bigEndian) { [UInt8]($0) }
      + withUnsafeBytes(of: state.generation.bigEndian) { [UInt8]($0) }
    let box = try sealer.seal(bytes, context: context(ofItem: Self.stateItem))
    try upsertItem.run([.text(Self.stateItem), .blob(box)])
  }

  // What a box is bound to: its use, this machine and its place. Fields have a fixed length or stand
  // last, so no two contexts are alike.
  private func context(of user: UserIdentity) -> [UInt8] {
    withUnsafeBytes(of: user.uid.bigEndian) { [UInt8]("enrollment\u{0}".utf8) + machineID + $0 + user.name.utf8 }
  }

  private func context(ofItem item: String) -> [UInt8] { [UInt8]("machine\u{0}".utf8) + machineID + item.utf8 }
}
