import Configuration
import OfflineAccess

/// The configuration in force, where each value comes from, and what follows from it.
struct ConfigurationChecks {
  let host: HostFiles

  /// The only place where this program reads the configuration.
  func load() -> Result<LoadedConfiguration, ConfigurationError> {
    Result { () throws(ConfigurationError) in
      try ConfigurationFiles(folder: host.root + "/etc/offline-access").load()
    }
  }

  func run(_ loaded: Result<LoadedConfiguration, ConfigurationError>) -> [Check] {
    switch loaded {
    case .failure(let error): return [.fail("configuration", Texts.Doctor.badConfiguration(error.description))]
    case .success(let loaded):
      let details = loaded.effective.map {
        Texts.Doctor.setting(section: $0.section, key: $0.key, value: $0.value, source: $0.source)
      }
      return [.ok("configuration", Texts.Doctor.configurationRead, details: details)] + remarks(loaded.policy)
    }
  }

  /// What an administrator may have chosen without meaning it.
  private func remarks(_ policy: Policy) -> [Check] {
    var checks: [Check] = []
    if policy.failureMode == .open { checks.append(.warn("failure-mode", Texts.Doctor.failsOpen)) }
    if policy.limit == .unlimited { checks.append(.warn("limit", Texts.Doctor.withoutLimit)) }
    let exempt = policy.exempt.map { exemption in
      switch exemption {
      case .user(let name): name
      case .group(let name): "@\(name)"
      }
    }
    checks.append(
      exempt.isEmpty || exempt == ["root"]
        ? .ok("exempt", Texts.Doctor.exempt(exempt)) : .warn("exempt", Texts.Doctor.exempt(exempt)))
    return checks
  }
}
