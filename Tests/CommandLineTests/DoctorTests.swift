import Glibc
import Testing

@testable import offline_access

@Suite("Doctor")
struct DoctorTests {
  private let folder = TemporaryFolder()
  private var host: HostFiles { HostFiles(root: folder.path, administrator: geteuid()) }

  private static let activation = "usr/share/dbus-1/system-services/org.offlineaccess.Factor1.service"

  private func install() {
    folder.write("usr/libexec/offline-accessd", "x", mode: 0o755)
    folder.write("usr/libexec/offline-access-helper", "x", mode: 0o755)
    folder.write(Self.activation, "[D-BUS Service]\nName=x\nExec=/usr/libexec/offline-accessd\nUser=root\n")
    folder.write("usr/share/dbus-1/system.d/org.offlineaccess.Factor1.conf", "x")
    folder.write("usr/share/polkit-1/actions/org.offlineaccess.Factor1.policy", "x")
    folder.write(String(InstallationChecks.moduleFolders[0].dropFirst()) + "/pam_offline_access.so", "x")
  }

  private func result(_ name: String, _ checks: [Check]) -> Check.Result? { checks.first { $0.name == name }?.result }

  @Test("A whole installation is well")
  func whole() {
    install()
    #expect(InstallationChecks(host: host).run().allSatisfy { $0.result == .ok })
  }

  @Test("Every missing part is named")
  func nothing() {
    let checks = InstallationChecks(host: host).run()
    #expect(checks.count == 6)
    #expect(checks.allSatisfy { $0.result == .fail })
  }

  @Test("The systemd unit is missed only where systemd runs")
  func systemd() {
    install()
    folder.write("run/systemd/system/x", "")
    #expect(result("systemd-unit", InstallationChecks(host: host).run()) == .fail)
  }

  @Test("A part that others can change, or that cannot run, fails")
  func modes() {
    install()
    folder.write("usr/libexec/offline-accessd", "x", mode: 0o775)
    folder.write("usr/libexec/offline-access-helper", "x", mode: 0o644)
    let checks = InstallationChecks(host: host).run()
    #expect(result("service-program", checks) == .fail)
    #expect(result("helper", checks) == .fail)
    #expect(result("bus-policy", checks) == .ok)
  }

  @Test("A part of another owner fails")
  func owner() {
    install()
    let checks = InstallationChecks(host: HostFiles(root: folder.path, administrator: geteuid() + 1)).run()
    #expect(result("pam-module", checks) == .fail)
  }

  @Test("A bus activation that starts nothing fails")
  func activatesNothing() {
    install()
    folder.write(Self.activation, "[D-BUS Service]\nExec=/opt/gone --now\n")
    #expect(result("bus-activation-program", InstallationChecks(host: host).run()) == .fail)
  }

  @Test("The folder of the state has to be the administrator's alone")
  func storage() {
    #expect(result("storage", MachineChecks(host: host).run()) == .warn)
    mkdir(folder.path + "/var", 0o755)
    mkdir(folder.path + "/var/lib", 0o755)
    mkdir(folder.path + "/var/lib/offline-access", 0o700)
    #expect(result("storage", MachineChecks(host: host).run()) == .ok)
    chmod(folder.path + "/var/lib/offline-access", 0o750)
    #expect(result("storage", MachineChecks(host: host).run()) == .fail)
  }

  @Test(
    "A machine's identity is 32 digits",
    arguments: [
      ("0123456789abcdef0123456789abcdef\n", Check.Result.ok), ("uninitialized\n", .fail), ("", .fail),
      ("00000000000000000000000000000000\n", .fail),
    ])
  func machineID(_ text: String, expected: Check.Result) {
    folder.write("etc/machine-id", text)
    #expect(result("machine-id", MachineChecks(host: host).run()) == expected)
  }

  @Test("A wrong configuration fails with its place; defaults are told as defaults")
  func configuration() throws {
    let checks = ConfigurationChecks(host: host)
    let defaults = checks.load()
    #expect(checks.run(defaults).allSatisfy { $0.result == .ok })
    #expect(try defaults.get().effective.allSatisfy { $0.source == "default" })
    folder.write("etc/offline-access/offline-access.conf", "[Allowance]\nlogins=many\n")
    let wrong = checks.run(checks.load())
    #expect(wrong.map(\.result) == [.fail])
    #expect(wrong[0].sentence.contains("offline-access.conf:2"))
  }

  @Test("Failing open and exempting people are pointed out")
  func remarks() {
    folder.write("etc/offline-access/offline-access.conf", "[Factor]\nexempt=root;@staff\n[Failure]\nmode=open\n")
    let checks = ConfigurationChecks(host: host).run(ConfigurationChecks(host: host).load())
    #expect(result("failure-mode", checks) == .warn)
    #expect(result("exempt", checks) == .warn)
  }

  @Test("A shared cure is told once, after the last check that needs it")
  func cures() {
    let report = DoctorReport(
      checks: [.fail("a", "A.", cure: "Do."), .fail("b", "B.", cure: "Do."), .warn("c", "C.", details: ["d"])],
      settings: [])
    #expect(
      report.lines(coloured: false) == [
        "FAIL  A.", "FAIL  B.", "      Do.", "warn  C.", "      d", "", "2 failures, 1 warning.",
      ])
    #expect(report.failures == 2)
  }
}
