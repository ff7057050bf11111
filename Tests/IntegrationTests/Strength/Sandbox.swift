import Foundation
import Testing

/// A stand-in for the sandbox of a systemd unit, for a machine whose first process is not systemd: bubblewrap's
/// mount namespace and no-new-privileges, and a seccomp filter made of systemd's own list of system calls.
///
/// It is no real unit. What it leaves out: cgroups (DeviceAllow, IPAddressDeny), ProtectProc and ProcSubset,
/// RestrictRealtime, RestrictSUIDSGID and KeyringMode.
struct Sandbox {
  /// Names and groups of system calls that are allowed, as in SystemCallFilter.
  var allowed = ["@system-service"]
  /// Those of them that are taken away again.
  var denied: [String] = []
  /// Capabilities that the unit's settings take away.
  var droppedCapabilities = ["ALL"]
  /// Folders that may be written to.
  var writable: [String] = []
  /// RLIMIT_MEMLOCK in bytes; nil as it is.
  var lockedMemory: Int?

  private static let filterFile = "/run/sandbox.bpf"

  /// The command line that runs `command` inside.
  func command(_ command: String...) throws -> [String] {
    try Data(filter()).write(to: URL(fileURLWithPath: Self.filterFile))
    var arguments = ["bwrap", "--clearenv", "--setenv", "PATH", "/usr/sbin:/usr/bin:/sbin:/bin", "--die-with-parent"]
    // For tools/sanitize: what is looked for at the end of a process cannot be looked for behind this filter.
    for name in ["ASAN_OPTIONS", "TSAN_OPTIONS"] {
      if let options = ProcessInfo.processInfo.environment[name] { arguments += ["--setenv", name, options] }
    }
    arguments += ["--ro-bind", "/", "/", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/var/tmp"]
    arguments += ["--tmpfs", "/home", "--tmpfs", "/root", "--unshare-net", "--unshare-ipc"]
    arguments += writable.flatMap { ["--bind", $0, $0] }
    arguments += droppedCapabilities.flatMap { ["--cap-drop", $0] }
    let limit = lockedMemory.map { "ulimit -l \($0 / 1024) && " } ?? ""
    return ["sh", "-c", "\(limit)exec \"$@\" 9<\(Self.filterFile)", "sandbox"] + arguments + ["--seccomp", "9", "--"]
      + command
  }

  // MARK: The filter: classic BPF over struct seccomp_data (seccomp(2))

  private struct Instruction {
    var code: UInt16
    var jumpTrue: UInt8 = 0
    var jumpFalse: UInt8 = 0
    var operand: UInt32
  }

  private static let load: UInt16 = 0x20  // BPF_LD | BPF_W | BPF_ABS
  private static let jumpEqual: UInt16 = 0x15  // BPF_JMP | BPF_JEQ | BPF_K
  private static let jumpSet: UInt16 = 0x45  // BPF_JMP | BPF_JSET | BPF_K
  private static let giveBack: UInt16 = 0x06  // BPF_RET | BPF_K
  private static let allow: UInt32 = 0x7fff_0000
  private static let kill: UInt32 = 0x8000_0000
  private static func error(_ number: Int32) -> UInt32 { 0x0005_0000 | UInt32(number) }
  #if arch(x86_64)
    private static let architecture: UInt32 = 0xc000_003e
  #else
    private static let architecture: UInt32 = 0xc000_00b7
  #endif
  private static let writeProtection: UInt32 = 2
  private static let executeProtection: UInt32 = 4

  private func filter() throws -> [UInt8] {
    let numbers = try Self.numbers()
    func number(_ name: String) throws -> UInt32 { try #require(numbers[name], "no number of \(name)") }
    let groups = try Self.groups()
    func names(_ word: String) -> Set<String> {
      word.hasPrefix("@") ? (groups[word] ?? []).reduce(into: []) { $0.formUnion(names($1)) } : [word]
    }
    let calls = allowed.reduce(into: Set<String>()) { $0.formUnion(names($1)) }
      .subtracting(denied.reduce(into: Set<String>()) { $0.formUnion(names($1)) })
    let allowedNumbers = Set(calls.compactMap { numbers[$0] }).sorted()
    try #require(allowedNumbers.count > 150)

    // SystemCallArchitectures=native.
    var program = [
      Instruction(code: Self.load, operand: 4),
      Instruction(code: Self.jumpEqual, jumpTrue: 1, operand: Self.architecture),
      Instruction(code: Self.giveBack, operand: Self.kill),
    ]
    /// For calls of `name`: `result` where an argument, by its place, meets a condition.
    func refuse(_ name: String, argument: UInt32, _ result: UInt32, _ condition: [Instruction]) throws {
      let body = [Instruction(code: Self.load, operand: 16 + 8 * argument)] + condition
      program.append(Instruction(code: Self.load, operand: 0))
      program.append(Instruction(code: Self.jumpEqual, jumpFalse: UInt8(body.count + 1), operand: try number(name)))
      program += body + [Instruction(code: Self.giveBack, operand: result)]
    }
    // RestrictAddressFamilies=AF_UNIX.
    try refuse(
      "socket", argument: 0, Self.error(EAFNOSUPPORT),
      [Instruction(code: Self.jumpEqual, jumpTrue: 1, operand: UInt32(AF_UNIX))])
    // MemoryDenyWriteExecute=yes.
    try refuse(
      "mmap", argument: 2, Self.error(EPERM),
      [
        Instruction(code: Self.jumpSet, jumpFalse: 2, operand: Self.writeProtection),
        Instruction(code: Self.jumpSet, jumpFalse: 1, operand: Self.executeProtection),
      ])
    for name in ["mprotect", "pkey_mprotect"] {
      try refuse(
        name, argument: 2, Self.error(EPERM),
        [Instruction(code: Self.jumpSet, jumpFalse: 1, operand: Self.executeProtection)])
    }
    program.append(Instruction(code: Self.load, operand: 0))
    // bubblewrap itself starts the program behind the filter; RestrictNamespaces=yes.
    for name in ["unshare", "setns"] where numbers[name] != nil {
      program.append(Instruction(code: Self.jumpEqual, jumpFalse: 1, operand: try number(name)))
      program.append(Instruction(code: Self.giveBack, operand: Self.error(EPERM)))
    }
    for number in allowedNumbers {
      program.append(Instruction(code: Self.jumpEqual, jumpFalse: 1, operand: number))
      program.append(Instruction(code: Self.giveBack, operand: Self.allow))
    }
    // SystemCallErrorNumber=EPERM, though systemd's default is to kill: a refused call must not go unseen.
    program.append(Instruction(code: Self.giveBack, operand: Self.error(EPERM)))
    return program.flatMap { instruction in
      withUnsafeBytes(of: instruction.code) { Array($0) } + [instruction.jumpTrue, instruction.jumpFalse]
        + withUnsafeBytes(of: instruction.operand) { Array($0) }
    }
  }

  /// The kernel's numbers of system calls, by name.
  private static func numbers() throws -> [String: UInt32] {
    let text = try run("gcc", "-dM", "-E", "-", input: "#include <sys/syscall.h>\n").expectSuccess().output
    return text.split(separator: "\n").reduce(into: [:]) { numbers, line in
      let words = line.split(separator: " ")
      guard words.count == 3, words[1].hasPrefix("__NR_"), let number = UInt32(words[2]) else { return }
      numbers[String(words[1].dropFirst(5))] = number
    }
  }

  /// systemd's groups of system calls, each with names and other groups.
  private static func groups() throws -> [String: [String]] {
    var groups: [String: [String]] = [:]
    var group = ""
    for line in try run("systemd-analyze", "syscall-filter").expectSuccess().output.split(separator: "\n") {
      if line.hasPrefix("@") { group = trimmed(line) }
      let word = trimmed(line)
      if line.hasPrefix(" "), !word.hasPrefix("#") { groups[group, default: []].append(word) }
    }
    return groups
  }
}
