/// CTAP2's commands (CTAP 2.1, section 6).
extension SoftKey {
  /// U2F knows no verification, so a key that always verifies has none (section 7.2).
  var hasU2F: Bool { model.speaksU2F && !model.alwaysVerifies }

  /// The answer to a CBOR message: a status, and the command's answer after success.
  func answer(_ message: [UInt8], _ connection: Connection) -> [UInt8] {
    do throws(Status) {
      return try [Status.success.rawValue] + respond(message, connection)
    } catch {
      return [error.rawValue]
    }
  }

  private func respond(_ message: [UInt8], _ connection: Connection) throws(Status) -> [UInt8] {
    let parameters = message.dropFirst()
    switch message.first {
    case 0x01: return try makeCredential(Parameters(parameters), connection).encoded
    case 0x02: return try getAssertion(Parameters(parameters), connection).encoded
    case 0x04: return information.encoded
    case 0x06: return try clientPIN(Parameters(parameters))
    case 0x0b:
      try presence(connection)
      return []
    default: throw .invalidCommand
    }
  }

  /// What getInfo tells.
  private var information: CBOR {
    var versions: [CBOR] = hasU2F ? ["U2F_V2", "FIDO_2_0"] : ["FIDO_2_0"]
    var options: [CBOR: CBOR] = [
      "rk": false, "up": true, "plat": false, "clientPin": .bool(state.withLock { $0.pin.isSet }),
    ]
    if model.verifiesUserItself { options["uv"] = true }
    if model.alwaysVerifies {
      versions.append("FIDO_2_1")
      options["alwaysUv"] = true
    }
    return [
      1: .array(versions), 3: .bytes(model.aaguid), 4: .map(options), 5: 1200, 6: [1], 7: 8, 8: 128, 9: ["usb"],
      10: [["alg": -7, "type": "public-key"]], 13: CBOR(model.minimumPINLength),
    ]
  }

  // MARK: What both commands ask of the person

  private struct Options {
    var presence = true
    var verification = false
  }

  private func options(_ map: [CBOR: CBOR]?) throws(Status) -> Options {
    var options = Options()
    for (name, value) in map ?? [:] {
      guard let value = value.bool else { throw .unexpectedType }
      switch name {
      case "up": options.presence = value
      case "uv":
        guard !value || model.verifiesUserItself else { throw .unsupportedOption }
        options.verification = value
      case "rk": guard !value else { throw .unsupportedOption }
      default: break  // unknown ones are ignored
      }
    }
    return options
  }

  /// Checks the PIN's token; true if the person is, or will be with the touch, verified.
  private func verification(
    _ parameters: Parameters, _ wanted: Bool, data: [UInt8], token: Int, protocol: Int, _ connection: Connection,
    isMaking: Bool, isPresent: Bool = true
  ) throws(Status) -> Bool {
    guard let code = try parameters.optional(token, \.bytes) else {
      // CTAP 2.1, section 6.2.2: without a touch, alwaysUv asks for nothing.
      if !isPresent { return false }
      if wanted || (model.alwaysVerifies && model.verifiesUserItself) { return true }
      let isSet = state.withLock { $0.pin.isSet }
      if model.alwaysVerifies || (isMaking && isSet) { throw isSet ? .pinRequired : .pinNotSet }
      return false
    }
    // An empty one asks which of several keys the person touches.
    if code.isEmpty {
      try presence(connection)
      throw state.withLock { $0.pin.isSet } ? .pinInvalid : .pinNotSet
    }
    guard try parameters.optional(`protocol`, \.integer) == 1 else { throw .pinAuthInvalid }
    try state.withLock { (state) throws(Status) in try state.pin.check(code, of: data) }
    return true
  }

  private func presence(_ connection: Connection) throws(Status) {
    switch connection.waitForTouch() {
    case .touched: return
    case .cancelled, .gone: throw .keepaliveCancelled
    case .tooLong: throw .userActionTimeout
    }
  }

  /// The authenticator data (WebAuthn level 2, section 6.1) without the credential.
  private func data(
    _ relyingParty: [UInt8], presence: Bool, verification: Bool, hasCredential: Bool, _ fault: Fault?
  ) -> [UInt8] {
    var flags: UInt8 = 0
    if presence, fault != .presenceClear { flags |= 0x01 }
    if verification, fault != .verificationClear { flags |= 0x04 }
    if hasCredential { flags |= 0x40 }
    let counter = count()
    return told(relyingParty, fault) + [flags]
      + (0..<4).reversed().map { UInt8(truncatingIfNeeded: counter >> UInt32(8 * $0)) }
  }

  // MARK: The commands

  private func makeCredential(_ parameters: Parameters, _ connection: Connection) throws(Status) -> CBOR {
    let clientData = try parameters.required(1, \.bytes)
    guard let name = try parameters.required(2, \.map)["id"]?.text,
      try parameters.required(3, \.map)["id"]?.bytes != nil
    else { throw .missingParameter }
    let relyingParty = sha256(Array(name.utf8))
    guard try parameters.required(4, \.array).contains(where: { $0["alg"] == -7 && $0["type"] == "public-key" }) else {
      throw .unsupportedAlgorithm
    }
    let options = try options(parameters.optional(7, \.map))
    guard options.presence else { throw .invalidOption }
    let isVerified = try verification(
      parameters, options.verification, data: clientData, token: 8, protocol: 9, connection, isMaking: true)
    let isExcluded = try parameters.credentials(5).contains { knownCredential($0, relyingParty) != nil }
    try presence(connection)
    if isExcluded { throw .credentialExcluded }

    let fault = behaviour.fault
    let credential = newCredential(relyingParty)
    let publicKey: CBOR = [
      1: 2, 3: fault == .lyingAlgorithm ? -65_535 : -7, -1: 1, -2: .bytes(credential.pair.x),
      -3: .bytes(credential.pair.y),
    ]
    let data =
      data(relyingParty, presence: true, verification: isVerified, hasCredential: true, fault)
      + model.aaguid + [UInt8(credential.id.count >> 8), UInt8(credential.id.count & 0xff)] + credential.id
      + publicKey.encoded
    return switch fault == .noAttestation ? .none : model.attestation {
    case .none: [1: "none", 2: .bytes(data), 3: [:]]
    case .own:
      [
        1: "packed", 2: .bytes(data),
        3: ["alg": -7, "sig": .bytes(signature(credential.pair, data + clientData, fault))],
      ]
    case .batch:
      [
        1: "packed", 2: .bytes(data),
        3: [
          "alg": -7, "sig": .bytes(signature(Factory.batch, data + clientData, fault)),
          "x5c": [.bytes(certificate)],
        ],
      ]
    }
  }

  private func getAssertion(_ parameters: Parameters, _ connection: Connection) throws(Status) -> CBOR {
    let relyingParty = sha256(Array(try parameters.required(1, \.text).utf8))
    let clientData = try parameters.required(2, \.bytes)
    let options = try options(parameters.optional(5, \.map))
    let isVerified = try verification(
      parameters, options.verification, data: clientData, token: 6, protocol: 7, connection, isMaking: false,
      isPresent: options.presence)
    let known = try parameters.credentials(3).lazy.compactMap { self.knownCredential($0, relyingParty) }.first
    guard var credential = known else { throw .noCredentials }
    if options.presence { try presence(connection) }

    let fault = behaviour.fault
    if fault == .otherCredential { credential = newCredential(relyingParty) }
    let data = data(
      relyingParty, presence: options.presence, verification: isVerified, hasCredential: false, fault)
    return [
      1: ["id": .bytes(credential.id), "type": "public-key"], 2: .bytes(data),
      3: .bytes(signature(credential.pair, data + clientData, fault)),
    ]
  }
}
