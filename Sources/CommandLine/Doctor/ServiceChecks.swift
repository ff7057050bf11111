import BusClient
import BusInterface
import OfflineAccess

/// Whether the service can be reached, and what it says of itself and of one user.
struct ServiceChecks {
  /// "" is the caller.
  let user: String

  func run() -> [Check] {
    let client: FactorClient
    do throws(BusFailure) { client = FactorClient(try BusConnection()) } catch {
      return [.fail("bus", Texts.Doctor.noBus(error.cause))]
    }
    return [.ok("bus", Texts.Doctor.busReached)] + service(client)
  }

  private func service(_ client: FactorClient) -> [Check] {
    let version: BusValue
    let authority: BusValue
    do throws(BusFailure) {
      version = try client.property(.version)
      authority = try client.property(.authority)
    } catch {
      return [.fail("service", Texts.Doctor.noService(Failure(error).sentence))]
    }
    guard case .string(let version) = version, case .string(let authority) = authority else {
      return [.fail("service", Texts.Doctor.noService(Texts.Doctor.strangeAnswer))]
    }
    var checks: [Check] = [.ok("service", Texts.Doctor.serviceAnswers(version.printable, authority.printable))]
    if version != Product.version {
      checks.append(.warn("version", Texts.Doctor.otherVersion(service: version.printable, own: Product.version)))
    }
    return checks + [allowance(client)]
  }

  private func allowance(_ client: FactorClient) -> Check {
    let name = displayName(user)
    do throws(BusFailure) {
      let allowance = try client.remainingAllowance(user)
      let sentence = Texts.Doctor.allowance(name, allowance.message.printable)
      switch AllowanceState(rawValue: allowance.state) {
      case .clockUntrusted: return .fail("allowance", sentence)
      case .ready, .notActivated: return .ok("allowance", sentence)
      case .exhausted, .expired, .locked, .suspended, nil: return .warn("allowance", sentence)
      }
    } catch {
      return .fail("allowance", Texts.Doctor.allowance(name, Failure(error).sentence))
    }
  }
}
