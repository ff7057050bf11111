import Foundation
import Glibc
import Testing

extension IntegrationTests.Strength.KnownFaults {
  /// How often each ending came.
  private struct Endings {
    private(set) var denied = 0
    private(set) var signalled = 0
    var all: Int { denied + signalled }

    mutating func note(_ ending: PromptDialogue.Ending, _ circumstance: String) {
      #expect(ending.status != 0, "\(circumstance): \(ending.text)")
      // pamtester's own way to say that it has no memory is the status 255.
      if (129...192).contains(ending.status) { signalled += 1 } else { denied += 1 }
    }

    var outcome: String { "0 let in, \(denied) denied" + (signalled == 0 ? "" : ", \(signalled) ended by a signal") }
  }

  // pam-u2f answered PAM_IGNORE when it got no memory, which a stack takes for no objection.
  @Test("CVE-2025-23013: a failed allocation, whichever it is, lets nobody in")
  func allocation() throws {
    let faults = try Preload(
      "allocation-fault",
      """
      #include <errno.h>
      #include <stdio.h>
      #include <stdlib.h>
      #include <string.h>
      extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
      static long count, first, last;
      __attribute__((constructor)) static void begin(void) {
        first = atol(getenv("FAIL_FROM")), last = atol(getenv("FAIL_TO")), count = 0;
      }
      static int fails(void) {
        count++;
        if (count < first || count > last) return 0;
        errno = ENOMEM;
        return 1;
      }
      void *malloc(size_t size) { return fails() ? NULL : __libc_malloc(size); }
      void *calloc(size_t items, size_t size) { return fails() ? NULL : __libc_calloc(items, size); }
      void *realloc(void *old, size_t size) { return fails() ? NULL : __libc_realloc(old, size); }
      __attribute__((destructor)) static void end(void) {
        char text[64];
        snprintf(text, sizeof text, "allocations: %ld\\n", count);
        fputs(text, stderr);
      }
      """)
    let user = try Machine.newUser()
    let phone = try Phone.activated(user)
    // A used code goes all the way and is refused at the end, without counting as a failure.
    let code = try phone.nextCode()
    expectYes(try Factor.root.authenticate(user, code))
    func attempt(_ failing: ClosedRange<Int>) throws -> PromptDialogue {
      let dialogue = try PromptDialogue(
        ["env", "LD_PRELOAD=\(faults.path)", "pamtester", Self.permissive, user, "authenticate"],
        environment: ["FAIL_FROM": "\(failing.lowerBound)", "FAIL_TO": "\(failing.upperBound)"])
      dialogue.answer(code)
      return dialogue
    }
    let whole = try attempt(0...0).finish()
    expectOut(whole, saying: "used already")
    let told = try #require(whole.text.firstMatch(of: /allocations: ([0-9]+)/))
    let total = try #require(Int(told.1))
    #expect(total > 100)
    // Without memory for the bus's answers a login waits for its time limit: those are left to the full form.
    let isFull = IntegrationTests.Strength.isFull
    let failures =
      stride(from: 1, through: total, by: isFull ? 1 : 12).map { $0...$0 }
      + stride(from: 1, through: isFull ? total : total * 3 / 4, by: isFull ? 1 : 12).map { $0...Int.max }
    var endings = Endings()
    for start in stride(from: 0, to: failures.count, by: 8) {
      let some = failures[start..<min(start + 8, failures.count)]
      for (failing, dialogue) in try some.map({ ($0, try attempt($0)) }) {
        endings.note(try dialogue.finish(), "allocations \(failing) fail")
      }
    }
    #expect(try Factor.root.allowance(user)["remaining"] == "9")
    expectIn(
      try PromptDialogue.run(["pamtester", Self.permissive, user, "authenticate"], typing: [phone.nextCode()]))
    try Self.report(
      "CVE-2025-23013", "allocation n of the login fails, alone or with all behind it", "\(endings.all) logins",
      endings.outcome)
  }

  @Test("CVE-2025-23013: whatever memory a login may have, it is denied and does not crash")
  func memoryLimit() throws {
    let user = try Machine.newUser()
    let phone = try Phone.activated(user)
    let code = try phone.nextCode()
    expectYes(try Factor.root.authenticate(user, code))
    var endings = Endings()
    var reached = false
    for kilobytes in stride(from: 2048, through: 12_288, by: IntegrationTests.Strength.isFull ? 16 : 256) {
      let ending = try PromptDialogue.run(
        ["prlimit", "--as=\(kilobytes * 1024)", "pamtester", Self.permissive, user, "authenticate"], typing: [code])
      endings.note(ending, "\(kilobytes) kB")
      reached = reached || ending.text.contains("used already")
    }
    #expect(endings.signalled == 0)
    #expect(reached)
    expectIn(
      try PromptDialogue.run(["pamtester", Self.permissive, user, "authenticate"], typing: [phone.nextCode()]))
    try Self.report("CVE-2025-23013", "a login within 2 to 12 MB of memory", "\(endings.all) logins", endings.outcome)
  }

  // gdm took an account service that did not answer for one that knew no users, and offered to make an administrator.
  // Time limits of seconds have to run out, so the short form has one of the hosts.
  @Test("CVE-2020-16125: a service that never answers is a no everywhere, and no set-up is offered")
  func silence() throws {
    try Machine.configure("[Activation]\nstanding-alone=first-login\n[Failure]\nmode=open\n")
    let user = try Machine.newUser()
    let phone = try Phone.activated(user)
    let newcomer = try Machine.newUser()
    let code = try phone.nextCode()
    // It does let the newcomer in, and offers a set-up, as long as it answers.
    #expect(try Factor.root.authenticate(newcomer, "")["via"] == "fail-open")
    #expect(try Factor.root.allowance(newcomer)["offer"] == "activate")
    let service = try #require(try Machine.servicePID())
    kill(service, SIGSTOP)
    defer { kill(service, SIGCONT) }
    let all = try [user, newcomer].flatMap { name in
      let host = try PromptDialogue(["pamtester", Self.permissive, name, "authenticate"])
      guard IntegrationTests.Strength.isFull else { return [host] }
      return try [
        host,
        PromptDialogue([HelperProgram.path, name]),
        PromptDialogue(["sudo", "-k", "-S", "id"], as: name), PromptDialogue(["su", name, "-c", "id"]),
        PromptDialogue(["offline-access", "authenticate"], as: name),
        PromptDialogue(["busctl", "--timeout=5"] + Self.authenticateByBusctl(name, code)),
      ]
    }
    for one in all { for line in [Machine.password, code, code] { one.answer(line) } }
    for one in all {
      let ending = try one.finish()
      expectOut(ending)
      #expect(!ending.text.contains("otpauth") && !ending.text.contains("set up"), "\(ending.text)")
      #expect(!ending.text.contains("SUCCESS\n") && !ending.text.contains("uid="), "\(ending.text)")
    }
    try Self.report(
      "CVE-2020-16125", "front ends against a service that stands still", "\(all.count) tries",
      "0 let in, all ended by themselves")
  }

  private static func authenticateByBusctl(_ user: String, _ code: String) -> [String] {
    [
      "call", "org.offlineaccess.Factor1", "/org/offlineaccess/Factor1", "org.offlineaccess.Factor1", "Authenticate",
      "ssa{sv}", user, code, "0",
    ]
  }

  // Duo's Windows Logon wrote secrets into its log.
  @Test("CVE-2024-20292: neither secret, code nor password is in any log, or in the arguments of a process")
  func logs() throws {
    let syslog = try SystemLog()
    let log = try ServiceLog()
    let user = try Machine.newUser()
    let session = try CommandSession("offline-access", "activate", "--user", user, "--no-qr")
    let phone = try session.phone()
    var codes = [try phone.code()]
    try session.type("000000\n")
    try session.waitFor("That code does not fit.")
    try session.type("\(codes[0])\n")
    #expect(session.status() == 0)
    func next() throws -> String {
      codes.append(try phone.nextCode())
      return codes[codes.count - 1]
    }
    expectIn(try PAMHost.login(user, next()))
    expectOut(try PAMHost.login(user, codes[1]))
    expectOut(try PAMHost.login(user, "13\(codes[1])"))
    expectIn(try PAMHost.sudo(user, next()))
    expectIn(try PAMHost.su(user, next()))
    expectIn(try PromptDialogue.run([HelperProgram.path, user], typing: [next()]))
    let waiting = try CommandSession("offline-access", "authenticate", as: user)
    try waitUntil("it waits for the code") {
      try run("pgrep", "-u", user, "-f", "offline-access authenticate").status == 0
    }
    let arguments = try run("sh", "-c", "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'")
      .output
    try waiting.type(next() + "\n")
    #expect(waiting.status() == 0)
    // Where something is wrong, more is said.
    try Machine.stopService()
    chmod(StoredState.path, 0o644)
    expectOut(try PAMHost.login(user, next()))
    chmod(StoredState.path, 0o600)
    try Machine.configure("[Allowance]\nlogins=0\n")
    expectOut(try PAMHost.login(user, next()))
    try Machine.configure("")

    let written =
      try log.new + "\n" + syslog.text() + "\n" + String(contentsOfFile: "/run/polkitd.log", encoding: .utf8)
    // The look itself works: the module, the service and sudo have all said who it was.
    #expect(written.contains("pam_offline_access(test-login:auth): denied login to user \(user)"), "\(written)")
    #expect(written.contains("\(user) passed offline by passcode"))
    #expect(written.contains("COMMAND=/usr/bin/id -un"))
    #expect(arguments.contains("offline-access\nauthenticate"))
    let digits = try #require(
      try run("oathtool", "-v", "-b", phone.secret).output.firstMatch(of: /Hex secret: ([0-9a-f]+)/)
    ).1
    for text in [written, arguments] {
      for form in [phone.secret, phone.secret.lowercased(), String(digits), digits.uppercased()] {
        #expect(!text.contains(form))
      }
      for code in codes { #expect(!text.split { !$0.isNumber }.contains { $0.hasSuffix(code) }, "\(code)") }
      #expect(!text.contains(" \(Machine.password)\n") && !text.contains("password-"))
    }
  }
}

/// What programs tell syslog, received at its socket: the throw-away machine has no journal.
private final class SystemLog {
  private static let path = "/dev/log"
  private let socket: Int32

  init() throws {
    unlink(Self.path)
    socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Self.path.utf8) }
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    var size = Int32(1 << 20)
    setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    try #require(status == 0 && chmod(Self.path, 0o666) == 0)
  }

  deinit {
    close(socket)
    unlink(Self.path)
  }

  /// What has come so far.
  func text() -> String {
    var (text, buffer) = ("", [UInt8](repeating: 0, count: 65_536))
    while true {
      let count = recv(socket, &buffer, buffer.count, Int32(MSG_DONTWAIT))
      guard count > 0 else { return text }
      text += String(decoding: buffer[..<count], as: UTF8.self) + "\n"
    }
  }
}
