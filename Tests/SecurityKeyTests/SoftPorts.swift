import Foundation
import Glibc
import OfflineAccess
import SecurityKey
import SoftKey
import Synchronization
import Testing

/// Ports of this process's own, in which tests plug soft keys.
final class SoftPorts: KeyPorts {
  private struct Plug {
    let key: SoftKey
    let instance: UInt64
    /// Our ends of the connections that were opened.
    var ends: [Int32] = []
  }

  private struct State {
    var plugs: [String: Plug] = [:]
    var last: UInt64 = 0
    var usb: [KeyIdentity] = []
    var busy: Set<String> = []
    var opened = 0
    var refused = 0
    var connections = 0
  }

  private let state = Mutex(State())

  func plug(_ key: SoftKey, as path: String = "key") {
    state.withLock { state in
      state.last += 1
      state.plugs[path] = Plug(key: key, instance: state.last)
    }
  }

  /// Pulls a key out: whoever reads from it finds the end.
  func unplug(_ path: String = "key") {
    let ends = state.withLock { $0.plugs.removeValue(forKey: path)?.ends ?? [] }
    for end in ends { shutdown(end, Int32(SHUT_RDWR)) }
  }

  /// Lets another program have a key.
  func lend(_ path: String = "key", _ isLent: Bool) {
    state.withLock { state in
      if isLent { state.busy.insert(path) } else { state.busy.remove(path) }
    }
  }

  func show(usb: [KeyIdentity]) { state.withLock { $0.usb = usb } }

  /// How often another program had the key.
  var refused: Int { state.withLock { $0.refused } }
  /// How often a key was opened.
  var opened: Int { state.withLock { $0.opened } }

  /// Connections that are open.
  var connections: Int { state.withLock { $0.connections } }

  func fingerprint() -> [String] { state.withLock { $0.plugs.map { "\($0) \($1.instance)" }.sorted() } }

  func keys() -> [PluggedKey] {
    state.withLock { state in
      state.plugs.map { path, plug in
        PluggedKey(
          path: path, instance: plug.instance, vendor: plug.key.model.vendor, product: plug.key.model.product)
      }
    }
  }

  func open(_ path: String) -> Int32 {
    state.withLock { state in
      guard !state.busy.contains(path) else {
        state.refused += 1
        errno = EWOULDBLOCK
        return -1
      }
      var pair: [Int32] = [-1, -1]
      guard let key = state.plugs[path]?.key,
        socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &pair) == 0
      else {
        errno = ENODEV
        return -1
      }
      state.opened += 1
      state.connections += 1
      let (ours, theirs) = (pair[1], pair[0])
      state.plugs[path]?.ends.append(ours)
      Thread.detachNewThread { [self] in
        key.serve(ours)
        // Not before it is forgotten here: the number may be given anew.
        self.state.withLock { state in
          for path in state.plugs.keys { state.plugs[path]?.ends.removeAll { $0 == ours } }
          close(ours)
          state.connections -= 1
        }
      }
      return theirs
    }
  }

  func usbDevices() -> [KeyIdentity] { state.withLock { $0.usb } }
}

/// A ring over soft ports, with one key plugged in, and what its callers were told.
final class Desk: Sendable {
  static let alice = UserIdentity(uid: 1000, name: "alice")
  static let holder = KeyHolder(user: alice, machine: "laptop")
  static let yubico = KeyFamily(name: "Yubico", standing: .allowed, patterns: [.vendor(0x1050)])
  static let hyper = KeyFamily(
    name: "HyperFIDO", standing: .refused, patterns: [.product(vendor: 0x096e, product: 0x0880)])
  static let feitian = KeyFamily(name: "Feitian", standing: .allowed, patterns: [.vendor(0x096e)])
  static let typist = KeyFamily(
    name: "Typing token", standing: .passwordsOnly, patterns: [.product(vendor: 0x1050, product: 0x0010)])
  static let catalogue = KeyCatalogue([yubico, hyper, feitian, typist])

  let ports = SoftPorts()
  let ring: KeyRing
  /// Milliseconds by which the ring's clock is ahead.
  let ahead = Ahead()
  private let heard = Heard()

  init(_ keys: SoftKey...) {
    ring = KeyRing(
      ports: ports, party: { RelyingParty(machineID: Array("0123456789abcdef0123456789abcdef".utf8)) },
      clock: { [ahead] in KeyRing.uptime() + ahead.milliseconds.load(ordering: .relaxed) })
    for (index, key) in keys.enumerated() { ports.plug(key, as: index == 0 ? "key" : "key\(index + 1)") }
  }

  deinit { ring.close() }

  /// What callers were told, in order.
  var told: [ProgressState] { heard.states.withLock { $0 } }

  func request(
    _ policy: SecurityKeyPolicy = SecurityKeyPolicy(), pin: String? = nil, wait: Int64 = 5_000, yields: Bool = false,
    roots: String? = nil
  ) -> TouchRequest {
    TouchRequest(
      rules: KeyRules(
        policy: policy, catalogue: Self.catalogue, attestationRoots: roots.map { Array($0.utf8) }),
      pin: pin.map { Secret($0.utf8) }, wait: wait, yields: yields
    ) { [heard] state in heard.states.withLock { $0.append(state) } }
  }

  func register(_ request: TouchRequest? = nil) async throws -> SecurityKeyFactor {
    try await ring.register(Self.holder, request ?? self.request())
  }

  /// The reason and sentence of a refusal; nil for a proof.
  func refusal(_ factor: SecurityKeyFactor, _ request: TouchRequest? = nil) async -> Refusal? {
    do throws(Refusal) {
      _ = try await ring.prove(factor, request ?? self.request())
      return nil
    } catch {
      return error
    }
  }

  /// Why a wait is refused whose time ends once `condition` holds; without a factor, one for a new key.
  func refusal(_ factor: SecurityKeyFactor?, endingWhen what: String, _ condition: @Sendable () -> Bool) async throws
    -> Refusal?
  {
    let longest: Int64 = 3_600_000
    let request = request(wait: longest)
    async let refusal = wait(for: factor, request)
    try await waitUntil(what, condition)
    ahead.milliseconds.add(longest, ordering: .relaxed)
    return await refusal
  }

  private func wait(for factor: SecurityKeyFactor?, _ request: TouchRequest) async -> Refusal? {
    if let factor { return await refusal(factor, request) }
    return await refusalToRegister(request)
  }

  func refusalToRegister(_ request: TouchRequest? = nil) async -> Refusal? {
    do throws(Refusal) {
      _ = try await ring.register(Self.holder, request ?? self.request())
      return nil
    } catch {
      return error
    }
  }
}

/// Beside the desk, whose end waits for the ring's thread and so must not come on it.
private final class Heard: Sendable {
  let states = Mutex<[ProgressState]>([])
}

final class Ahead: Sendable {
  let milliseconds = Atomic<Int64>(0)
}

/// Waits for a condition, at most a minute.
func waitUntil(_ what: String, _ condition: () -> Bool) async throws {
  let deadline = Date().addingTimeInterval(60)
  while !condition() {
    try #require(Date() < deadline, "waited in vain until \(what)")
    try await Task.sleep(for: .milliseconds(2))
  }
}

/// Open descriptors of this process.
func openDescriptors() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count }
