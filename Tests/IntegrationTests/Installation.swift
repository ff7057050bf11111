import Foundation
import Testing

extension IntegrationTests {
  @Suite("Installation: make install and uninstall, Debian's profile for PAM, completions")
  struct Installation {
    private static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().path
    private static let target = "/run/installed"

    init() throws {
      try Machine.reset()
      try? FileManager.default.removeItem(atPath: Self.target)
    }

    private func make(_ goal: String) throws -> CommandResult {
      try run("make", "-s", "-C", Self.repository, goal, "DESTDIR=\(Self.target)", "PREFIX=/usr/local")
    }

    private func installed() throws -> Set<String> {
      let list = try run("find", Self.target, "!", "-type", "d", "-printf", "%m %P\n").expectSuccess().output
      return Set(list.split(separator: "\n").map(String.init))
    }

    @Test("everything has its place below a prefix of one's own, and uninstall leaves configuration and state only")
    func prefix() throws {
      defer { try? FileManager.default.removeItem(atPath: Self.target) }
      try make("install").expectSuccess()
      let files = try installed()
      let multiarch = trimmed(try run("gcc", "-print-multiarch").expectSuccess().output)
      let share = "usr/local/share"
      let expected = [
        "755 usr/local/libexec/offline-accessd", "755 usr/local/libexec/offline-access-helper",
        "755 usr/local/libexec/offline-access-agent", "644 etc/xdg/autostart/offline-access-agent.desktop",
        "644 usr/local/lib/systemd/user/offline-access-agent.service", "644 \(share)/man/man8/offline-access-agent.8",
        "755 usr/local/bin/offline-access", "644 usr/local/lib/\(multiarch)/security/pam_offline_access.so",
        "644 usr/local/lib/systemd/system/offline-access.service",
        "644 \(share)/dbus-1/interfaces/org.offlineaccess.Factor1.xml",
        "644 \(share)/dbus-1/system.d/org.offlineaccess.Factor1.conf",
        "644 \(share)/dbus-1/system-services/org.offlineaccess.Factor1.service",
        "644 \(share)/polkit-1/actions/org.offlineaccess.Factor1.policy", "644 \(share)/pam-configs/offline-access",
        "644 \(share)/man/man1/offline-access.1", "644 \(share)/man/man8/offline-accessd.8",
        "644 \(share)/man/man8/pam_offline_access.8", "644 \(share)/man/man5/offline-access.conf.5",
        "644 \(share)/bash-completion/completions/offline-access",
        "644 \(share)/zsh/vendor-completions/_offline-access",
        "644 \(share)/fish/vendor_completions.d/offline-access.fish", "644 etc/offline-access/offline-access.conf",
      ]
      #expect(files.isSuperset(of: expected), "\(Set(expected).subtracting(files))")
      #expect(try run("stat", "-c", "%a", "\(Self.target)/var/lib/offline-access").output == "700\n")
      // A second time nothing of the administrator's is overwritten.
      try Machine.write("[Allowance]\nlogins=7\n", to: "\(Self.target)/etc/offline-access/offline-access.conf")
      try make("install").expectSuccess()
      let kept = try wholeFile("\(Self.target)/etc/offline-access/offline-access.conf")
      #expect(kept == "[Allowance]\nlogins=7\n")
      try make("uninstall").expectSuccess()
      #expect(try installed() == ["644 etc/offline-access/offline-access.conf"])
    }

    @Test("uninstall refuses while PAM names the module, for nobody could log in any more")
    func refusal() throws {
      defer { try? FileManager.default.removeItem(atPath: Self.target) }
      try make("install").expectSuccess()
      let before = try installed()
      try FileManager.default.createDirectory(atPath: "\(Self.target)/etc/pam.d", withIntermediateDirectories: true)
      try Machine.write("auth required pam_offline_access.so\n", to: "\(Self.target)/etc/pam.d/common-auth")
      let answer = try make("uninstall")
      #expect(answer.status != 0 && answer.errors.contains("pam-auth-update"), "\(answer)")
      #expect(answer.errors.contains("etc/pam.d/common-auth"))
      #expect(try installed().isSuperset(of: before))
      try FileManager.default.removeItem(atPath: "\(Self.target)/etc/pam.d/common-auth")
      try make("uninstall").expectSuccess()
    }

    @Test("Debian's profile puts the module behind the password, and takes it away again")
    func profile() throws {
      let update = ["env", "DEBIAN_FRONTEND=noninteractive", "pam-auth-update"]
      try Machine.pamService("test-common", "@include common-auth", "@include common-account")
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      defer { _ = try? run(update + ["--disable", "offline-access"]) }
      try run(update + ["--enable", "offline-access"]).expectSuccess()
      let lines = try wholeFile("/etc/pam.d/common-auth").split(separator: "\n").filter { !$0.hasPrefix("#") }
      let password = try #require(lines.firstIndex { $0.contains("pam_unix.so") })
      let factor = try #require(lines.firstIndex { $0.contains(PAMHost.module) }, "\(lines)")
      #expect(password < factor)
      let code = try phone.nextCode()
      expectIn(
        try PAMHost.login(user, code, service: "test-common"), saying: "Offline passcode", "9 offline logins remaining."
      )
      expectOut(try PAMHost.login(user, code, service: "test-common"), saying: "used already")
      let wrong = try PromptDialogue.run(
        ["pamtester", "test-common", user, "authenticate"], typing: ["not the password", phone.nextCode()])
      expectOut(wrong)
      #expect(!wrong.text.contains("remaining."))
      try run(update + ["--disable", "offline-access"]).expectSuccess()
      #expect(try !wholeFile("/etc/pam.d/common-auth").contains(PAMHost.module))
      let without = try PAMHost.login(user, service: "test-common")
      expectIn(without)
      #expect(!without.text.contains("Offline passcode"))
      #expect(try Factor.root.allowance(user)["remaining"] == "9")
    }

    @Test("bash completes the commands")
    func completions() throws {
      let script = """
        set -e
        source /usr/share/bash-completion/completions/offline-access
        function=$(complete -p offline-access | sed 's/.* -F \\([^ ]*\\).*/\\1/')
        for word in sta re; do
          COMP_WORDS=(offline-access $word) COMP_CWORD=1 COMP_LINE="offline-access $word"
          COMP_POINT=${#COMP_LINE} COMP_TYPE=9 COMPREPLY=()
          $function offline-access "$word" offline-access || true
          echo "$word: ${COMPREPLY[*]}"
        done
        """
      let answer = try run("bash", "--norc", "-c", script).expectSuccess().output
      #expect(answer.contains("sta: status"), "\(answer)")
      #expect(answer.contains("reactivate") && answer.contains("renew"), "\(answer)")
      for (shell, place) in [
        ("zsh", "/usr/share/zsh/vendor-completions/_offline-access"),
        ("fish", "/usr/share/fish/vendor_completions.d/offline-access.fish"),
      ] { #expect(try wholeFile(place).contains("reactivate"), "\(shell)") }
    }
  }
}
