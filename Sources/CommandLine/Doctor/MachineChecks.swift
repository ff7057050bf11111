import Glibc

#if canImport(CLinux)
  import CLinux
#endif

/// What the machine itself has to offer: identity, clock, storage, polkit.
struct MachineChecks {
  let host: HostFiles

  static let stateFolder = "/var/lib/offline-access"
  /// Room for the database and its journal.
  private static let leastFree: UInt64 = 1 << 20
  private static let scarceFree: UInt64 = 16 << 20

  func run() -> [Check] { [machineID(), clock(), storage(), polkit()] }

  private func machineID() -> Check {
    guard let text = host.text("/etc/machine-id") else { return .fail("machine-id", Texts.Doctor.noMachineID) }
    let identity = text.prefix { $0 != "\n" }
    let isSound = identity.count == 32 && identity.allSatisfy(\.isHexDigit) && identity.contains { $0 != "0" }
    return isSound
      ? .ok("machine-id", Texts.Doctor.machineIDPresent) : .fail("machine-id", Texts.Doctor.badMachineID)
  }

  private func clock() -> Check {
    switch Self.isSynchronised() {
    case true?: .ok("clock", Texts.Doctor.clockSynchronised)
    case false?: .warn("clock", Texts.Doctor.clockNotSynchronised)
    case nil: .unknown("clock", Texts.Doctor.clockUnknown)
    }
  }

  /// Whether the kernel was told that something keeps the clock right; nil where it does not say.
  private static func isSynchronised() -> Bool? {
    #if canImport(CLinux)
      var state = timex()
      let answer = adjtimex(&state)
      return answer < 0 ? nil : answer != TIME_ERROR && state.status & STA_UNSYNC == 0
    #else
      return nil
    #endif
  }

  private func storage() -> Check {
    let folder = Self.stateFolder
    guard let found = host.information(folder) else { return .warn("storage", Texts.Doctor.noStateFolder(folder)) }
    if found.kind != .folder { return .fail("storage", Texts.Doctor.stateIsNoFolder(folder)) }
    if found.owner != host.administrator || found.mode & 0o777 != 0o700 {
      return .fail("storage", Texts.Doctor.stateFolderOpen(folder, owner: found.owner, mode: found.modeText))
    }
    guard let free = host.freeBytes(folder) else { return .unknown("storage", Texts.Doctor.freeSpaceUnknown(folder)) }
    if free < Self.leastFree { return .fail("storage", Texts.Doctor.storageFull(folder, mebibytes: free >> 20)) }
    if free < Self.scarceFree { return .warn("storage", Texts.Doctor.storageScarce(folder, mebibytes: free >> 20)) }
    let details = geteuid() == 0 ? [] : [Texts.Doctor.onlyRootLooks]
    return .ok("storage", Texts.Doctor.storageReady(folder, mebibytes: free >> 20), details: details)
  }

  private func polkit() -> Check {
    if host.names(in: "/proc").contains(where: isPolkit) { return .ok("polkit", Texts.Doctor.polkitRuns) }
    let activation = "/usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service"
    return host.exists(activation)
      ? .ok("polkit", Texts.Doctor.polkitStartsOnDemand) : .warn("polkit", Texts.Doctor.noPolkit)
  }

  private func isPolkit(_ process: String) -> Bool {
    process.allSatisfy(\.isNumber) && host.text("/proc/\(process)/comm") == "polkitd\n"
  }
}
