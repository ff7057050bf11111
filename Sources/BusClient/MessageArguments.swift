// Arguments into a message and out of it. This file also compiles as Embedded Swift.
internal import CDBus

/// The type codes of D-Bus; libdbus's macros are casts, which the importer leaves out.
private enum TypeCode {
  static let array = Int32(UInt8(ascii: "a"))
  static let boolean = Int32(UInt8(ascii: "b"))
  static let dictEntry = Int32(UInt8(ascii: "e"))
  static let objectPath = Int32(UInt8(ascii: "o"))
  static let string = Int32(UInt8(ascii: "s"))
  static let uint64 = Int32(UInt8(ascii: "t"))
  static let uint32 = Int32(UInt8(ascii: "u"))
  static let variant = Int32(UInt8(ascii: "v"))
}

// MARK: - Writing

extension Message {
  /// Appends the arguments. libdbus aborts the process over text that is not UTF-8 or holds NUL, so
  /// text is checked first. After a failure the message is of no use and must not be sent.
  func append(_ arguments: [BusValue]) throws(BusFailure) {
    for argument in arguments where !argument.isSendable { throw .unsendable }
    var iterator = DBusMessageIter()
    dbus_message_iter_init_append(handle, &iterator)
    for argument in arguments where !argument.append(to: &iterator) { throw .noMemory }
  }
}

extension BusValue {
  fileprivate var signature: String {
    switch self {
    case .boolean: "b"
    case .uint32: "u"
    case .uint64: "t"
    case .string: "s"
    case .objectPath: "o"
    case .strings: "as"
    case .dictionary: "a{sv}"
    }
  }

  fileprivate var isSendable: Bool {
    switch self {
    case .boolean, .uint32, .uint64: true
    case .string(let text): text.isSendable
    case .objectPath(let path): path.isSendable && path.withCString { dbus_validate_path($0, nil) } != 0
    case .strings(let texts): texts.allSatisfy { $0.isSendable }
    case .dictionary(let dictionary):
      dictionary.entries.allSatisfy { $0.key.isSendable && $0.value.isSendable }
    }
  }

  /// False when memory ran out.
  fileprivate func append(to iterator: inout DBusMessageIter) -> Bool {
    switch self {
    case .boolean(let value):
      var raw: dbus_bool_t = value ? 1 : 0
      return dbus_message_iter_append_basic(&iterator, TypeCode.boolean, &raw) != 0
    case .uint32(var value):
      return dbus_message_iter_append_basic(&iterator, TypeCode.uint32, &value) != 0
    case .uint64(var value):
      return dbus_message_iter_append_basic(&iterator, TypeCode.uint64, &value) != 0
    case .string(let text):
      return text.append(to: &iterator, as: TypeCode.string)
    case .objectPath(let path):
      return path.append(to: &iterator, as: TypeCode.objectPath)
    case .strings(let texts):
      return withContainer(in: &iterator, TypeCode.array, "s") { inner in
        texts.allSatisfy { $0.append(to: &inner, as: TypeCode.string) }
      }
    case .dictionary(let dictionary):
      return withContainer(in: &iterator, TypeCode.array, "{sv}") { inner in
        dictionary.entries.allSatisfy { $0.append(to: &inner) }
      }
    }
  }
}

extension BusDictionary.Entry {
  fileprivate func append(to iterator: inout DBusMessageIter) -> Bool {
    withContainer(in: &iterator, TypeCode.dictEntry, nil) { entry in
      key.append(to: &entry, as: TypeCode.string)
        && withContainer(in: &entry, TypeCode.variant, value.signature) { value.append(to: &$0) }
    }
  }
}

extension String {
  /// Swift's strings are UTF-8 by construction; libdbus's own word on it costs next to nothing.
  fileprivate var isSendable: Bool {
    !utf8.contains(0) && withCString { dbus_validate_utf8($0, nil) } != 0
  }

  fileprivate func append(to iterator: inout DBusMessageIter, as type: Int32) -> Bool {
    withCString { text in
      var text: UnsafePointer<CChar>? = text
      return dbus_message_iter_append_basic(&iterator, type, &text) != 0
    }
  }
}

/// Fills a container; one that cannot be filled is abandoned, as libdbus requires.
private func withContainer(
  in iterator: inout DBusMessageIter, _ type: Int32, _ signature: String?,
  fill: (inout DBusMessageIter) -> Bool
) -> Bool {
  var inner = DBusMessageIter()
  guard dbus_message_iter_open_container(&iterator, type, signature, &inner) != 0 else { return false }
  guard fill(&inner) else {
    dbus_message_iter_abandon_container(&iterator, &inner)
    return false
  }
  return dbus_message_iter_close_container(&iterator, &inner) != 0
}

// MARK: - Reading

extension Message {
  /// All arguments; a type that the contract does not use makes the message malformed.
  func readArguments() throws(BusFailure) -> [BusValue] {
    var arguments: [BusValue] = []
    var iterator = DBusMessageIter()
    guard dbus_message_iter_init(handle, &iterator) != 0 else { return arguments }
    repeat {
      guard let value = readValue(&iterator) else { throw .malformed }
      arguments.append(value)
    } while dbus_message_iter_next(&iterator) != 0
    return arguments
  }
}

/// The value under the iterator; nil for a type that the contract does not use.
private func readValue(_ iterator: inout DBusMessageIter) -> BusValue? {
  switch dbus_message_iter_get_arg_type(&iterator) {
  case TypeCode.boolean:
    var value: dbus_bool_t = 0
    dbus_message_iter_get_basic(&iterator, &value)
    return .boolean(value != 0)
  case TypeCode.uint32:
    var value: UInt32 = 0
    dbus_message_iter_get_basic(&iterator, &value)
    return .uint32(value)
  case TypeCode.uint64:
    var value: UInt64 = 0
    dbus_message_iter_get_basic(&iterator, &value)
    return .uint64(value)
  case TypeCode.string:
    return .string(readText(&iterator))
  case TypeCode.objectPath:
    return .objectPath(readText(&iterator))
  case TypeCode.variant:
    var inner = DBusMessageIter()
    dbus_message_iter_recurse(&iterator, &inner)
    return readValue(&inner)
  case TypeCode.array:
    return readArray(&iterator)
  default:
    return nil
  }
}

private func readText(_ iterator: inout DBusMessageIter) -> String {
  var text: UnsafePointer<CChar>?
  dbus_message_iter_get_basic(&iterator, &text)
  return String(orEmpty: text)
}

private func readArray(_ iterator: inout DBusMessageIter) -> BusValue? {
  let element = dbus_message_iter_get_element_type(&iterator)
  var inner = DBusMessageIter()
  dbus_message_iter_recurse(&iterator, &inner)
  switch element {
  case TypeCode.string:
    var texts: [String] = []
    while dbus_message_iter_get_arg_type(&inner) == TypeCode.string {
      texts.append(readText(&inner))
      _ = dbus_message_iter_next(&inner)
    }
    return .strings(texts)
  case TypeCode.dictEntry:
    var dictionary = BusDictionary()
    while dbus_message_iter_get_arg_type(&inner) == TypeCode.dictEntry {
      var entry = DBusMessageIter()
      dbus_message_iter_recurse(&inner, &entry)
      guard dbus_message_iter_get_arg_type(&entry) == TypeCode.string else { return nil }
      let key = readText(&entry)
      guard dbus_message_iter_next(&entry) != 0,
        dbus_message_iter_get_arg_type(&entry) == TypeCode.variant
      else { return nil }
      if let value = readValue(&entry) {
        dictionary.append(key, value)
      } else {
        dictionary.unreadableKeys.append(key)
      }
      _ = dbus_message_iter_next(&inner)
    }
    return .dictionary(dictionary)
  default:
    return nil
  }
}
