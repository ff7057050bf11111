import CFIDO2
import OfflineAccess
import Synchronization

/// What a key says of itself when it is opened.
struct KeyAbilities: Equatable, Sendable {
  var identity: KeyIdentity
  var speaksFIDO2 = false
  /// A PIN is set.
  var hasPIN = false
  /// It can tell its user by itself, as by a fingerprint, and that is set up.
  var verifiesItself = false
  /// It wants its user verified at each use.
  var alwaysVerifies = false
  /// It makes no credential without its PIN, once one is set (CTAP 2.0; "makeCredUvNotRqd" of 2.1 lifts that).
  var verifiesToRegister = false
  /// Fewest code points of a PIN.
  var shortestPIN = 4
}

/// Ends what a device waits for, from another thread; of no effect before it is opened and after it is closed.
final class KeyCancellation: Sendable {
  private struct State {
    nonisolated(unsafe) var device: OpaquePointer?
    var channel: KeyChannel?
    var isStopped = false
  }

  private let state = Mutex(State())

  fileprivate func attach(_ channel: KeyChannel, of device: OpaquePointer?) {
    state.withLock { state in
      (state.device, state.channel) = (device, channel)
      if state.isStopped { channel.cut() }
    }
  }

  fileprivate func detach() { state.withLock { ($0.device, $0.channel) = (nil, nil) } }

  /// Asks the key to stop blinking. A U2F key knows no such request, so its channel is cut, and the device has to be
  /// opened again.
  func cancel() {
    state.withLock { state in
      guard let channel = state.channel else { return }
      if let device = state.device, fido_dev_is_fido2(device), fido_dev_cancel(device) == FIDO_OK { return }
      channel.cut()
    }
  }

  /// Ends the wait whatever the key does.
  func cut() { state.withLock { $0.channel?.cut() } }

  /// The same, for good: a device that is being opened is not waited for either.
  func stop() {
    state.withLock { state in
      state.isStopped = true
      state.channel?.cut()
    }
  }
}

/// An open key. For use by one thread, on which `fido_init` was called.
final class KeyDevice {
  /// Milliseconds for what needs no person.
  private static let answerTime: Int64 = 3000

  let handle: OpaquePointer
  let channel: KeyChannel
  private(set) var abilities: KeyAbilities
  private let cancellation: KeyCancellation

  /// Opens `key` and asks it what it is.
  ///
  /// - Parameter descriptor: of the key's device; the channel's from now on.
  init(_ key: PluggedKey, over descriptor: Int32, cancellation: KeyCancellation) throws(KeyFault) {
    guard let channel = KeyChannel(owning: descriptor) else { throw .unreliable }
    channel.allow(milliseconds: Self.answerTime)
    cancellation.attach(channel, of: nil)
    handle = try Self.open(channel)
    self.channel = channel
    self.cancellation = cancellation
    abilities = KeyAbilities(identity: KeyIdentity(vendor: key.vendor, product: key.product))
    cancellation.attach(channel, of: handle)
    guard fido_dev_is_fido2(handle) else { return }
    abilities.speaksFIDO2 = true
    try readInformation()
  }

  private static func open(_ channel: KeyChannel) throws(KeyFault) -> OpaquePointer {
    var device = fido_dev_new()
    var functions = KeyChannel.functions
    let ticket = channel.checkIn()
    // Still there where libfido2 has not come to open it.
    defer { _ = KeyChannel.checkOut(ticket) }
    guard let opened = device, fido_dev_set_io_functions(opened, &functions) == FIDO_OK else {
      fido_dev_free(&device)
      throw .unreliable
    }
    let code = fido_dev_open(opened, ticket)
    if code == FIDO_OK { return opened }
    fido_dev_free(&device)
    throw KeyFault(code: code, channel: channel)
  }

  deinit {
    cancellation.detach()
    var handle: OpaquePointer? = handle
    fido_dev_close(handle)
    fido_dev_free(&handle)
  }

  /// authenticatorGetInfo (CTAP 2.1, section 6.4).
  private func readInformation() throws(KeyFault) {
    var information = fido_cbor_info_new()
    defer { fido_cbor_info_free(&information) }
    let code = fido_dev_get_cbor_info(handle, information)
    guard code == FIDO_OK else { throw KeyFault(code: code, channel: channel) }
    let aaguid = UnsafeBufferPointer(
      start: fido_cbor_info_aaguid_ptr(information), count: fido_cbor_info_aaguid_len(information))
    var options: [String: Bool] = [:]
    if let names = fido_cbor_info_options_name_ptr(information),
      let values = fido_cbor_info_options_value_ptr(information)
    {
      for index in 0..<fido_cbor_info_options_len(information) {
        if let name = names[index] { options[String(cString: name)] = values[index] }
      }
    }
    let identity = abilities.identity
    abilities.identity = KeyIdentity(vendor: identity.vendor, product: identity.product, aaguid: AAGUID(aaguid))
    abilities.hasPIN = options["clientPin"] == true
    abilities.verifiesItself = options["uv"] == true
    abilities.alwaysVerifies = options["alwaysUv"] == true
    abilities.verifiesToRegister = options["makeCredUvNotRqd"] != true
    abilities.shortestPIN = max(4, Int(clamping: fido_cbor_info_minpinlen(information)))
  }

  /// Bounds what follows: at most the time that a key needs without a person.
  func expectAnswer() { channel.allow(milliseconds: Self.answerTime) }

  /// Bounds what follows by `milliseconds` for a person, and the time for the answer.
  func expectTouch(within milliseconds: Int64) { channel.allow(milliseconds: milliseconds + Self.answerTime) }

  func check(_ code: Int32) throws(KeyFault) {
    guard code == FIDO_OK else { throw KeyFault(code: code, channel: channel) }
  }
}

extension KeyAbilities {
  /// How the user is verified in one request.
  enum Way: Equatable {
    case touchAlone
    case pin
    case sensor
  }

  /// How the user is to be verified by this key, or the refusal where it cannot do what the policy wants.
  func way(_ verification: SecurityKeyPolicy.Verification, registering: Bool) throws(KeyFault) -> Way {
    let isWanted =
      switch verification {
      case .none: alwaysVerifies
      case .preferred: true
      case .required: true
      }
    if isWanted, verifiesItself { return .sensor }
    if hasPIN, isWanted || (registering && verifiesToRegister) { return .pin }
    if verification == .required { throw .refused(.cannotVerify) }
    return .touchAlone
  }
}
