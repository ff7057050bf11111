import Foundation
import Glibc
import Testing

extension IntegrationTests.Strength {
  // A sanitizer has an allocator of its own, which keeps what is freed, and terabytes of shadow to be looked through.
  @Suite("No secret and no code is left in logs, in the store or in memory", .enabled(if: !Machine.isSanitized))
  struct SecretsLeft {
    init() throws { try Machine.reset("[Service]\nidle-exit=0\n") }

    @Test("after many set-ups, logins and mistakes: nothing in the log, the state folder and the running memory")
    func running() throws {
      let log = try ServiceLog()
      let story = try Story(people: IntegrationTests.Strength.times(60, short: 4))
      let pid = try #require(try Machine.servicePID())
      // Messages are read into three buffers that are kept, one after the other: the end of the last long message
      // stands there until a longer one comes, and a code in it is spent.
      let before = try ProcessMemory(of: pid)
      let spent = story.codes.count { before.count([Array($0.utf8)]) > 0 }
      #expect(spent <= 3)
      try Self.overwriteLastMessage()
      let memory = try ProcessMemory(of: pid)
      // Reading finds what is there, or finding nothing would mean nothing.
      #expect(memory.count(["OFFLINE_ACCESS_", "org.offlineaccess.Factor1"].map { Array($0.utf8) }) >= 2)
      try story.expectNothing(in: memory)
      let told = Data(try log.new.utf8)
      #expect(told.count > 1000)
      try story.expectNothing(in: FileBytes("the log", told))
      for name in try FileManager.default.contentsOfDirectory(atPath: Machine.stateFolder) {
        let path = "\(Machine.stateFolder)/\(name)"
        try story.expectNothing(in: FileBytes(path, Data(contentsOf: URL(fileURLWithPath: path))))
      }
      try IntegrationTests.Strength.report(
        "Secrets", tried: "secrets, URIs and typed codes searched in log, database, its log, key and running memory",
        times: "\(story.secrets.count) secrets, \(story.codes.count) codes",
        outcome:
          "none found (before the next long message came: \(spent) spent code in buffers that messages are read into)")
    }

    private static func overwriteLastMessage() throws {
      expectRefused(try Factor.root.allowance(String(repeating: "x", count: 250)), "NoSuchUser")
    }

    @Test("nothing is left at the very end of the process, before the kernel takes its memory")
    func atExit() throws {
      let story = try Story(people: IntegrationTests.Strength.times(20, short: 2))
      try Self.overwriteLastMessage()
      let pid = try #require(try Machine.servicePID())
      // The debugger holds it at its last system call; this test reads the memory meanwhile.
      let debugger = try PromptDialogue([
        "gdb", "--batch", "--nx", "-iex", "set auto-load off", "-p", String(pid), "-ex",
        "handle all nostop noprint pass",
        "-ex", "catch syscall exit_group", "-ex", "shell echo ready", "-ex", "continue", "-ex",
        "shell echo held && read line", "-ex", "kill",
      ])
      try debugger.wait(for: "ready")
      kill(pid, SIGTERM)
      try debugger.wait(for: "held")
      try story.expectNothing(in: ProcessMemory(of: pid))
      debugger.answer("go on")
      _ = try debugger.finish()
      try waitUntil("the service has ended") { kill(pid, 0) != 0 }
      try IntegrationTests.Strength.report(
        "Secrets", tried: "the same in the memory of the process at its last system call",
        times: "\(story.secrets.count) secrets, \(story.codes.count) codes", outcome: "none found")
    }

    @Test("a set-up that waits for its code is in memory as bytes only, and its end wipes them")
    func pending() throws {
      let user = try Machine.newUser()
      let challenge = expectYes(try Factor.root.activate(user))
      let phone = try Phone(uri: try #require(challenge["uri"]))
      let pid = try #require(try Machine.servicePID())
      let story = Story(secrets: [phone.secret], codes: [])
      try Self.overwriteLastMessage()
      let memory = try ProcessMemory(of: pid)
      #expect(memory.count(story.raw) == 2)
      #expect(memory.count(story.spelled) == 0)
      expectYes(try Factor.root.cancel(challenge.path))
      try Self.overwriteLastMessage()
      try story.expectNothing(in: ProcessMemory(of: pid))
    }
  }
}

/// What people did, and what of it must be left nowhere.
private struct Story {
  /// In base 32, as the URI tells them.
  let secrets: [String]
  let codes: [String]

  init(secrets: [String], codes: [String]) { (self.secrets, self.codes) = (secrets, codes) }

  /// Each person sets a factor up, logs in, types a wrong code and a spent one, and starts a replacement.
  init(people: Int) throws {
    // Tables of libraries hold a few numbers of six digits, which may be codes by chance.
    expectYes(try Factor.root.allowance("alice"))
    let before = try ProcessMemory(of: #require(try Machine.servicePID()))
    var secrets: [String] = []
    var codes: [String] = []
    for _ in 0..<people {
      let user = try Machine.newUser()
      let first = expectYes(try Factor.root.activate(user))
      let phone = try Phone(uri: try #require(first["uri"]))
      secrets.append(phone.secret)
      let setUp = try phone.code()
      expectYes(try Factor.root.confirm(first.path, setUp))
      let login = try phone.nextCode()
      expectYes(try Factor.root.authenticate(user, login, ["service": "sshd"]))
      let wrong = String(format: "%06d", ((Int(login) ?? 0) + 314_159) % 1_000_000)
      expectRefused(try Factor.root.authenticate(user, wrong), "BadResponse")
      expectRefused(try Factor.root.authenticate(user, login), "ResponseReplayed")
      let second = expectYes(try Factor.root.reactivate(user))
      secrets.append(try Phone(uri: try #require(second["uri"])).secret)
      expectRefused(try Factor.root.confirm(second.path, wrong), "BadResponse")
      expectYes(try Factor.root.cancel(second.path))
      codes += [setUp, login, wrong]
    }
    self.init(secrets: secrets, codes: codes.filter { before.count([Array($0.utf8)]) == 0 })
  }

  /// The bytes in halves, as a block that was freed may have lost its beginning.
  var raw: [[UInt8]] {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
    return secrets.flatMap { secret in
      let bits = secret.flatMap { character in
        let value = alphabet.firstIndex(of: character) ?? 0
        return (0..<5).map { value >> (4 - $0) & 1 }
      }
      let bytes = (0..<20).map { index in bits[index * 8..<index * 8 + 8].reduce(UInt8(0)) { $0 << 1 | UInt8($1) } }
      return [Array(bytes[..<10]), Array(bytes[10...])]
    }
  }

  /// The text in halves, as in the URI and in groups of four as it is shown.
  var spelled: [[UInt8]] {
    secrets.flatMap { secret in
      [secret.prefix(16), secret.suffix(16)].flatMap { half in
        let groups = stride(from: 0, to: 16, by: 4).map { half.dropFirst($0).prefix(4) }
        return [Array(half.utf8), Array(groups.joined(separator: " ").utf8)]
      }
    }
  }

  func expectNothing(in memory: some Searchable, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let found = [
      "bytes": memory.count(raw), "base 32": memory.count(spelled), "codes": memory.count(codes.map { Array($0.utf8) }),
    ]
    #expect(found.values.allSatisfy { $0 == 0 }, "\(memory.name): \(found)", sourceLocation: sourceLocation)
  }
}

private protocol Searchable {
  var name: String { get }
  /// How often any of `patterns` is in it.
  func count(_ patterns: [[UInt8]]) -> Int
}

/// The contents of a file.
private struct FileBytes: Searchable {
  let name: String
  private let data: Data

  init(_ name: String, _ data: Data) { (self.name, self.data) = (name, data) }

  func count(_ patterns: [[UInt8]]) -> Int { Search.count(patterns, in: data) }
}

/// A copy of all memory that a process can write to: heap, stacks, libraries' data.
private struct ProcessMemory: Searchable {
  let name: String
  private let parts: [Data]

  init(of pid: Int32) throws {
    name = "memory of \(pid)"
    let file = try #require(FileHandle(forReadingAtPath: "/proc/\(pid)/mem"))
    defer { try? file.close() }
    let maps = try wholeFile("/proc/\(pid)/maps")
    try #require(maps.contains("[stack]"))
    parts = try maps.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard words[1].hasPrefix("rw") else { return nil }
      let range = words[0].split(separator: "-").compactMap { UInt64($0, radix: 16) }
      try file.seek(toOffset: range[0])
      return try file.read(upToCount: Int(range[1] - range[0]))
    }
    try #require(parts.reduce(0) { $0 + $1.count } > 1 << 20, "the memory cannot be read")
  }

  func count(_ patterns: [[UInt8]]) -> Int { parts.reduce(0) { $0 + Search.count(patterns, in: $1) } }
}

/// A file of the kernel's, which Foundation would read to its first short read only.
func wholeFile(_ path: String) throws -> String { try run("cat", path).expectSuccess().output }

private enum Search {
  static func count(_ patterns: [[UInt8]], in data: Data) -> Int {
    data.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return 0 }
      return patterns.reduce(0) { $0 + count($1, from: start, to: start + bytes.count) }
    }
  }

  private static func count(_ pattern: [UInt8], from start: UnsafeRawPointer, to end: UnsafeRawPointer) -> Int {
    // Found by a byte that is not zero: most of memory is.
    guard let anchor = pattern.firstIndex(where: { $0 != 0 }) else { return 0 }
    var found = 0
    var place = start + anchor
    while place < end, let hit = memchr(place, Int32(pattern[anchor]), end - place) {
      let candidate = UnsafeRawPointer(hit) - anchor
      if end - candidate >= pattern.count, memcmp(candidate, pattern, pattern.count) == 0 {
        // Six digits of a longer number, a time for example, are no code.
        let neighbours = [
          candidate > start ? candidate.load(fromByteOffset: -1, as: UInt8.self) : 0,
          candidate + pattern.count < end ? candidate.load(fromByteOffset: pattern.count, as: UInt8.self) : 0,
        ]
        if pattern.count > 6 || !neighbours.contains(where: isDigit) { found += 1 }
      }
      place = UnsafeRawPointer(hit) + 1
    }
    return found
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
