import Configuration
import Foundation
import OfflineAccess
import SoftKey
import Testing

@testable import SecurityKey

@Suite("Which keys are admitted")
struct AdmissionTests {
  private static let feitian = SoftKey.Model(
    vendor: 0x096e, product: 0x0858, name: "ePass FIDO",
    aaguid: AAGUID("833b721a-ff5f-4d00-bb2e-bdda3ec01e29")?.bytes ?? [])
  private static let hyper = SoftKey.Model(
    vendor: 0x096e, product: 0x0880, name: "HyperFIDO",
    aaguid: AAGUID("9f77e279-a6e2-4d58-b700-31e5943c6a98")?.bytes ?? [])
  private static let unknown = SoftKey.Model(
    vendor: 0x1234, product: 0x5678, name: "No name", aaguid: [UInt8](repeating: 9, count: 16))

  /// The list that is installed.
  private static let catalogue: KeyCatalogue = {
    let data = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("data/security-keys.conf").path
    return (try? KeyCatalogueFile(path: data).load()) ?? KeyCatalogue([])
  }()

  private func policy(_ change: (inout SecurityKeyPolicy) -> Void) -> SecurityKeyPolicy {
    var policy = SecurityKeyPolicy()
    change(&policy)
    return policy
  }

  @Test(
    "The installed list admits what it should and nothing else",
    arguments: [
      ("1050:0407", nil, KeyVerdict.admitted), ("1050:0120", "f8a011f3-8c0a-4d15-8006-17111f9edc7d", .admitted),
      ("18d1:5026", nil, .admitted), ("18d1:9999", "42b4fb4a-2866-43b2-9bf7-6c6669c2e5d3", .admitted),
      ("18d1:9999", nil, .unlisted), ("096e:0858", nil, .admitted), ("096e:0866", nil, .admitted),
      ("096e:0001", nil, .unlisted), ("1ea8:f025", nil, .admitted), ("1ea8:f026", nil, .unlisted),
      ("096e:0880", nil, .refusedFamily("HyperFIDO")), ("2ccf:0880", nil, .refusedFamily("HyperFIDO")),
      ("096e:0858", "d821a7d4-e97c-4cb6-bd82-4237731fd4be", .refusedFamily("HyperFIDO")),
      ("1050:0407", "6999180d-630c-442d-b8f7-424b90a43fae", .refusedFamily("HyperFIDO")),
      ("1234:5678", nil, .unlisted),
    ] as [(String, String?, KeyVerdict)])
  func installedList(_ usb: String, _ aaguid: String?, _ verdict: KeyVerdict) throws {
    guard case .product(let vendor, let product)? = KeyPattern(usb) else { throw Missing() }
    let identity = KeyIdentity(vendor: vendor, product: product, aaguid: aaguid.flatMap { AAGUID($0) })
    #expect(Self.catalogue.verdict(on: identity, by: SecurityKeyPolicy()) == verdict)
  }
  private struct Missing: Error {}

  @Test("HyperFIDO is refused at its set-up although it shows Feitian's vendor; Feitian's own is not")
  func setUp() async throws {
    let refusal = await Desk(SoftKey(Self.hyper)).refusalToRegister()
    #expect(refusal?.reason == .securityKeyRefused)
    #expect(refusal?.sentence.contains("HyperFIDO") == true)
    _ = try await Desk(SoftKey(Self.feitian)).register()
    let unknown = await Desk(SoftKey(Self.unknown)).refusalToRegister()
    #expect(unknown?.sentence.contains("not listed") == true)
  }

  @Test("A refused key beside an admitted one is left alone")
  func besides() async throws {
    let (refused, admitted) = (SoftKey(Self.hyper), SoftKey())
    let desk = Desk(refused, admitted)
    let factor = try await desk.register()
    #expect(factor.identity.vendor == 0x1050)
    #expect(refused.touches == 0)
  }

  @Test("The administrator widens and narrows, and a changed mind holds at the next login")
  func administrator() async throws {
    let desk = Desk(SoftKey(Self.unknown))
    let any = policy { $0.admission = .any }
    let factor = try await desk.register(desk.request(any))
    #expect(await desk.refusal(factor, desk.request(any)) == nil)
    #expect(await desk.refusal(factor)?.reason == .securityKeyRefused)
    let allowed = policy { $0.allowed = [.vendor(0x1234)] }
    #expect(await desk.refusal(factor, desk.request(allowed)) == nil)
    let refused = policy {
      $0.admission = .any
      $0.refused = [.model(factor.identity.aaguid ?? AAGUID([1] + [UInt8](repeating: 0, count: 15))!)]
    }
    let refusal = await desk.refusal(factor, desk.request(refused))
    #expect(refusal?.sentence.contains("administrator refuses") == true)
    let chosen = policy { $0.admission = .chosen }
    #expect(await Desk(SoftKey()).refusalToRegister(desk.request(chosen))?.reason == .securityKeyRefused)
  }

  @Test("Where attestation is asked for, it has to lead to the administrator's certificate", arguments: [true, false])
  func attestation(speaksFIDO2: Bool) async throws {
    let desk = Desk(SoftKey(SoftKey.Model(speaksFIDO2: speaksFIDO2)))
    _ = try await desk.register(desk.request(roots: SoftKey.attestationRoot))
    for roots in [Self.otherRoot, "", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
      let refusal = await desk.refusalToRegister(desk.request(roots: roots))
      #expect([.securityKeyRefused, .failed].contains(refusal?.reason), "\(roots.prefix(40))")
    }
    let own = Desk(SoftKey(SoftKey.Model(attestation: .own)))
    #expect(await own.refusalToRegister(own.request(roots: SoftKey.attestationRoot))?.reason == .securityKeyRefused)
  }

  @Test("A certificate for one model does not vouch for another")
  func otherModel() throws {
    let model = try #require(AAGUID("f8a011f3-8c0a-4d15-8006-17111f9edc7d"))
    #expect(throws: KeyFault.self) {
      try AttestationChain(roots: Array(SoftKey.attestationRoot.utf8)).check([0x30, 0x00], of: model)
    }
  }

  /// A root of somebody else: ISRG's, whose certificate is public.
  private static let otherRoot: String =
    (try? String(contentsOfFile: "/etc/ssl/certs/ISRG_Root_X1.pem", encoding: .utf8)) ?? ""
}
