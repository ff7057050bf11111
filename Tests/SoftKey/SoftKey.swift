import Glibc
import Synchronization

/// A security key in software, for tests: CTAP 2.0 with parts of 2.1, and CTAP1/U2F, over CTAPHID.
///
/// It makes credentials that are not resident: a credential's id is its private key, wrapped.
public final class SoftKey: Sendable {
  public let model: Model
  /// Wraps the private keys; bound to the relying party.
  let master = randomBytes(32)
  /// The factory's certificate for this key, DER.
  let certificate: [UInt8]
  let state: Mutex<State>
  /// Readable when something may have ended a wait: a touch, or another behaviour.
  let wake: Int32
  private let waker: Int32

  struct State: Sendable {
    var behaviour = Behaviour()
    var counter: UInt32 = 0
    var requests = 0
    var touches = 0
    /// Waits for a touch now (CTAP2).
    var isWaiting = false
    /// A touch has come that nobody has taken yet.
    var isTouched = false
    /// Since when, and until when U2F requests ask for a touch; they come again and again.
    var polling: (since: Milliseconds, until: Milliseconds)?
    var pin: PINState
  }

  public init(_ model: Model = Model()) {
    self.model = model
    certificate = Factory.certificate(for: model)
    state = Mutex(State(pin: PINState(model.pin)))
    var pair: [Int32] = [-1, -1]
    let type = SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
    precondition(socketpair(AF_UNIX, Int32(type), 0, &pair) == 0, "no descriptor left")
    (wake, waker) = (pair[0], pair[1])
  }

  deinit {
    close(wake)
    close(waker)
  }

  /// How it behaves from now on; may be changed while it is served, from any thread, though not by two at once.
  public var behaviour: Behaviour {
    get { state.withLock { $0.behaviour } }
    set {
      state.withLock { $0.behaviour = newValue }
      wakeUp()
    }
  }

  /// One touch. It is lost when the key does not wait for one, and with `Touch.never`.
  public func touch() {
    state.withLock { state in
      if state.isBlinking, state.behaviour.touch != .never { state.isTouched = true }
    }
    wakeUp()
  }

  /// Waits for a touch now.
  public var isBlinking: Bool { state.withLock { $0.isBlinking } }

  /// Tries that are left for the PIN.
  public var pinTries: Int { state.withLock { $0.pin.tries } }

  /// The signature counter, which the last signature carried; to be set back by a test.
  public var counter: UInt32 {
    get { state.withLock { $0.counter } }
    set { state.withLock { $0.counter = newValue } }
  }

  /// CTAP commands (CBOR and MSG) answered so far.
  public var requests: Int { state.withLock { $0.requests } }

  /// Touches that were taken so far.
  public var touches: Int { state.withLock { $0.touches } }

  /// The certificate that signs the certificates of all soft keys of this process, in PEM.
  public static var attestationRoot: String { Factory.root.pem }

  /// Serves one connection of CTAPHID frames until the other end closes: 64-byte reports out, 65-byte (report id 0
  /// first) or 64-byte reports in. Blocking; to be called on a thread of its own. What a key forgets without power,
  /// it has forgotten now.
  public func serve(_ descriptor: Int32) {
    state.withLock { state in
      state.pin.powerUp()
      (state.isWaiting, state.isTouched, state.polling) = (false, false, nil)
    }
    Connection(self, descriptor).run()
    state.withLock { $0.isWaiting = false }
  }

  private func wakeUp() {
    // When it is full, it wakes already.
    write(waker, [1], 1)
  }

  /// The counter for the next signature.
  func count() -> UInt32 {
    guard model.counts else { return 0 }
    return state.withLock { state in
      if state.behaviour.fault == .counterBack { return state.counter &- 1 }
      state.counter &+= 1
      return state.counter
    }
  }
}

extension SoftKey.State {
  var isBlinking: Bool { isWaiting || polling.map { Milliseconds.now < $0.until } ?? false }
}

/// A reading of the monotonic clock.
struct Milliseconds: Comparable {
  let value: Int

  static var now: Self {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Self(value: time.tv_sec * 1000 + time.tv_nsec / 1_000_000)
  }

  static func < (left: Self, right: Self) -> Bool { left.value < right.value }
  static func + (left: Self, right: Int) -> Self { Self(value: left.value + right) }
  static func - (left: Self, right: Self) -> Int { left.value - right.value }
}
