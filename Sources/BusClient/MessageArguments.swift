// Arguments into a message and out of it. This file also compiles as Embedded Swift.

// MARK: - Writing

extension BusValue {
  var signature: String {
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

  var isSendable: Bool {
    switch self {
    case .boolean, .uint32, .uint64: true
    case .string(let text): text.isSendable
    case .objectPath(let path): isObjectPath(path)
    case .strings(let texts): texts.allSatisfy { $0.isSendable }
    case .dictionary(let dictionary):
      dictionary.entries.allSatisfy { $0.key.isSendable && $0.value.isSendable }
    }
  }

  func append(to writer: inout WireWriter) {
    switch self {
    case .boolean(let value): writer.append(UInt32(value ? 1 : 0))
    case .uint32(let value): writer.append(value)
    case .uint64(let value): writer.append(value)
    case .string(let text), .objectPath(let text): writer.append(text)
    case .strings(let texts):
      writer.appendArray(alignedTo: 4) { array in
        for text in texts { array.append(text) }
      }
    case .dictionary(let dictionary):
      writer.appendArray(alignedTo: 8) { array in
        for entry in dictionary.entries {
          array.align(8)
          array.append(entry.key)
          array.append(signature: entry.value.signature)
          entry.value.append(to: &array)
        }
      }
    }
  }
}

extension String {
  /// Swift's strings are UTF-8 by construction, and D-Bus takes all of that but NUL.
  fileprivate var isSendable: Bool {
    var text = self
    return text.withUTF8 { !$0.contains(0) }
  }
}

// MARK: - Reading

/// What was found where a value has to be; nil where it is none.
enum WireValue {
  case value(BusValue)
  /// A value of a type that the contract does not use, passed over.
  case unknown
}

extension WireReader {
  /// Variants and structs in each other, at most.
  private static let deepest = 32

  /// Reads the value of the first whole type in `signature`, which then begins behind that type.
  mutating func value(of signature: inout WireType, depth: Int = 0) -> WireValue? {
    guard depth < Self.deepest, !signature.isOver else { return nil }
    let read: BusValue?
    var length = 1
    switch first(of: signature) {
    case TypeCode.boolean: read = boolean().map { .boolean($0) }
    case TypeCode.uint32: read = uint32().map { .uint32($0) }
    case TypeCode.uint64: read = uint64().map { .uint64($0) }
    case TypeCode.string: read = string().map { .string($0) }
    case TypeCode.objectPath: read = objectPath().map { .objectPath($0) }
    case TypeCode.variant:
      signature.drop(1)
      return variant(depth: depth)
    case TypeCode.array where begins(signature, with: "as"):
      length = 2
      read = strings().map { .strings($0) }
    case TypeCode.array where begins(signature, with: "a{sv}"):
      length = 5
      read = dictionary(depth: depth + 1).map { .dictionary($0) }
    default: return skipValue(of: &signature, depth: depth) ? .unknown : nil
    }
    signature.drop(length)
    return read.map { .value($0) }
  }

  private mutating func variant(depth: Int) -> WireValue? {
    guard var type = signature(), let value = value(of: &type, depth: depth + 1), type.isOver else { return nil }
    return value
  }

  private mutating func strings() -> [String]? {
    var texts: [String] = []
    let isWhole = array(of: TypeCode.string) { reader in
      guard let text = reader.string() else { return false }
      texts.append(text)
      return true
    }
    return isWhole ? texts : nil
  }

  private mutating func dictionary(depth: Int) -> BusDictionary? {
    var dictionary = BusDictionary()
    // Room for any answer of the service's: what grows leaves copies behind.
    dictionary.reserve(20)
    let isWhole = array(of: TypeCode.dictEntry) { reader in
      guard reader.align(8), let key = reader.string(), let value = reader.variant(depth: depth) else { return false }
      switch value {
      case .value(let value): dictionary.append(key, value)
      case .unknown: dictionary.unreadableKeys.append(key)
      }
      return true
    }
    return isWhole ? dictionary : nil
  }

  /// Passes over a value of one whole type.
  mutating func skipValue(of signature: WireType) -> Bool {
    var rest = signature
    return skipValue(of: &rest, depth: 0) && rest.isOver
  }

  private mutating func skipValue(of signature: inout WireType, depth: Int) -> Bool {
    guard depth < Self.deepest, !signature.isOver else { return false }
    let code = first(of: signature)
    signature.drop(1)
    switch code {
    case UInt8(ascii: "y"): return skip(1)
    case UInt8(ascii: "n"), UInt8(ascii: "q"): return align(2) && skip(2)
    case TypeCode.boolean, TypeCode.uint32, UInt8(ascii: "i"), UInt8(ascii: "h"): return align(4) && skip(4)
    case TypeCode.uint64, UInt8(ascii: "x"), UInt8(ascii: "d"): return align(8) && skip(8)
    case TypeCode.string, TypeCode.objectPath: return string() != nil
    case TypeCode.signature: return self.signature() != nil
    case TypeCode.variant:
      guard var type = self.signature() else { return false }
      return skipValue(of: &type, depth: depth + 1) && type.isOver
    case TypeCode.array:
      // Its length tells where it ends, whatever is in it.
      let element = first(of: signature)
      guard skipType(in: &signature, depth: depth), let length = uint32() else { return false }
      return align(TypeCode.alignment(element)) && skip(Int(length))
    case TypeCode.structure:
      guard align(8) else { return false }
      while !signature.isOver, first(of: signature) != UInt8(ascii: ")") {
        guard skipValue(of: &signature, depth: depth + 1) else { return false }
      }
      return pass(UInt8(ascii: ")"), in: &signature)
    default: return false
    }
  }

  /// Moves behind one whole type.
  private func skipType(in signature: inout WireType, depth: Int) -> Bool {
    guard depth < Self.deepest, !signature.isOver else { return false }
    let code = first(of: signature)
    signature.drop(1)
    guard code != TypeCode.array else { return skipType(in: &signature, depth: depth + 1) }
    guard code == TypeCode.structure || code == TypeCode.dictEntry else { return true }
    let closing = code == TypeCode.structure ? UInt8(ascii: ")") : UInt8(ascii: "}")
    while !signature.isOver, first(of: signature) != closing {
      guard skipType(in: &signature, depth: depth + 1) else { return false }
    }
    return pass(closing, in: &signature)
  }

  private func pass(_ code: UInt8, in signature: inout WireType) -> Bool {
    guard first(of: signature) == code else { return false }
    signature.drop(1)
    return true
  }
}
