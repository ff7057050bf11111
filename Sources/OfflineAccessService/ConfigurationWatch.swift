import Configuration
import GLibBus
import OfflineAccess

extension Policy {
  /// What decides about security keys under this policy; read anew each time, as keys are not used often.
  func keyRules() throws(Refusal) -> KeyRules {
    let catalogue: KeyCatalogue
    do throws(ConfigurationError) { catalogue = try KeyCatalogueFile().load() } catch {
      Journal.fault("the list of security keys is refused: \(error)")
      throw Refusal.catalogueUnreadable
    }
    let path = securityKeys.attestationRoots
    guard !path.isEmpty else {
      return KeyRules(policy: securityKeys, catalogue: catalogue, attestationRoots: nil)
    }
    do throws(ConfigurationError) {
      guard let roots = try TrustedFile.read(path) else {
        throw ConfigurationError(file: path, line: nil, reason: "not there")
      }
      return KeyRules(policy: securityKeys, catalogue: catalogue, attestationRoots: roots)
    } catch {
      Journal.fault("the certificates for security keys are refused: \(error)")
      throw Refusal.attestationRootsUnreadable
    }
  }
}

/// The policy in force: read again whenever a file changed, refused while the files are wrong.
@BusActor
final class ConfigurationWatch {
  private let files: ConfigurationFiles
  private var fingerprint: [Int64]?
  private var loaded: Result<Policy, ConfigurationError> = .success(Policy())

  init(_ files: ConfigurationFiles) { self.files = files }

  /// Seconds of idleness after which the service ends; 0 never. As last read.
  private(set) var idleExit = Policy().idleExit

  func policy() throws(Refusal) -> Policy {
    let present = files.fingerprint()
    if present != fingerprint {
      let isChange = fingerprint != nil
      fingerprint = present
      do throws(ConfigurationError) {
        let policy = try files.load().policy
        loaded = .success(policy)
        idleExit = policy.idleExit
        if isChange { Journal.note(.configuration, "the changed configuration is in force") }
      } catch {
        loaded = .failure(error)
        Journal.fault("the configuration is refused: \(error)")
      }
    }
    switch loaded {
    case .success(let policy): return policy
    case .failure(let error):
      throw Refusal.misconfigured("\(error)")
    }
  }
}
