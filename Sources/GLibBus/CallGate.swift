import BusInterface
import CGIO
import OfflineAccess
import Synchronization

/// Keeps any one user from filling the service's queue: decides about each call as it arrives, on the
/// bus library's own thread, before it costs anything.
///
/// Over its bound a user hears Busy, though not more often than the bound a second; beyond that calls are
/// dropped unanswered. What is not answered stays on the bus's own account of open calls, and at its
/// limit the bus stops the caller itself. Answering every call would keep a flood alive.
public final class CallGate: Sendable {
  /// Open calls of one ordinary user. root, for whom the PAM module runs, has no bound.
  public static let callsAtOnce = 64
  /// Open calls of all connections whose user is not known yet; the bus tells within a moment.
  static let callsOfStrangers = 1024
  /// Open calls that each of those connections has in any case.
  static let callsOfStranger = 4
  /// Bytes of one call's arguments. The longest that the contract knows are shorter; what is refused here
  /// is not held in memory while the call waits for its turn.
  static let largestCall = 32_768
  /// Connections remembered at once.
  private static let capacity = 4096

  enum Admission: Equatable {
    case pass
    case busy
    case drop
  }

  private struct State {
    /// Open calls by connection.
    var open: [String: Int] = [:]
    /// User ids by connection; a bus never gives a unique name twice, so what was learned stays true.
    var users: [String: UInt32] = [:]
    /// Open calls by user id, of connections whose user is known.
    var openByUser: [UInt32: Int] = [:]
    /// Open calls of connections whose user is not known.
    var openByStrangers = 0
    /// Calls that were let in before their user was known: how many of them stay, and how many are too many.
    var late: [String: (stay: Int, go: Int)] = [:]
    /// Connections that left the bus with calls open.
    var gone: Set<String> = []
    /// When Busy was last counted from, and how often it was said since, by user id or stranger.
    var busy: [UInt32?: (since: Int64, count: Int)] = [:]

    /// Counts a call of `sender` in, or out again.
    mutating func count(_ step: Int, of sender: String) {
      let count = open[sender, default: 0] + step
      open[sender] = count > 0 ? count : nil
      guard let user = users[sender] else { return openByStrangers += step }
      let sum = openByUser[user, default: 0] + step
      openByUser[user] = sum > 0 ? sum : nil
    }
  }

  private let state = Mutex(State())

  public init() {}

  /// The user behind a connection, if it was learned.
  public func user(of sender: String) -> UInt32? { state.withLock { $0.users[sender] } }

  /// Notes the user behind a connection.
  public func learn(_ uid: UInt32, of sender: String) {
    state.withLock { state in
      if state.users[sender] != nil { return }
      if state.users.count >= Self.capacity {
        // Whoever has a call open is still needed, for the count.
        state.users = state.users.filter { state.open[$0.key] != nil }
      }
      state.users[sender] = uid
      guard let count = state.open[sender] else { return }
      let before = state.openByUser[uid, default: 0]
      state.openByUser[uid] = before + count
      state.openByStrangers -= count
      let room = uid == 0 ? count : max(0, min(count, Self.callsAtOnce - before))
      if room < count { state.late[sender] = (stay: room, go: count - room) }
    }
  }

  /// Whether a call that was let in may go on now that its user is known: of those that came before, as many
  /// as that user has room for. To be asked once a call.
  public func keepsCall(of sender: String) -> Bool {
    state.withLock { state in
      guard let late = state.late[sender] else { return true }
      if late.stay > 0 {
        state.late[sender] = (stay: late.stay - 1, go: late.go)
        return true
      }
      state.late[sender] = late.go > 1 ? (stay: 0, go: late.go - 1) : nil
      return false
    }
  }

  /// Whether the connection behind an open call has left the bus.
  public func isGone(_ sender: String) -> Bool { state.withLock { $0.gone.contains(sender) } }

  /// A connection left the bus.
  func forget(_ sender: String) {
    state.withLock { state in
      // Its count is still needed while it has calls open.
      if state.open[sender] != nil { state.gone.insert(sender) } else { state.users[sender] = nil }
    }
  }

  /// A connection of its own ended: no answer on it will ever be seen here.
  func forgetAll(of sender: String) {
    state.withLock { state in
      state.count(-(state.open[sender] ?? 0), of: sender)
      state.users[sender] = nil
      state.late[sender] = nil
    }
  }

  /// Whether every call that was let in has its answer on the way.
  public var isEmpty: Bool { state.withLock { $0.open.isEmpty } }

  /// Counts a call that arrives, unless it is over a bound.
  ///
  /// - Parameter now: seconds of a clock that nobody can set.
  func admit(_ sender: String, at now: Int64) -> Admission {
    state.withLock { state in
      let user = state.users[sender]
      let isWithin =
        switch user {
        case 0: true
        case .some(let uid): state.openByUser[uid, default: 0] < Self.callsAtOnce
        case nil:
          state.openByStrangers < Self.callsOfStrangers || state.open[sender, default: 0] < Self.callsOfStranger
        }
      if isWithin {
        state.count(1, of: sender)
        return .pass
      }
      var busy = state.busy[user] ?? (since: now, count: 0)
      if busy.since != now { busy = (since: now, count: 0) }
      busy.count += 1
      if state.busy.count >= Self.capacity { state.busy = [:] }
      state.busy[user] = busy
      return busy.count <= Self.callsAtOnce ? .busy : .drop
    }
  }

  /// A counted call was answered.
  func leave(_ sender: String) {
    state.withLock { state in
      guard let count = state.open[sender] else { return }
      state.count(-1, of: sender)
      guard count == 1 else { return }
      state.late[sender] = nil
      if state.gone.remove(sender) != nil { state.users[sender] = nil }
    }
  }
}

extension CallGate {
  /// Puts the gate in front of everything that `connection` receives.
  func guardConnection(_ connection: OpaquePointer) {
    g_dbus_connection_add_filter(
      connection,
      { connection, message, incoming, data in
        guard let message, let data else { return message }
        let gate = Unmanaged<CallGate>.fromOpaque(data).takeUnretainedValue()
        return incoming != 0
          ? gate.filterIncoming(message, connection) : gate.filterOutgoing(message, connection)
      }, Unmanaged.passRetained(self).toOpaque(),
      { data in if let data { Unmanaged<CallGate>.fromOpaque(data).release() } })
  }

  /// Passes `message` on, or takes it out of the world.
  private func filterIncoming(_ message: OpaquePointer, _ connection: OpaquePointer?) -> OpaquePointer? {
    guard let sender = PeerName.sender(of: message, on: connection) else { return message }
    if g_dbus_message_get_message_type(message) == G_DBUS_MESSAGE_TYPE_SIGNAL {
      if sender == SystemBus.busName, let left = Self.connectionThatLeft(message) { forget(left) }
      return message
    }
    guard g_dbus_message_get_message_type(message) == G_DBUS_MESSAGE_TYPE_METHOD_CALL else { return message }
    // A return is the yes, so a call that wants none has no meaning; and it could not be counted.
    let wantsNoReply = g_dbus_message_get_flags(message).rawValue & G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED.rawValue != 0
    switch wantsNoReply ? .drop : admit(sender, at: Int64(g_get_monotonic_time()) / 1_000_000) {
    case .pass:
      if Self.argumentSize(message) <= Self.largestCall { return message }
      Self.refuse(message, .tooLarge, connection)
    case .busy:
      // Counted as an answer by the outgoing filter below, so it has to be counted as a call too.
      state.withLock { $0.count(1, of: sender) }
      Self.refuse(message, .busy, connection)
    case .drop: break
    }
    g_object_unref(UnsafeMutableRawPointer(message))
    return nil
  }

  private static func argumentSize(_ message: OpaquePointer) -> Int {
    g_dbus_message_get_body(message).map { Int(g_variant_get_size($0)) } ?? 0
  }

  private static func refuse(_ message: OpaquePointer, _ refusal: Refusal, _ connection: OpaquePointer?) {
    let reply = g_dbus_message_new_method_error_literal(message, refusal.reason.busName, refusal.sentence)
    g_dbus_connection_send_message(connection, reply, G_DBUS_SEND_MESSAGE_FLAGS_NONE, nil, nil)
    g_object_unref(UnsafeMutableRawPointer(reply))
  }

  private func filterOutgoing(_ message: OpaquePointer, _ connection: OpaquePointer?) -> OpaquePointer? {
    switch g_dbus_message_get_message_type(message) {
    case G_DBUS_MESSAGE_TYPE_METHOD_RETURN, G_DBUS_MESSAGE_TYPE_ERROR:
      let destination =
        connection.flatMap(PeerName.of) ?? g_dbus_message_get_destination(message).map { String(cString: $0) }
      if let destination { leave(destination) }
    default: break
    }
    return message
  }

  /// The connection whose end a NameOwnerChanged signal tells.
  private static func connectionThatLeft(_ message: OpaquePointer) -> String? {
    guard let member = g_dbus_message_get_member(message), String(cString: member) == "NameOwnerChanged",
      let body = g_dbus_message_get_body(message)
    else { return nil }
    let words = Value.children(body).compactMap(\.text)
    return words.count == 3 && words[0].hasPrefix(":") && words[2].isEmpty ? words[0] : nil
  }
}
