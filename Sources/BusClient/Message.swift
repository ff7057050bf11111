// One message and who frees it. This file also compiles as Embedded Swift.
internal import CDBus

#if canImport(OfflineAccess)
  import BusInterface
#endif

/// The bus itself, as sender and as receiver.
enum BusDriver {
  static let name = "org.freedesktop.DBus"
  static let path = "/org/freedesktop/DBus"
}

/// Owns a libdbus message: it is freed exactly once, whichever way a call ends.
struct Message: ~Copyable {
  let handle: OpaquePointer

  init(owning handle: OpaquePointer) {
    self.handle = handle
  }

  deinit {
    dbus_message_unref(handle)
  }

  /// A method call. Names and path have to be valid: libdbus ends the process over others.
  init(
    destination: String, path: String, interface: String, member: String
  ) throws(BusFailure) {
    guard !path.utf8.contains(0), path.withCString({ dbus_validate_path($0, nil) }) != 0 else {
      throw .unsendable
    }
    guard let handle = dbus_message_new_method_call(destination, path, interface, member) else {
      throw .noMemory
    }
    self.init(owning: handle)
  }

  var sender: String { String(orEmpty: dbus_message_get_sender(handle)) }

  func isReply(to serial: UInt32) -> Bool {
    let type = dbus_message_get_type(handle)
    return (type == MessageType.methodReturn || type == MessageType.error)
      && dbus_message_get_reply_serial(handle) == serial
  }

  func isSignal(_ member: String, of interface: String) -> Bool {
    dbus_message_is_signal(handle, interface, member) != 0
  }

  func hasSignature(_ signature: String) -> Bool {
    dbus_message_has_signature(handle, signature) != 0
  }

  /// What an error reply says; nil for any other message.
  func failure() -> BusFailure? {
    guard dbus_message_get_type(handle) == MessageType.error else { return nil }
    var sentence = ""
    if let arguments = try? readArguments(), case .string(let first) = arguments.first { sentence = first }
    return BusFailure(
      errorName: String(orEmpty: dbus_message_get_error_name(handle)),
      sentence: sentence, fromBus: sender == BusDriver.name)
  }

  /// The Progress signal of either interface; nil for any other message.
  func progressReport() -> ProgressReport? {
    guard
      isSignal(progressSignal, of: BusName.interface)
        || isSignal(progressSignal, of: BusName.activationInterface),
      hasSignature("suua{sv}"), let arguments = try? readArguments(), arguments.count == 4,
      case .string(let state) = arguments[0], case .uint32(let step) = arguments[1],
      case .uint32(let steps) = arguments[2], case .dictionary(let details) = arguments[3]
    else { return nil }
    return ProgressReport(state: state, step: step, steps: steps, details: details)
  }
}

/// libdbus's message types; its macros are beyond the importer.
private enum MessageType {
  static let methodReturn: Int32 = 2
  static let error: Int32 = 3
}

extension String {
  /// libdbus hands out only checked UTF-8, so nothing is repaired here.
  init(orEmpty pointer: UnsafePointer<CChar>?) {
    if let pointer { self.init(cString: pointer) } else { self = "" }
  }
}
