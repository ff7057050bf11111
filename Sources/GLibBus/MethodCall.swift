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

  /// Sends the return or the named error.
  @BusActor
  func answer(_ result: Result<[Value], Refusal>) {
    switch result {
    case .success(let values): g_dbus_method_invocation_return_value(invocation, Value.tuple(values))
    case .failure(let refusal):
      g_dbus_method_invocation_return_dbus_error(invocation, refusal.reason.busName, refusal.sentence)
    }
  }
}

/// Answers the calls of an object.
public typealias MethodHandler = @BusActor (MethodCall) async -> Result<[Value], Refusal>
