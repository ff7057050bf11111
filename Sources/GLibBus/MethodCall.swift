import BusInterface
import CGIO
import OfflineAccess

/// A method call on one of our objects.
public struct MethodCall: Sendable {
  /// The unique name of the caller's connection, or our own name for one that came by the root socket.
  public let sender: String
  public let path: String
  public let member: String
  public let arguments: [Value]
  /// Whether the caller waits for polkit to ask a person.
  public let interactive: Bool
  // Answered exactly once, by `answer`, on the bus actor.
  nonisolated(unsafe) private let invocation: OpaquePointer

  init(sender: String, path: String, member: String, parameters: OpaquePointer?, invocation: OpaquePointer) {
    self.sender = sender
    self.path = path
    self.member = member
    arguments = parameters.map(Value.children) ?? []
    let flags = g_dbus_message_get_flags(g_dbus_method_invocation_get_message(invocation))
    interactive = flags.rawValue & G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION.rawValue != 0
    self.invocation = invocation
  }

  /// Whether the caller left a connection that was theirs alone.
  public var hasLostCaller: Bool {
    g_dbus_connection_is_closed(g_dbus_method_invocation_get_connection(invocation)) != 0
  }

  /// Sends a signal of this call's object to the caller alone, before anything that is sent later; from any thread,
  /// until the call is answered.
  public func signal(_ name: String, of interface: String, _ arguments: [Value]) {
    let connection = g_dbus_method_invocation_get_connection(invocation)
    // None where the caller is the other end.
    let caller = g_dbus_method_invocation_get_sender(invocation)
    g_dbus_connection_emit_signal(connection, caller, path, interface, name, Value.tuple(arguments), nil)
  }

  /// Sends the return or the named error.
  @BusActor
  func answer(_ result: Result<[Value], ForeignRefusal>) {
    switch result {
    case .success(let values): g_dbus_method_invocation_return_value(invocation, Value.tuple(values))
    case .failure(let refusal):
      g_dbus_method_invocation_return_dbus_error(invocation, refusal.name, refusal.sentence)
    }
  }
}

/// Answers the calls of an object.
public typealias MethodHandler = @BusActor (MethodCall) async -> Result<[Value], Refusal>

/// A refusal under an error name of another contract than ours.
public struct ForeignRefusal: Error, Sendable {
  public let name: String
  public let sentence: String

  public init(name: String, sentence: String) {
    self.name = name
    self.sentence = sentence
  }
}

/// Answers the calls of an object whose interface is not ours.
public typealias ForeignMethodHandler = @BusActor (MethodCall) async -> Result<[Value], ForeignRefusal>
