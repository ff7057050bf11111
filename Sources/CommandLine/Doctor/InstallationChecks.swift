import BusInterface

/// Whether everything that `make install` puts in place is there and safe.
struct InstallationChecks {
  private struct Part {
    let name: String
    let description: String
    let isProgram: Bool
    /// Where it may be; the first that exists counts, the first of all is named when none does.
    let places: [String]
  }

  private let host: HostFiles

  init(host: HostFiles) { self.host = host }

  #if arch(x86_64)
    private static let multiarch = "x86_64-linux-gnu"
  #elseif arch(arm64)
    private static let multiarch = "aarch64-linux-gnu"
  #elseif arch(arm)
    private static let multiarch = "arm-linux-gnueabihf"
  #elseif arch(i386)
    private static let multiarch = "i386-linux-gnu"
  #elseif arch(powerpc64le)
    private static let multiarch = "powerpc64le-linux-gnu"
  #elseif arch(s390x)
    private static let multiarch = "s390x-linux-gnu"
  #elseif arch(riscv64)
    private static let multiarch = "riscv64-linux-gnu"
  #else
    private static let multiarch = ""
  #endif

  private static let moduleFile = "pam_offline_access.so"
  private static let prefixes = ["/usr", "/usr/local"]
  /// Folders of PAM modules, as distributions have them.
  static let moduleFolders =
    ["/usr/lib/\(multiarch)/security", "/lib/\(multiarch)/security"]
    + ["/usr/lib64/security", "/usr/lib/security", "/lib64/security", "/lib/security", "/usr/local/lib/security"]

  private static func under(_ path: String) -> [String] { prefixes.map { $0 + path } }

  private static let activationPlaces = under("/share/dbus-1/system-services/\(BusName.service).service")
  private static let parts = [
    Part(
      name: "service-program", description: Texts.Doctor.serviceProgram, isProgram: true,
      places: under("/libexec/offline-accessd")),
    Part(
      name: "bus-activation", description: Texts.Doctor.busActivation, isProgram: false, places: activationPlaces),
    Part(
      name: "bus-policy", description: Texts.Doctor.busPolicy, isProgram: false,
      places: under("/share/dbus-1/system.d/\(BusName.service).conf")
        + ["/etc/dbus-1/system.d/\(BusName.service).conf"]),
    Part(
      name: "polkit-actions", description: Texts.Doctor.polkitActions, isProgram: false,
      places: under("/share/polkit-1/actions/\(BusName.service).policy")),
    Part(
      name: "pam-module", description: Texts.Doctor.pamModule, isProgram: false,
      places: moduleFolders.map { "\($0)/\(moduleFile)" }),
    Part(
      name: "helper", description: Texts.Doctor.helper, isProgram: true, places: under("/libexec/offline-access-helper")
    ),
  ]

  /// Only where systemd runs: the bus then starts the service through it.
  private static let systemdUnit = Part(
    name: "systemd-unit", description: Texts.Doctor.systemdUnit, isProgram: false,
    places: under("/lib/systemd/system/offline-access.service"))

  func run() -> [Check] {
    let unit = host.exists("/run/systemd/system") ? [check(Self.systemdUnit)] : []
    return Self.parts.map(check) + unit + activatedProgram()
  }

  private let cure = Texts.Doctor.installAgain

  private func check(_ part: Part) -> Check {
    guard let path = part.places.first(where: host.exists), let found = host.information(path) else {
      return .fail(part.name, Texts.Doctor.missing(part.description, part.places[0]), cure: cure)
    }
    if found.kind != .file { return .fail(part.name, Texts.Doctor.notAFile(part.description, path), cure: cure) }
    if found.owner != host.administrator {
      return .fail(part.name, Texts.Doctor.wrongOwner(part.description, path, owner: found.owner))
    }
    if found.isWritableByOthers {
      return .fail(part.name, Texts.Doctor.writableByOthers(part.description, path, mode: found.modeText))
    }
    if part.isProgram, !found.isExecutable {
      return .fail(part.name, Texts.Doctor.notExecutable(part.description, path, mode: found.modeText))
    }
    return .ok(part.name, Texts.Doctor.inPlace(part.description, path))
  }

  /// The program that the bus starts has to be there too.
  private func activatedProgram() -> [Check] {
    guard let path = Self.activationPlaces.first(where: host.exists), let text = host.text(path) else { return [] }
    let command = text.split(separator: "\n").first { $0.hasPrefix("Exec=") }?.dropFirst("Exec=".count)
    guard let program = command?.split(separator: " ").first.map(String.init), !program.isEmpty else {
      return [.fail("bus-activation-program", Texts.Doctor.noCommand(path), cure: cure)]
    }
    guard host.information(program)?.isExecutable == true else {
      return [.fail("bus-activation-program", Texts.Doctor.activatesNothing(path, program), cure: cure)]
    }
    return []
  }
}
