import Foundation
import Glibc
import Testing

extension IntegrationTests.Strength {
  @Suite("The service's sandbox and memory")
  struct Hardening {
    private static let program = "/usr/libexec/offline-accessd"
    private static let unit = "/usr/lib/systemd/system/offline-access.service"

    init() throws { try Machine.reset("[Service]\nidle-exit=0\n") }

    @Test("systemd rates the installed unit 1.5 or less of 10")
    func exposure() throws {
      let answer = try run("systemd-analyze", "security", "--offline=true", "--threshold=15", Self.unit).expectSuccess()
      let line = try #require(answer.output.split(separator: "\n").last { $0.contains("Overall exposure level") })
      let level = try #require(line.firstMatch(of: #/: ([0-9.]+)/#).flatMap { Double($0.1) }, "\(line)")
      #expect(level <= 1.5)
      // Not the manual, which a machine may be without.
      try run("systemd-analyze", "verify", "--man=no", Self.unit).expectSuccess()
      try IntegrationTests.Strength.report(
        "Sandbox", tried: "systemd-analyze security of the installed unit", times: "1 unit",
        outcome: "exposure \(level)")
    }

    @Test("systemd finds nothing wrong with the units of the online process, and rates an instance 2 or less")
    func onlineUnits() throws {
      let folder = "/usr/lib/systemd/system"
      let answer = try run(
        "systemd-analyze", "security", "--offline=true", "--threshold=20", "\(folder)/offline-access-online@1.service")
      #expect(answer.status == 0, "\(answer.output) \(answer.errors)")
      try run("systemd-analyze", "verify", "--man=no", "\(folder)/offline-access-online.socket").expectSuccess()
    }

    @Test("the service and the module hold no part of libcurl: what speaks to a network is another process")
    func noNetwork() throws {
      _ = try Factor.root.allowance("root")
      let pid = try #require(try Machine.servicePID())
      #expect(!(try wholeFile("/proc/\(pid)/maps").contains("libcurl")))
      let online = try run("ldd", "/usr/libexec/offline-access-online").expectSuccess().output
      #expect(online.contains("libcurl"))
      for other in [Self.program, "/usr/bin/offline-access", "/usr/libexec/offline-access-helper"] {
        #expect(!(try run("ldd", other).expectSuccess().output.contains("libcurl")), "\(other)")
      }
      let unit = try String(contentsOfFile: Self.unit, encoding: .utf8)
      for line in ["PrivateNetwork=yes", "IPAddressDeny=any"] { #expect(unit.contains("\n\(line)\n"), "\(line)") }
    }

    @Test("what the unit has to say is there: no privileges, no core, calls filtered, memory may be locked")
    func unitSettings() throws {
      let lines = Set(try String(contentsOfFile: Self.unit, encoding: .utf8).split(separator: "\n").map(String.init))
      for line in [
        "NoNewPrivileges=yes", "CapabilityBoundingSet=", "LimitCORE=0", "LimitMEMLOCK=infinity",
        "SystemCallFilter=@system-service", "SystemCallFilter=~@privileged @resources", "MemoryDenyWriteExecute=yes",
        "RestrictAddressFamilies=AF_UNIX",
      ] { #expect(lines.contains(line), "\(line)") }
      // The filter lets the service lock its memory.
      let calls = try run("systemd-analyze", "syscall-filter", "@system-service", "@memlock").expectSuccess().output
      #expect(calls.contains("@memlock") && calls.contains("mlockall") && calls.contains("mlock2"))
    }

    // A sanitizer lets nobody lock memory: its own is too much.
    @Test(
      "without systemd too: no core, and all memory that can be written to locked", .enabled(if: !Machine.isSanitized))
    func process() throws {
      let user = try Machine.newUser()
      _ = try Phone.activated(user)
      let pid = try #require(try Machine.servicePID())
      let limits = try String(contentsOfFile: "/proc/\(pid)/limits", encoding: .utf8)
      #expect(limits.contains(#/Max core file size +0 +0 /#))
      let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
      let locked = try #require(status.firstMatch(of: #/VmLck:\s+(\d+) kB/#).flatMap { Int($0.1) })
      #expect(locked > 0)
      let areas = try Self.areas(of: pid)
      let writable = areas.filter { $0.isWritable && !$0.name.hasPrefix("[v") }
      #expect(writable.count > 10)
      let open = writable.filter { !$0.flags.contains("lo") }
      #expect(open.isEmpty, "\(open)")
      // A page that holds something and is not locked may be written to swap space.
      let own = writable.filter { !$0.flags.contains("sh") }
      let unlocked = own.filter { $0.resident > $0.locked }
      #expect(unlocked.isEmpty, "\(unlocked)")
      try IntegrationTests.Strength.report(
        "Sandbox", tried: "writable memory of its own of the running service",
        times: "\(own.count) areas, \(own.reduce(0) { $0 + $1.resident }) kB in use",
        outcome: "\(own.reduce(0) { $0 + $1.locked }) kB locked, none in swap space")
    }

    @Test("code is not locked, and goes out of memory while nobody calls")
    func rest() throws {
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      let pid = try #require(try Machine.servicePID())
      func code() throws -> Int {
        let areas = try Self.areas(of: pid).filter { $0.isCode && $0.name == Self.program }
        #expect(!areas.isEmpty && areas.allSatisfy { !$0.flags.contains("lo") })
        return areas.reduce(0) { $0 + $1.resident }
      }
      let before = try code()
      try waitUntil("it lets go of its code") { try code() < before / 2 }
      // And has it again where it is needed.
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
      #expect(try Machine.servicePID() == pid)
    }

    @Test("its memory shows itself to no process without root's capabilities, not even to one as able as itself")
    func notTraceable() throws {
      // Without capabilities on either side the kernel asks only whether the other one may be dumped.
      let incapable = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"]
      func reads(_ dialogue: PromptDialogue) throws -> Bool {
        try run(incapable + ["head", "-c1", "/proc/\(dialogue.pid)/maps"]).status == 0
      }
      let other = try PromptDialogue(incapable + ["cat"])
      other.answer("running")
      try other.wait(for: "running")
      #expect(try reads(other))
      let service = try PromptDialogue(incapable + [Self.program])
      try service.wait(for: "answers")
      #expect(try !reads(service))
      kill(service.pid, SIGTERM)
      #expect(try service.finish().status == 0)
    }

    @Test(
      "where locking is not allowed the service says so, works, and lets nobody in who may not",
      .enabled(if: !Machine.isSanitized))
    func mayNotLock() throws {
      let user = try Machine.newUser()
      let service = try PromptDialogue([
        "prlimit", "--memlock=65536", "setpriv", "--inh-caps=-ipc_lock", "--bounding-set=-ipc_lock", Self.program,
      ])
      let start = try service.wait(for: "answers")
      #expect(start.contains("the memory cannot be locked ("))
      #expect(start.contains("[event=fault]"))
      let phone = try Phone.activated(user)
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
      expectRefused(try Factor.root.authenticate(user, "000000"), "BadResponse")
      #expect(try Machine.servicePID() == service.pid)
      kill(service.pid, SIGTERM)
      #expect(try service.finish().status == 0)
    }

    /// A part of a process's memory, sizes in kB.
    private struct Area {
      var name = ""
      var isWritable = false
      var isCode = false
      var resident = 0
      var locked = 0
      var flags: [Substring] = []
    }

    private static func areas(of pid: Int32) throws -> [Area] {
      var areas: [Area] = []
      for line in try wholeFile("/proc/\(pid)/smaps").split(separator: "\n") {
        let words = line.split(separator: " ")
        switch words[0] {
        case "Rss:": areas[areas.count - 1].resident = Int(words[1]) ?? 0
        case "Locked:": areas[areas.count - 1].locked = Int(words[1]) ?? 0
        case "VmFlags:": areas[areas.count - 1].flags = Array(words.dropFirst())
        default:
          if words[0].contains("-") {
            areas.append(
              Area(
                name: words.count > 5 ? String(words[5]) : "", isWritable: words[1].contains("w"),
                isCode: words[1].contains("x")))
          }
        }
      }
      return areas
    }
  }
}
