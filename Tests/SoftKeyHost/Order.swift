import SoftKey

/// What kind of device is wanted: the words after the name.
struct Order {
  var model = SoftKey.Model()
  /// A one-time password token, which is a keyboard.
  var isKeyboard = false
  private var manufacturer = "Soft"

  init(_ words: ArraySlice<String>) throws(CommandFailure) {
    for word in words {
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 2 else { throw CommandFailure("\(word) has no value") }
      guard take(parts[0], parts[1]) else { throw CommandFailure("\(word) is not understood") }
    }
  }

  private mutating func take(_ name: String, _ value: String) -> Bool {
    switch name {
    case "vendor": return set(\.vendor, UInt16(value, radix: 16))
    case "product": return set(\.product, UInt16(value, radix: 16))
    case "aaguid": return set(\.aaguid, Self.aaguid(value))
    case "attestation": return set(\.attestation, SoftKey.Attestation(rawValue: value))
    case "counts": return set(\.counts, Self.flag(value))
    case "uv": return set(\.verifiesUserItself, Self.flag(value))
    case "always-uv": return set(\.alwaysVerifies, Self.flag(value))
    case "pin": model.pin = value
    case "minimum-pin": return set(\.minimumPINLength, Int(value))
    // A line of words has no room for spaces.
    case "manufacturer": manufacturer = String(value.map { $0 == "_" ? " " : $0 })
    case "name": model.name = String(value.map { $0 == "_" ? " " : $0 })
    case "kind":
      guard ["fido2", "u2f", "both", "otp"].contains(value) else { return false }
      model.speaksFIDO2 = value != "u2f"
      model.speaksU2F = value != "fido2"
      isKeyboard = value == "otp"
    default: return false
    }
    return true
  }

  private mutating func set<T>(_ path: WritableKeyPath<SoftKey.Model, T>, _ value: T?) -> Bool {
    guard let value else { return false }
    model[keyPath: path] = value
    return true
  }

  private static func flag(_ word: String) -> Bool? { ["yes": true, "no": false][word] }

  private static func aaguid(_ text: String) -> [UInt8]? {
    let digits = Array(text.filter { $0 != "-" })
    guard digits.count == 32 else { return nil }
    let bytes = stride(from: 0, to: 32, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
    return bytes.count == 16 ? bytes : nil
  }

  func identity(serial: String) -> DeviceIdentity {
    DeviceIdentity(
      vendor: model.vendor, product: model.product, manufacturer: manufacturer, name: model.name, serial: serial,
      reportDescriptor: isKeyboard ? DeviceIdentity.keyboardReports : DeviceIdentity.fidoReports)
  }
}
