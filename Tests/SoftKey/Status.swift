/// CTAP2's status codes (CTAP 2.1, section 8.2), those that a soft key uses.
enum Status: UInt8, Error {
  case success = 0x00
  case invalidCommand = 0x01
  case invalidParameter = 0x02
  case unexpectedType = 0x11
  case invalidCBOR = 0x12
  case missingParameter = 0x14
  case credentialExcluded = 0x19
  case unsupportedAlgorithm = 0x26
  case unsupportedOption = 0x2b
  case invalidOption = 0x2c
  case keepaliveCancelled = 0x2d
  case noCredentials = 0x2e
  case userActionTimeout = 0x2f
  case pinInvalid = 0x31
  case pinBlocked = 0x32
  case pinAuthInvalid = 0x33
  case pinAuthBlocked = 0x34
  case pinNotSet = 0x35
  case pinRequired = 0x36
  case pinPolicyViolation = 0x37
}

/// The parameters of a command, by their numbers.
struct Parameters {
  private let map: [CBOR: CBOR]

  init(_ bytes: ArraySlice<UInt8>) throws(Status) {
    guard let value = CBOR(bytes) else { throw .invalidCBOR }
    guard let map = value.map else { throw .unexpectedType }
    self.map = map
  }

  /// The parameter as what `take` makes of it; nil if there is none.
  func optional<T>(_ number: Int, _ take: (CBOR) -> T?) throws(Status) -> T? {
    guard let value = map[CBOR(number)] else { return nil }
    guard let taken = take(value) else { throw .unexpectedType }
    return taken
  }

  func required<T>(_ number: Int, _ take: (CBOR) -> T?) throws(Status) -> T {
    guard let value = try optional(number, take) else { throw .missingParameter }
    return value
  }

  /// The ids in a list of credentials.
  func credentials(_ number: Int) throws(Status) -> [[UInt8]] {
    let list = try optional(number, \.array) ?? []
    var ids: [[UInt8]] = []
    for entry in list {
      guard let type = entry["type"]?.text, let id = entry["id"]?.bytes else { throw .missingParameter }
      if type == "public-key" { ids.append(id) }
    }
    return ids
  }
}
