import Foundation
import Glibc
import Testing

extension IntegrationTests.Strength.KnownFaults {
  private static let rule = "/etc/polkit-1/rules.d/00-known-faults.rules"
  /// Where polkitd, which is not root, tells that it was asked and hears that it may answer.
  private static let hold = "/run/hold-polkit"

  private func remaining(_ user: String) throws -> String? { try Factor.root.allowance(user)["remaining"] }

  private func isConnected(_ user: String) throws -> Bool {
    try run("busctl", "list", "--unique", "--no-legend").expectSuccess().output
      .split(separator: "\n").contains { $0.split(separator: " ").contains(Substring(user)) }
  }

  // polkit took a caller who had left the bus in the meantime for root.
  @Test("CVE-2021-3560: a caller who leaves the bus at any moment is nobody, and least of all root")
  func vanishing() throws {
    let user = try Machine.newUser()
    let phone = try Phone.activated(user)
    expectYes(try Factor.root.authenticate(user, phone.nextCode()))
    let pid = try Machine.servicePID()
    let log = try ServiceLog()
    let rounds = IntegrationTests.Strength.times(200, short: 20)
    // Several, as one with too many questions waiting at polkit would hear that the service is busy.
    let callers = try (0..<10).map { _ in try Machine.newUser() }
    for round in 0..<rounds {
      let peer = try BusPeer(as: callers[round % callers.count])
      // Sometimes known to the service already, sometimes a stranger whom it has to ask the bus for.
      if round.isMultiple(of: 2) { #expect(try peer.error(of: .about("", "RemainingAllowance")) == nil) }
      _ = try peer.send([
        .about(user, "Renew", flags: 4), .about(user, "Deactivate", flags: 4), .setUp(user, "Reactivate", flags: 4),
        .setUp("bob", "Activate", flags: 4),
      ])
      // From at once to about 4 ms later, when polkit has long been asked.
      usleep(UInt32(round * 4000 / rounds))
      peer.close()
    }
    expectRefused(try Factor(user: "mallory").renew(user), "InteractiveAuthorizationRequired")
    #expect(try remaining(user) == "9")
    #expect(try Factor.root.allowance("bob")["activated"] == "0")
    let written = try log.new
    let carriedOut = written.split(separator: "\n").count { line in
      ["renewed", "removed", "set-up"].contains { line.contains($0) }
    }
    #expect(carriedOut == 0, "\(written)")
    #expect(try pid != nil && Machine.servicePID() == pid)
    expectYes(try Factor.root.authenticate(user, phone.nextCode()))
    try Self.report(
      "CVE-2021-3560", "callers who leave up to 4 ms after four calls", "\(rounds) callers",
      "\(carriedOut) of \(rounds * 4) carried out")
  }

  @Test("CVE-2021-3560: polkit's yes for a caller who left while polkit thought about it is none")
  func vanishedBeforeTheYes() throws {
    let user = try Machine.newUser()
    let phone = try Phone.activated(user)
    expectYes(try Factor.root.authenticate(user, phone.nextCode()))
    try run("install", "-d", "-m", "777", Self.hold).expectSuccess()
    // polkitd has looked the caller up by the time that it runs a rule, so this yes does not depend on the caller.
    try Machine.write(
      "#!/bin/sh\ntouch \(Self.hold)/asked\nwhile [ ! -e \(Self.hold)/go ]; do sleep 0.01; done\n",
      to: "/run/hold-polkit.sh", mode: 0o755)
    let go = "\(Self.hold)/go"
    let asked = "\(Self.hold)/asked"
    try Machine.write("", to: go)
    try Machine.write(
      """
      polkit.addRule(function(action, subject) {
        if (subject.user != "\(user)") return undefined;
        polkit.spawn(["/run/hold-polkit.sh"]);
        return polkit.Result.YES;
      });
      """, to: Self.rule)
    defer {
      try? Machine.write("", to: go)
      try? FileManager.default.removeItem(atPath: Self.rule)
    }
    // It is a yes, while the caller stays.
    try waitUntil("polkit knows the rule") { try Factor(user: user).renew(user).error == nil }
    expectYes(try Factor.root.authenticate(user, phone.nextCode()))
    let log = try ServiceLog()
    let rounds = IntegrationTests.Strength.times(50, short: 3)
    for round in 0..<rounds {
      try FileManager.default.removeItem(atPath: go)
      try? FileManager.default.removeItem(atPath: asked)
      let peer = try BusPeer(as: user)
      if round.isMultiple(of: 2) { #expect(try peer.error(of: .about("", "RemainingAllowance")) == nil) }
      _ = try peer.send(.about("", round.isMultiple(of: 3) ? "Deactivate" : "Renew", flags: 4))
      try waitUntil("polkit is asked") { FileManager.default.fileExists(atPath: asked) }
      peer.close()
      try waitUntil("the caller is gone") { try !isConnected(user) }
      try Machine.write("", to: go)
      // polkit answers one after another, so its yes was there before this.
      expectRefused(try Factor(user: "mallory").renew(user), "InteractiveAuthorizationRequired")
      #expect(try remaining(user) == "9")
    }
    #expect(try !log.new.contains("renewed") && !log.new.contains("removed"))
    #expect(try Factor(user: user).renew(user)["remaining"] == "10")
    try Self.report(
      "CVE-2021-3560", "callers who leave before polkit says yes to them", "\(rounds) callers", "0 carried out")
  }

  // pam_oath and pam-u2f read files in the user's folder as root, wherever a link led.
  @Test("CVE-2024-47191, CVE-2019-12209: nothing in a user's folder is opened, and no link there is followed")
  func links() throws {
    let home = "/home/alice"
    let target = "/run/known-faults-target"
    try Machine.write("secret", to: target, mode: 0o600)
    let links = [
      ".offline-access", ".google_authenticator", ".config", ".local", ".cache", ".oath", ".Yubico", "qr.png",
    ]
    for name in links {
      try run("runuser", "-u", "alice", "--", "ln", "-sfn", target, "\(home)/\(name)").expectSuccess()
    }
    var places = ["HOME": home, "XDG_CONFIG_HOME": "\(home)/.config", "XDG_CACHE_HOME": "\(home)/.cache"]
    // ThreadSanitizer makes a file of its own there.
    if !Machine.isSanitized { places["TMPDIR"] = home }
    let watch = try FileWatch([home, target])
    #expect(watch.opened() == [])
    _ = try run("sh", "-c", "cat \(home)/.config; ls \(home)")
    #expect(watch.opened() == [home, target])

    let session = try CommandSession("offline-access", "activate", "--user", "alice", "--no-qr", environment: places)
    let phone = try session.phone()
    try session.type("\(try phone.code())\n")
    #expect(session.status() == 0)
    expectIn(
      try PromptDialogue.run(
        ["pamtester", "-I", "ruser=alice", Self.permissive, "alice", "authenticate"], typing: [phone.nextCode()],
        environment: places))
    expectIn(
      try PromptDialogue.run([HelperProgram.path, "alice"], typing: [phone.nextCode()], environment: places))
    expectIn(
      try PromptDialogue.run(
        ["sudo", "-k", "-S", "id", "-un"], as: "alice", typing: ["password-alice", phone.nextCode()],
        environment: places))
    try run("offline-access", "authenticate", "--user", "alice", input: phone.nextCode() + "\n", environment: places)
      .expectSuccess()
    try run("offline-access", "status", "--user", "alice", environment: places).expectSuccess()
    #expect(watch.opened() == [])

    // A picture for root at a place where the user has put a link, or a folder that is one.
    for path in ["\(home)/qr.png", "\(home)/.config/qr.png", "\(home)/.config"] {
      let picture = try run("offline-access", "reactivate", "--user", "alice", "--json", "--png", path)
      #expect(picture.status != 0, "\(path): \(picture.output)")
    }
    #expect(!watch.opened().contains(target))
    #expect(try String(contentsOfFile: target, encoding: .utf8) == "secret")
    for name in links {
      let kept = try FileManager.default.destinationOfSymbolicLink(atPath: "\(home)/\(name)")
      #expect(kept == target)
      unlink("\(home)/\(name)")
    }
  }

  // pam-u2f left a file open in whatever ran after the login.
  @Test("CVE-2019-12210: no file or socket of the login is open in what runs after it")
  func descriptors() throws {
    let user = try Machine.newUser()
    let phone = try Phone.activated(user)
    let look = "ls /proc/self/fd | sort -n | tr '\\n' ' '"
    // su hands its own on, so one that is there would be seen.
    let seen = try PromptDialogue.run(
      ["sh", "-c", "exec 7</etc/passwd; exec su \(user) -c \"\(look)\""],
      typing: [Machine.password, phone.nextCode()])
    expectIn(seen, saying: "0 1 2 3 7 ")
    expectIn(
      try PromptDialogue.run(["su", user, "-c", look], typing: [Machine.password, phone.nextCode()]), saying: "0 1 2 3 "
    )
    let closed = try PromptDialogue.run(["su", user, "-c", look], typing: [Machine.password, "000000"])
    expectOut(closed)
    expectIn(
      try PromptDialogue.run(
        ["sudo", "-k", "-S", "sh", "-c", look], as: user, typing: [Machine.password, phone.nextCode()]),
      saying: "0 1 2 3 ")
  }
}

extension BusCall {
  /// A call that wants to set up a passcode.
  static func setUp(_ user: String, _ member: String, flags: UInt8) -> Self {
    BusCall(member, flags: flags, signature: "ssa{sv}") { bytes in
      bytes.text(user)
      bytes.text("passcode")
      bytes.options([])
    }
  }
}

/// Which of some files and folders are opened meanwhile, by anybody.
private final class FileWatch {
  private let queue: Int32
  private var paths: [Int32: String] = [:]

  init(_ paths: [String]) throws {
    queue = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
    try #require(queue >= 0)
    for path in paths {
      let number = inotify_add_watch(queue, path, UInt32(IN_OPEN | IN_ACCESS | IN_MODIFY | IN_CREATE))
      try #require(number >= 0)
      self.paths[number] = path
    }
  }

  deinit { close(queue) }

  /// What was opened since the last look, by its path.
  func opened() -> Set<String> {
    var (found, buffer) = (Set<String>(), [UInt8](repeating: 0, count: 65_536))
    while true {
      let count = read(queue, &buffer, buffer.count)
      guard count > 0 else { return found }
      var place = 0
      while place < count {
        let (number, length) = buffer.withUnsafeBytes {
          (
            $0.loadUnaligned(fromByteOffset: place, as: Int32.self),
            $0.loadUnaligned(fromByteOffset: place + 12, as: UInt32.self)
          )
        }
        if let path = paths[number] { found.insert(path) }
        place += 16 + Int(length)
      }
    }
  }
}
