import GLibBus
import Glibc

/// For whom an agent answers polkit's questions.
public enum Subject: Sendable, Equatable, CustomStringConvertible {
  /// Everything in a login session.
  case session(String)
  /// What a process asks for by itself or by its direct children, as pkexec.
  ///
  /// - Parameter startTime: in clock ticks since the machine's start, so that a later process with the same number is
  ///   another one.
  case process(pid: UInt32, startTime: UInt64)

  /// The process that `pid` is now; nil where there is none.
  public init?(process pid: UInt32) {
    guard let startTime = ProcessFile(pid)?.startTime else { return nil }
    self = .process(pid: pid, startTime: startTime)
  }

  var value: Value {
    switch self {
    case .session(let name): .structure([.string("unix-session"), .dictionary([("session-id", .string(name))])])
    case .process(let pid, let startTime):
      .structure([
        .string("unix-process"), .dictionary([("pid", .uint32(pid)), ("start-time", .uint64(startTime))]),
      ])
    }
  }

  public var description: String {
    switch self {
    case .session(let name): "session \(name)"
    case .process(let pid, _): "process \(pid)"
    }
  }
}

extension Subject {
  /// The login session that this process belongs to, or else the user's graphical one: a unit of the user's systemd
  /// is in no session. nil where there is neither.
  @BusActor
  static func ownSession(on bus: SystemBus) async -> Subject? {
    let manager = ("org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager")
    func ask(_ member: String, _ number: UInt32) async -> String? {
      try? await bus.call(manager.0, manager.1, manager.2, member, [.uint32(number)]).first?.text
    }
    func property(_ name: String, of path: String, _ interface: String) async -> Value? {
      try? await bus.call(
        manager.0, path, "org.freedesktop.DBus.Properties", "Get",
        [.string("org.freedesktop.login1.\(interface)"), .string(name)]
      ).first
    }
    if let path = await ask("GetSessionByPID", UInt32(getpid())),
      let name = await property("Id", of: path, "Session")?.text
    {
      return .session(name)
    }
    if let path = await ask("GetUser", getuid()),
      case .structure(let display)? = await property("Display", of: path, "User"),
      let name = display.first?.text, !name.isEmpty
    {
      return .session(name)
    }
    // Without logind on the bus pam_systemd's word is all there is.
    return getenv("XDG_SESSION_ID").map { .session(String(cString: $0)) }
  }
}

/// What the kernel tells of a process in /proc (proc(5)).
struct ProcessFile {
  let pid: UInt32
  /// The name of its program, at most 15 bytes; the process itself can change it.
  let name: String
  /// In clock ticks since the machine's start.
  let startTime: UInt64

  init?(_ pid: UInt32) {
    guard let stat = Self.contents("/proc/\(pid)/stat") else { return nil }
    self.init(pid, stat: stat)
  }

  /// - Parameter stat: the line of /proc/PID/stat. The second field may hold spaces and brackets.
  init?(_ pid: UInt32, stat: String) {
    guard let start = stat.firstIndex(of: "("), let end = stat.lastIndex(of: ")"), start < end else { return nil }
    let fields = stat[stat.index(after: end)...].split(separator: " ")
    guard fields.count > 19, let startTime = UInt64(fields[19]) else { return nil }
    self.pid = pid
    name = String(stat[stat.index(after: start)..<end])
    self.startTime = startTime
  }

  /// Its program and arguments, which are its own words.
  var commandLine: String? {
    Self.contents("/proc/\(pid)/cmdline").map { text in
      text.split(separator: "\0").joined(separator: " ")
    }
  }

  private static func contents(_ path: String) -> String? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var buffer = [UInt8](repeating: 0, count: 4096)
    let length = read(file, &buffer, buffer.count)
    return length > 0 ? String(decoding: buffer[..<length], as: UTF8.self) : nil
  }
}
