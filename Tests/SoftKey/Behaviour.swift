/// How a soft key behaves; may be changed while it is served.
extension SoftKey {
  public struct Behaviour: Sendable {
    public var touch: Touch = .atOnce
    public var fault: Fault?
    /// Faults hit what makes a credential or a signature; with this also getInfo, clientPIN and the U2F version.
    public var faultsEverything = false
    /// Applied to each answer before it is cut into frames, whatever its command; for fuzzing.
    public var mutation: (@Sendable ([UInt8]) -> [UInt8])?
    /// What a garbage reply is made from.
    public var seed: UInt64 = 1

    public init(touch: Touch = .atOnce, fault: Fault? = nil) {
      self.touch = touch
      self.fault = fault
    }
  }

  /// When somebody touches the key that asks for it.
  public enum Touch: Sendable, Equatable {
    case atOnce
    /// That long after it was asked for, or with `touch()` before.
    case after(milliseconds: Int)
    case never
    /// With `touch()`.
    case byCommand
  }
}

/// What a broken or malicious key does. Everything that carries a signature is correctly signed unless said otherwise.
public enum Fault: String, CaseIterable, Sendable {
  // The answer as a whole.
  /// The second half of the answer is missing.
  case truncatedReply
  /// More bytes than the protocol's frames can carry are announced, and as many sent as frames can.
  case hugeReply
  /// An answer of no bytes, not even a status.
  case emptyReply
  /// Success, and the head of a map that would fill gigabytes.
  case endlessMap
  /// Success, and CBOR at random.
  case garbageReply
  /// The status 0x7f, which no standard knows (U2F: 0x6f00).
  case errorReply
  /// Each answer comes half a second late, without a sign of life before.
  case slowAnswer
  /// Nothing is ever answered.
  case silent
  /// It says for ever that it works on it, even when cancelled.
  case endlessKeepalive
  /// The answer goes to a channel that is not the caller's.
  case wrongChannel

  // What the answer says.
  /// The data are those for another relying party.
  case wrongRelyingParty
  /// They say that nobody touched the key.
  case presenceClear
  /// They say that the person was not verified although that was asked for.
  case verificationClear
  /// The signature is one of other data.
  case badSignature
  /// An assertion is of a credential that nobody asked for.
  case otherCredential
  /// A new public key has an algorithm that no standard knows.
  case lyingAlgorithm
  /// The signature counter is one less than it was last.
  case counterBack
  /// A new credential has no attestation.
  case noAttestation

  /// Whether the contents of an answer are wrong rather than the answer as a whole.
  var isOfContents: Bool {
    switch self {
    case .truncatedReply, .hugeReply, .emptyReply, .endlessMap, .garbageReply, .errorReply, .slowAnswer, .silent,
      .endlessKeepalive, .wrongChannel:
      false
    case .wrongRelyingParty, .presenceClear, .verificationClear, .badSignature, .otherCredential, .lyingAlgorithm,
      .counterBack, .noAttestation:
      true
    }
  }
}
