import Foundation
import Glibc
import Testing

extension IntegrationTests.Strength {
  /// The units themselves need systemd as the first process; `Sandbox` stands in for them here.
  @Suite("In sandboxes: the PAM module in that of polkit's helper, the service in its own")
  struct HardeningSandboxes {
    /// polkit-agent-helper@.service of polkit 127: no devices, no homes, AF_UNIX only, no new privileges, no locked
    /// memory. It keeps root's other capabilities.
    private static let polkitHelper = Sandbox(
      droppedCapabilities: [
        "CAP_MKNOD", "CAP_SYS_RAWIO", "CAP_SYS_MODULE", "CAP_SYSLOG", "CAP_SYS_TIME", "CAP_WAKE_ALARM",
      ], lockedMemory: 0)
    private static let service = Sandbox(
      denied: ["@privileged", "@resources"], writable: [Machine.stateFolder, runtimeFolder])
    /// What systemd makes for RuntimeDirectory.
    private static let runtimeFolder = "/run/offline-access"

    init() throws {
      try Machine.reset("[Service]\nidle-exit=0\n[Allowance]\nlogins=1000\n")
      try Machine.pamService(
        "test-polkit", "auth required pam_unix.so nodelay", "auth required \(PAMHost.module)",
        "account required pam_unix.so")
    }

    @Test("the stand-in is a sandbox: no network, no homes, no devices, nothing to write to, no privileges")
    func isSandbox() throws {
      func inside(_ script: String) throws -> CommandResult {
        try run(try Self.polkitHelper.command("bash", "-c", script))
      }
      let status = try inside("grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status; ulimit -l").expectSuccess()
      #expect(status.output == "NoNewPrivs:\t1\nSeccomp:\t2\n0\n")
      #expect(try inside("exec 3<>/dev/tcp/127.0.0.1/9").errors.contains("Address family not supported"))
      #expect(try inside("ls /home /root").expectSuccess().output == "/home:\n\n/root:\n")
      #expect(try inside("touch /etc/x").errors.contains("Read-only file system"))
      #expect(try inside("touch /run/x").errors.contains("Read-only file system"))
      #expect(try inside("ls /dev | grep -E 'hid|usb|mem|kmsg'").status == 1)
      #expect(try inside("unshare --mount true").status != 0)
      #expect(try inside("cat /run/dbus/system_bus_socket").errors.contains("No such device or address"))
    }

    @Test("behind polkit's sandbox the right code is a yes; a wrong one and a spent one are a no")
    func polkit() throws {
      let rounds = IntegrationTests.Strength.times(25, short: 3)
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      let command = try Self.polkitHelper.command("pamtester", "test-polkit", user, "authenticate")
      for _ in 1...rounds {
        let code = try phone.nextCode()
        let wrong = String(format: "%06d", ((Int(code) ?? 0) + 314_159) % 1_000_000)
        expectOut(try PromptDialogue.run(command, typing: [Machine.password, wrong]), saying: "is not right")
        expectIn(try PromptDialogue.run(command, typing: [Machine.password, code]), saying: "logins remaining.")
        expectOut(try PromptDialogue.run(command, typing: [Machine.password, code]), saying: "used already")
        expectOut(try PromptDialogue.run(command, typing: ["wrong", code]), saying: "Authentication failure")
      }
      #expect(try Factor.root.allowance(user)["remaining"] == String(1000 - rounds))
      try IntegrationTests.Strength.report(
        "Sandbox", tried: "the PAM module in a stand-in for the sandbox of polkit 127's helper",
        times: "\(rounds) rounds of right, wrong, spent, wrong password",
        outcome: "\(rounds) yeses, each for a right code, \(3 * rounds) noes")
    }

    @Test("behind polkit's sandbox, where there are no devices, a touch of the key is a yes: the service has them")
    func polkitAndKey() throws {
      let host = try SoftKeyHost()
      try host.underService {
        try host.plug("mine")
        let holder = try KeyedUser(host)
        let command = try Self.polkitHelper.command("pamtester", "test-polkit", holder.user, "authenticate")
        expectIn(
          try PromptDialogue.run(command, typing: [Machine.password]), saying: "Touch your security key (1000 logins",
          "999 offline logins remaining.")
        try host.tell("set mine touch=by-command")
        let waiting = try PromptDialogue(command)
        waiting.answer(Machine.password)
        try host.tell("wait mine blinking")
        try host.touchWhenBlinking("mine")
        expectIn(try waiting.finish(), saying: "998 offline logins remaining.")
      }
    }

    @Test("behind its own unit's filter, without a capability, the service does all its work")
    func ownSandbox() throws {
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      try Machine.stopService()
      try run("install", "-d", "-m", "700", Self.runtimeFolder).expectSuccess()
      let service = try PromptDialogue(try Self.service.command("/usr/libexec/offline-accessd"))
      try service.wait(for: "answers")
      let pid = try #require(try Machine.servicePID())
      let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
      #expect(status.contains("CapEff:\t0000000000000000\n"))
      #expect(status.contains("NoNewPrivs:\t1\n") && status.contains("Seccomp:\t2\n"))
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
      expectRefused(try Factor.root.authenticate(user, "000000"), "BadResponse")
      let second = expectYes(try Factor.root.reactivate(user))
      let replacement = try Phone(uri: try #require(second["uri"]))
      expectYes(try Factor.root.confirm(second.path, replacement.code()))
      expectYes(try Factor.root.renew(user))
      expectYes(try Factor.root.deactivate(user))
      expectRefused(try Factor(user: "mallory").renew(user), "InteractiveAuthorizationRequired")
      #expect(try Machine.servicePID() == pid)
      kill(pid, SIGTERM)
      let ending = try service.finish()
      #expect(ending.status == 0, "\(ending.text)")
      // Only the unit lifts the limit on locked memory, which is the machine's own here; the filter, which would
      // answer otherwise, has nothing against it.
      let faults = ending.lines.filter {
        $0.contains("event=fault") && !$0.contains("cannot be locked (Cannot allocate memory)")
      }
      #expect(faults.isEmpty, "\(faults)")
    }

    @Test("the module leaves its host as it was: descriptors, children, threads, signals, umask and folder")
    func host() throws {
      let rounds = IntegrationTests.Strength.times(50, short: 5)
      // The module's word does not count here, so that the host lives on.
      try Machine.pamService(
        "test-host", "auth required pam_unix.so nodelay", "auth optional \(PAMHost.module)",
        "auth required pam_permit.so")
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      let code = try phone.nextCode()
      let host = try PromptDialogue(
        ["pamtester", "test-host", user] + Array(repeating: "authenticate", count: rounds * 4 + 1))
      var before = ""
      // A yes, a spent code, nothing, a wrong code: each ends elsewhere in the module.
      for answer in (0..<rounds).flatMap({ [$0 == 0 ? code : "", code, "", $0 == 0 ? "000000" : ""] }) {
        try host.wait(for: "Password: ")
        let now = try Self.state(of: host.pid)
        if before.isEmpty { before = now }
        #expect(now == before)
        host.answer(Machine.password)
        try host.wait(for: "logins left): ")
        #expect(try Self.children(of: host.pid).isEmpty)
        host.answer(answer)
      }
      try host.wait(for: "Password: ")
      #expect(try Self.state(of: host.pid) == before)
      host.hangUp()
      _ = try host.finish()

      let helper = try PromptDialogue([HelperProgram.path, user])
      try helper.wait(for: "logins left): ")
      #expect(try Self.children(of: helper.pid).isEmpty)
      _ = try helper.finish()
      try IntegrationTests.Strength.report(
        "Sandbox", tried: "what the PAM module leaves in a host that authenticates again and again",
        times: "\(rounds * 4) authentications", outcome: "same descriptors, signals, threads; no child")
    }

    private static func children(of pid: pid_t) throws -> String {
      trimmed(try wholeFile("/proc/\(pid)/task/\(pid)/children"))
    }

    /// What a library could have changed of its process.
    private static func state(of pid: pid_t) throws -> String {
      let folder = "/proc/\(pid)"
      let descriptors = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/fd").sorted().map { name in
        "\(name) \(try FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/fd/\(name)"))"
      }
      let kept = ["Umask", "Uid", "Gid", "Groups", "Threads", "SigBlk", "SigIgn", "SigCgt", "NoNewPrivs", "CapEff"]
      let status = try wholeFile("\(folder)/status").split(separator: "\n").filter { line in
        kept.contains { line.hasPrefix("\($0):") }
      }
      #expect(status.count == kept.count)
      let place = try FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/cwd")
      return (descriptors + status.map(String.init) + [try children(of: pid), place]).joined(separator: "\n")
    }
  }
}
