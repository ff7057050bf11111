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
      try run("systemd-analyze", "verify", Self.unit).expectSuccess()
      try IntegrationTests.Strength.report(
        "Sandbox", tried: "systemd-analyze security of the installed unit", times: "1 unit",
        outcome: "exposure \(level)")
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
      #expect(calls.contains("@memlock") && calls.contains("mlockall"))
    }

    @Test("without systemd too: no core, and all memory locked")
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

    @Test("where locking is not allowed the service says so, works, and lets nobody in who may not")
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
            areas.append(Area(name: words.count > 5 ? String(words[5]) : "", isWritable: words[1].contains("w")))
          }
        }
      }
      return areas
    }
  }
}
