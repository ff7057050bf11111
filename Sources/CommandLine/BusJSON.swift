import BusClient

extension JSON {
  init(_ value: BusValue) {
    self =
      switch value {
      case .boolean(let value): .bool(value)
      case .uint32(let value): .unsigned(UInt64(value))
      case .uint64(let value): .unsigned(value)
      case .string(let value), .objectPath(let value): .string(value)
      case .strings(let values): .array(values.map(JSON.string))
      case .dictionary(let dictionary): JSON(dictionary)
      }
  }

  /// The dictionary as it travelled, under the keys of the contract.
  init(_ dictionary: BusDictionary) {
    self = .object(dictionary.entries.map { Member(key: $0.key, value: JSON($0.value)) })
  }

  /// This object with more members in front.
  func adding(first members: [Member]) -> JSON {
    guard case .object(let own) = self else { return self }
    return .object(members + own)
  }
}
