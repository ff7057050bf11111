import ArgumentParser
import BusClient
import BusInterface
import OfflineAccess

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "status", abstract: Texts.Help.status)

  @OptionGroup var subject: UserOption
  @OptionGroup var output: JSONFlag

  func run() throws {
    try conclude(asJSON: output.json) { () throws(Failure) in
      let service = try Service()
      let allowance = try service.call { client throws(BusFailure) in try client.remainingAllowance(subject.user) }
      var properties: [FactorProperty: BusValue] = [:]
      for property in FactorProperty.allCases {
        properties[property] = try service.call { client throws(BusFailure) in try client.property(property) }
      }
      let user = displayName(subject.user)
      if output.json {
        Output.json(Self.json(user: user, allowance, properties))
      } else {
        Self.table(user: user, allowance, properties).forEach { Output.line($0.printable) }
      }
      return .success
    }
  }

  static func json(user: String, _ allowance: Allowance, _ properties: [FactorProperty: BusValue]) -> JSON {
    func value(_ property: FactorProperty) -> JSON { properties[property].map { JSON($0) } ?? .null }
    return [
      "user": .string(user), "allowance": JSON(allowance.dictionary), "version": value(.version),
      "methods": value(.methods), "authority": value(.authority),
    ]
  }

  /// Two columns; rows without a meaning for this user are left out.
  static func table(
    user: String, _ allowance: Allowance, _ properties: [FactorProperty: BusValue]
  ) -> [String] {
    func text(_ property: FactorProperty) -> String {
      if case .string(let text)? = properties[property] { text } else { "" }
    }
    typealias Words = Texts.Status
    var rows = [
      (Words.user, user), (Words.method, Words.method(allowance.method)), (Words.state, Words.state(allowance.state)),
    ]
    if let remaining = allowance.remaining { rows.append((Words.left, String(remaining))) }
    if let day = allowance.lastDay { rows.append((Words.lastDay, LocalTime.text(isoDay: day))) }
    if allowance.activated, allowance.limit == LimitKind.unlimited.rawValue {
      rows.append((Words.left, Words.unlimited))
    }
    if let end = allowance.lockedUntil {
      rows.append((Words.lockedUntil, LocalTime.text(unixTime: Int64(clamping: end))))
    }
    if allowance.offersActivation { rows.append((Words.offer, Words.offered)) }
    rows.append((Words.authority, Words.authority(text(.authority))))
    if let time = allowance.lastOnline {
      rows.append((Words.lastOnline, LocalTime.text(unixTime: Int64(clamping: time))))
    }
    if let time = allowance.lastOffline {
      let text = LocalTime.text(unixTime: Int64(clamping: time))
      rows.append((Words.lastOffline, Words.offline(at: text, reason: allowance.offlineReason)))
    }
    rows.append((Words.service, Words.service(text(.version))))
    let width = rows.map(\.0.count).max() ?? 0
    let table = rows.map { label, value in
      label + String(repeating: " ", count: width - label.count + 2) + value
    }
    return allowance.message.isEmpty ? table : table + ["", allowance.message]
  }
}
