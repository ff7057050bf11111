import CGIO

/// A D-Bus value, as far as the contract and its partners need them.
public indirect enum Value: Sendable {
  case boolean(Bool)
  case uint32(UInt32)
  case uint64(UInt64)
  case string(String)
  case objectPath(String)
  case strings([String])
  /// a{ss}
  case stringMap([(String, String)])
  /// a{sv}, in the order of sending
  case dictionary([(String, Value)])
  case structure([Value])
  /// An array of structures, by the signature of one of them
  case structures([Value], of: String)
  /// Anything else, by its signature.
  case other(String)
}

extension Value {
  /// A floating GVariant of this value.
  func variant() -> OpaquePointer? {
    switch self {
    case .boolean(let value): g_variant_new_boolean(value ? 1 : 0)
    case .uint32(let value): g_variant_new_uint32(value)
    case .uint64(let value): g_variant_new_uint64(guint64(value))
    case .string(let value): g_variant_new_string(value)
    case .objectPath(let value): g_variant_new_object_path(value)
    case .strings(let values): Self.array("s", values.map { g_variant_new_string($0) })
    case .stringMap(let entries):
      Self.array("{ss}", entries.map { g_variant_new_dict_entry(g_variant_new_string($0), g_variant_new_string($1)) })
    case .dictionary(let entries):
      Self.array(
        "{sv}",
        entries.map { g_variant_new_dict_entry(g_variant_new_string($0), g_variant_new_variant($1.variant())) })
    case .structure(let values): Self.tuple(values)
    case .structures(let values, let element): Self.array(element, values.map { $0.variant() })
    case .other: nil
    }
  }

  static func tuple(_ values: [Value]) -> OpaquePointer? {
    let children = values.map { $0.variant() }
    return g_variant_new_tuple(children, gsize(children.count))
  }

  private static func array(_ element: String, _ children: [OpaquePointer?]) -> OpaquePointer? {
    let type = g_variant_type_new(element)
    defer { g_variant_type_free(type) }
    return g_variant_new_array(type, children, gsize(children.count))
  }

  /// Reads `variant`, which stays the caller's.
  init(_ variant: OpaquePointer) {
    let signature = String(cString: g_variant_get_type_string(variant))
    switch signature {
    case "b": self = .boolean(g_variant_get_boolean(variant) != 0)
    case "u": self = .uint32(g_variant_get_uint32(variant))
    case "t": self = .uint64(UInt64(g_variant_get_uint64(variant)))
    case "s": self = .string(String(cString: g_variant_get_string(variant, nil)))
    case "o": self = .objectPath(String(cString: g_variant_get_string(variant, nil)))
    case "as": self = .strings(Self.children(variant).compactMap(\.text))
    case "a{ss}":
      self = .stringMap(
        Self.children(variant).compactMap { entry in
          guard case .structure(let pair) = entry, let key = pair.first?.text, let value = pair.last?.text else {
            return nil
          }
          return (key, value)
        })
    case "a{sv}":
      self = .dictionary(
        Self.children(variant).compactMap { entry in
          guard case .structure(let pair) = entry, let key = pair.first?.text, let value = pair.last else { return nil }
          return (key, value)
        })
    case "v":
      guard let inner = g_variant_get_variant(variant) else {
        self = .other(signature)
        return
      }
      defer { g_variant_unref(inner) }
      self = Value(inner)
    case let array where array.hasPrefix("a("):
      self = .structures(Self.children(variant), of: String(array.dropFirst()))
    default:
      self =
        signature.hasPrefix("(") || signature.hasPrefix("{") ? .structure(Self.children(variant)) : .other(signature)
    }
  }

  static func children(_ variant: OpaquePointer) -> [Value] {
    (0..<g_variant_n_children(variant)).compactMap { index in
      guard let child = g_variant_get_child_value(variant, index) else { return nil }
      defer { g_variant_unref(child) }
      return Value(child)
    }
  }

  /// The text of a string or an object path.
  public var text: String? {
    switch self {
    case .string(let text), .objectPath(let text): text
    default: nil
    }
  }
}
