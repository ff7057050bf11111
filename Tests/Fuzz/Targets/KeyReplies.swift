import CFIDO2
import Glibc
import OfflineAccess
import SoftKey
import Synchronization

@testable import SecurityKey

extension FuzzTarget {
  /// What a hostile security key answers. The first byte says what it is asked; the others change its answers, which
  /// would be right otherwise: for each answer how many changes, then each as its kind, place and value.
  static let keyReplies = FuzzTarget(name: "key-replies", longest: 512) { bytes in
    fido_init(0)
    let edits = ReplyEdits(Array(bytes.dropFirst()))
    // Not even its first answer may be relied on.
    var behaviour = SoftKey.Behaviour()
    behaviour.mutation = { edits.apply(to: $0) }
    guard let errand = KeyErrands.shared else { return }
    errand.key.behaviour = behaviour
    defer { errand.key.behaviour = .init() }
    let served = Served(errand.key)
    // The device is closed before, which is what ends the other side.
    defer { served.join() }
    ask(errand, over: served.descriptor, bytes.first ?? 0)
  }

  private static func ask(_ errand: KeyErrands, over descriptor: Int32, _ question: UInt8) {
    guard let device = try? KeyDevice(KeyErrands.plugged, over: descriptor, cancellation: KeyCancellation()) else {
      return
    }
    let factor = errand.factor
    switch question & 7 {
    case 0: _ = try? device.holds(factor)
    case 1, 2, 3:
      let pin = question & 8 != 0 ? Secret("1234".utf8) : nil
      guard let proof = try? device.prove(factor, rules(pin), pin: pin, within: 300, beforeTouch: {}) else { return }
      require(proof.credential == factor.credential, "a proof of another credential")
      // Signed by the key, so no change on the way may show.
      require(proof.counter == errand.key.counter, "a counter that the key did not sign")
    default:
      let party = RelyingParty(machineID: [UInt8](repeating: 0x30, count: 32))
      let made = try? device.register(
        KeyErrands.holder, for: party, rules(nil), pin: nil, within: 300, beforeTouch: {})
      guard let made else { return }
      require(made.relyingParty == party.id, "a credential for another relying party")
      require(made.identity.vendor == KeyErrands.plugged.vendor, "a key from elsewhere")
    }
  }

  private static func rules(_ pin: Secret?) -> KeyRules {
    var policy = SecurityKeyPolicy()
    policy.admission = .any
    policy.verification = pin == nil ? .none : .preferred
    return KeyRules(policy: policy, catalogue: KeyCatalogue([]), attestationRoots: nil)
  }
}

/// A key that is plugged in and served by a thread of its own.
private final class Served {
  private final class Side: Sendable {
    let key: SoftKey
    let descriptor: Int32
    init(key: SoftKey, descriptor: Int32) {
      self.key = key
      self.descriptor = descriptor
    }
  }

  /// Our end; the channel's once it is handed over.
  let descriptor: Int32
  private var thread = pthread_t()

  init(_ key: SoftKey) {
    var pair: [Int32] = [-1, -1]
    require(
      socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &pair) == 0, "no sockets")
    descriptor = pair[0]
    let status = pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        let side = Unmanaged<Side>.fromOpaque(context).takeRetainedValue()
        side.key.serve(side.descriptor)
        close(side.descriptor)
        return nil
      }, Unmanaged.passRetained(Side(key: key, descriptor: pair[1])).toOpaque())
    require(status == 0, "no thread")
  }

  func join() { pthread_join(thread, nil) }
}

/// A key that was set up honestly.
private struct KeyErrands: Sendable {
  static let plugged = PluggedKey(path: "key", instance: 1, vendor: 0x1050, product: 0x0407)
  static let holder = KeyHolder(user: UserIdentity(uid: 1000, name: "alice"), machine: "laptop")

  let key: SoftKey
  let factor: SecurityKeyFactor

  static let shared: KeyErrands? = {
    fido_init(0)
    // Without U2F: libfido2 would fall back to it, and pause a tenth of a second after each of its questions.
    let key = SoftKey(SoftKey.Model(speaksU2F: false))
    let party = RelyingParty(machineID: [UInt8](repeating: 0x30, count: 32))
    var policy = SecurityKeyPolicy()
    policy.admission = .any
    let rules = KeyRules(policy: policy, catalogue: KeyCatalogue([]), attestationRoots: nil)
    let served = Served(key)
    defer { served.join() }
    var device = try? KeyDevice(plugged, over: served.descriptor, cancellation: KeyCancellation())
    let factor = try? device?.register(holder, for: party, rules, pin: nil, within: 5000, beforeTouch: {})
    device = nil
    return factor.map { KeyErrands(key: key, factor: $0) }
  }()
}

/// The changes that an input makes to one answer after another.
private final class ReplyEdits: Sendable {
  private let input: Mutex<FuzzInput>
  init(_ bytes: [UInt8]) { input = Mutex(FuzzInput(bytes)) }

  func apply(to reply: [UInt8]) -> [UInt8] {
    input.withLock { input in
      var reply = reply
      for _ in 0..<input.byte() & 15 {
        let kind = input.byte()
        let place = Int(input.number(UInt16.self)) % max(1, reply.count)
        switch kind & 7 {
        case 0: reply = Array(reply.prefix(place))
        case 1: reply += input.piece()
        case 2: reply.insert(contentsOf: input.piece(), at: min(place, reply.count))
        case 3: reply = input.piece()
        case 4: reply.removeSubrange(min(place, reply.count)..<min(reply.count, place + Int(input.byte())))
        default: if place < reply.count { reply[place] ^= input.byte() }
        }
      }
      return reply
    }
  }
}
