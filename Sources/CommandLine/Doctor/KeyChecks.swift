import Configuration
import OfflineAccess

/// The files that decide about security keys, and the keys that are plugged in.
struct KeyChecks {
  let host: HostFiles

  /// - Parameter policy: nil where the configuration is refused, which is told elsewhere.
  func run(_ policy: Policy?) -> [Check] {
    guard let policy, policy.methods.contains(.securityKey) else { return [] }
    let catalogue: KeyCatalogue
    do throws(ConfigurationError) {
      catalogue = try KeyCatalogueFile(path: host.root + KeyCatalogueFile().path).load()
    } catch {
      return [.fail("security-key-list", Texts.Doctor.badKeyList(error.description), cure: Texts.Doctor.installAgain)]
    }
    return [.ok("security-key-list", Texts.Doctor.keyListRead(families: catalogue.families.count))]
      + attestation(policy.securityKeys) + plugged(catalogue, policy.securityKeys)
  }

  private func attestation(_ policy: SecurityKeyPolicy) -> [Check] {
    let path = policy.attestationRoots
    if path.isEmpty { return [] }
    do throws(ConfigurationError) {
      guard let bytes = try TrustedFile.read(host.root + path) else {
        return [.fail("attestation-ca-file", Texts.Doctor.noAttestationFile(path))]
      }
      guard String(decoding: bytes, as: UTF8.self).contains("-----BEGIN CERTIFICATE-----") else {
        return [.fail("attestation-ca-file", Texts.Doctor.noCertificate(path))]
      }
      return [.ok("attestation-ca-file", Texts.Doctor.attestationFileRead(path))]
    } catch {
      return [.fail("attestation-ca-file", Texts.Doctor.badAttestationFile(error.description))]
    }
  }

  private func plugged(_ catalogue: KeyCatalogue, _ policy: SecurityKeyPolicy) -> [Check] {
    let keys = host.securityKeys().map { key in
      let verdict = catalogue.verdict(on: key.identity, by: policy)
      let sentence = Texts.Doctor.key(key, verdict)
      return verdict.isAdmitted ? Check.ok("security-key", sentence) : .warn("security-key", sentence)
    }
    let tokens = host.usbDevices().compactMap { device in
      catalogue.passwordToken(device.identity).map { family in
        Check.warn("password-token", Texts.Doctor.passwordToken(device, family.name))
      }
    }
    let none: [Check] = keys.isEmpty ? [.ok("security-key", Texts.Doctor.noKeyPlugged)] : []
    return keys + none + tokens
  }
}
