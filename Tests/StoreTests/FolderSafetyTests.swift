import Foundation
import OfflineAccess
import Store
import Testing

@Suite("A folder that others could reach into")
struct FolderSafetyTests {
  /// What is done to a file, and how it is undone.
  enum Fault: String, CaseIterable, CustomTestStringConvertible {
    case symbolicLink, pipe, folder, hardLink, groupReadable, worldReadable, worldWritable
    var testDescription: String { rawValue }

    func apply(to path: String, aside: String) throws {
      let files = FileManager.default
      switch self {
      case .symbolicLink:
        try files.moveItem(atPath: path, toPath: aside)
        try files.createSymbolicLink(atPath: path, withDestinationPath: aside)
      case .pipe:
        try files.moveItem(atPath: path, toPath: aside)
        try check(mkfifo(path, 0o600))
      case .folder:
        try files.moveItem(atPath: path, toPath: aside)
        try files.createDirectory(
          atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
      case .hardLink: try check(link(path, aside))
      case .groupReadable: try check(chmod(path, 0o640))
      case .worldReadable: try check(chmod(path, 0o604))
      case .worldWritable: try check(chmod(path, 0o602))
      }
    }

    func undo(at path: String, aside: String) throws {
      switch self {
      case .symbolicLink, .pipe, .folder:
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.moveItem(atPath: aside, toPath: path)
      case .hardLink: try check(unlink(aside))
      case .groupReadable, .worldReadable, .worldWritable: try check(chmod(path, 0o600))
      }
    }
  }

  @Test(
    "A file that is no private regular file is refused by its name and left alone; put right, it serves again",
    arguments: Fault.allCases, ["state.db", "sealing.key"])
  func file(_ fault: Fault, _ name: String) async throws {
    let fixture = try await StateFixture.withUsers()
    let path = fixture.folder.path + "/" + name
    let aside = fixture.root + "/aside"
    try fault.apply(to: path, aside: aside)
    let before = try fixture.inventory()
    try await fixture.withStore { store throws in
      guard case .unsafe(let reason) = await store.failure() else {
        Issue.record("not refused")
        return
      }
      #expect(reason.hasPrefix(path + " "))
      #expect(try fixture.inventory() == before)
      try fault.undo(at: path, aside: aside)
      #expect(try await store.sample(of: alice) == .sample(1))
      #expect(try await store.sample(of: bob) == .sample(2))
    }
  }

  @Test("Beside the database nothing is followed either", arguments: Fault.allCases, ["state.db-wal", "state.db-shm"])
  func logFile(_ fault: Fault, _ name: String) async throws {
    let fixture = try await StateFixture.withUsers()
    let path = fixture.folder.path + "/" + name
    let aside = fixture.root + "/aside"
    try #require(FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600]))
    try fault.apply(to: path, aside: aside)
    try await fixture.withStore { store throws in
      guard case .unsafe(let reason) = await store.failure() else {
        Issue.record("not refused")
        return
      }
      #expect(reason.hasPrefix(path + " "))
      try fault.undo(at: path, aside: aside)
      #expect(try await store.sample(of: alice) == .sample(1))
    }
  }

  @Test("A link to nowhere is no missing file", arguments: ["state.db", "sealing.key"])
  func danglingLink(_ name: String) async throws {
    let fixture = try StateFixture()
    try makeFolder(fixture)
    let target = fixture.root + "/target"
    try FileManager.default.createSymbolicLink(atPath: fixture.folder.path + "/" + name, withDestinationPath: target)
    try await fixture.withStore { store throws in #expect(await store.failure()?.isUnsafe == true) }
    #expect(!FileManager.default.fileExists(atPath: target))
  }

  @Test("A link in the place of a key half written is replaced, not followed")
  func halfWrittenKey() async throws {
    let fixture = try StateFixture()
    try makeFolder(fixture)
    let target = fixture.root + "/target"
    try FileManager.default.createSymbolicLink(atPath: fixture.key + ".new", withDestinationPath: target)
    try await fixture.withStore { store throws in #expect(try await store.sample(of: alice) == nil) }
    #expect(!FileManager.default.fileExists(atPath: target))
    #expect(try fixture.bytes(fixture.key).count == 32)
  }

  @Test(
    "A folder that others may enter is refused with its mode", arguments: [0o755, 0o750, 0o710, 0o701, 0o777, 0o1777])
  func folderMode(_ mode: Int) async throws {
    let fixture = try await StateFixture.withUsers()
    try check(chmod(fixture.folder.path, mode_t(mode)))
    let before = try fixture.inventory()
    try await fixture.withStore { store throws in
      #expect(
        await store.failure()
          == .unsafe("\(fixture.folder.path) has mode \(String(mode, radix: 8)); others must have no access"))
      #expect(try fixture.inventory() == before)
      try check(chmod(fixture.folder.path, 0o700))
      #expect(try await store.sample(of: alice) == .sample(1))
    }
  }

  @Test("A link, a file or a pipe in the place of the folder is refused")
  func noFolder() async throws {
    let fixture = try await StateFixture.withUsers()
    let path = fixture.folder.path
    for fault in [Fault.symbolicLink, .pipe] {
      try fault.apply(to: path, aside: fixture.root + "/aside")
      try await fixture.withStore { store throws in
        #expect(await store.failure() == .unsafe("\(path) is not a folder"))
        try fault.undo(at: path, aside: fixture.root + "/aside")
        #expect(try await store.sample(of: alice) == .sample(1))
      }
    }
    let empty = try StateFixture()
    try #require(FileManager.default.createFile(atPath: empty.folder.path, contents: nil))
    try await empty.withStore { store throws in
      #expect(await store.failure() == .unsafe("\(empty.folder.path) is not a folder"))
    }
  }

  @Test(
    "What opens up while the store is in use is refused at the next call", arguments: ["", "/state.db", "/sealing.key"])
  func openedUpMeanwhile(_ name: String) async throws {
    let fixture = try await StateFixture.withUsers()
    let path = fixture.folder.path + name
    try await fixture.withStore { store throws in
      #expect(try await store.sample(of: alice) == .sample(1))
      try check(chmod(path, name.isEmpty ? 0o711 : 0o604))
      #expect(await store.failure()?.isUnsafe == true)
      try check(chmod(path, name.isEmpty ? 0o700 : 0o600))
      #expect(try await store.sample(of: alice) == .sample(1))
    }
  }

  @Test("A folder that cannot be made is named")
  func noParent() async throws {
    let fixture = try StateFixture()
    try FileManager.default.removeItem(atPath: fixture.root)
    try await fixture.withStore { store throws in
      #expect(await store.failure() == .inputOutput("\(fixture.folder.path): No such file or directory"))
    }
  }

  @Test(
    "What belongs to another user is refused with that user's id", .enabled(if: isRoot),
    arguments: ["", "/state.db", "/sealing.key"])
  func owner(_ name: String) async throws {
    let fixture = try await StateFixture.withUsers()
    let path = fixture.folder.path + name
    try check(chown(path, 12_345, gid_t.max))
    let before = try fixture.inventory()
    try await fixture.withStore { store throws in
      #expect(await store.failure() == .unsafe("\(path) belongs to user id 12345"))
      #expect(try fixture.inventory() == before)
      try check(chown(path, 0, gid_t.max))
      #expect(try await store.sample(of: alice) == .sample(1))
    }
  }

  @Test("Every user is refused alike, and each failure is reported")
  func reported() async throws {
    let fixture = try await StateFixture.withUsers()
    try check(chmod(fixture.folder.path, 0o755))
    let told = Told()
    try await fixture.withStore(report: { told.add($0) }) { store throws in
      for user in [alice, bob, carol] { #expect(await store.failure(for: user)?.isUnsafe == true) }
      await #expect(throws: StoreFailure.self) { try await store.erase(alice) }
    }
    #expect(told.all.count == 4)
    #expect(told.all.allSatisfy { $0.isUnsafe })
  }

  private func makeFolder(_ fixture: StateFixture) throws {
    try FileManager.default.createDirectory(
      atPath: fixture.folder.path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
  }
}

/// Throws the error of a system call that failed.
private func check(_ result: Int32) throws {
  guard result == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
}
