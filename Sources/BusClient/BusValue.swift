// Values as they travel on the bus. This file also compiles as Embedded Swift.

/// One value of the types that the contract uses.
public enum BusValue: Sendable, Equatable {
  case boolean(Bool)
  case uint32(UInt32)
  case uint64(UInt64)
  case string(String)
  case objectPath(String)
  case strings([String])
  case dictionary(BusDictionary)
}

/// An `a{sv}`, in the order in which it travels.
public struct BusDictionary: Sendable, Equatable, ExpressibleByDictionaryLiteral {
  public struct Entry: Sendable, Equatable {
    public let key: String
    public let value: BusValue

    public init(key: String, value: BusValue) {
      self.key = key
      self.value = value
    }
  }

  public private(set) var entries: [Entry] = []
  /// Keys whose values are of a type this client does not know. A newer service may send such
  /// keys; under a key that this client does know they are a fault.
  public internal(set) var unreadableKeys: [String] = []

  public init() {}

  public init(dictionaryLiteral elements: (String, BusValue)...) {
    for (key, value) in elements { append(key, value) }
  }

  public var isEmpty: Bool { entries.isEmpty }

  /// Adds an entry at the end; keys are the caller's to keep apart.
  public mutating func append(_ key: String, _ value: BusValue) {
    entries.append(Entry(key: key, value: value))
  }

  public subscript(key: String) -> BusValue? { index(of: key, from: 0).map { entries[$0].value } }

  /// Where `key` stands, looked for from `start` on and then from the beginning.
  func index(of key: String, from start: Int) -> Int? {
    // Their lengths tell most keys apart.
    let length = key.utf8.count
    return entries.withUnsafeBufferPointer { entries in
      var index = start
      for _ in entries.indices {
        if index >= entries.count { index = 0 }
        if entries[index].key.utf8.count == length, entries[index].key == key { return index }
        index += 1
      }
      return nil
    }
  }

  mutating func reserve(_ count: Int) { entries.reserveCapacity(count) }

  public func string(_ key: String) -> String? {
    if case .string(let value) = self[key] { value } else { nil }
  }

  public func strings(_ key: String) -> [String]? {
    if case .strings(let value) = self[key] { value } else { nil }
  }

  public func uint32(_ key: String) -> UInt32? {
    if case .uint32(let value) = self[key] { value } else { nil }
  }

  public func uint64(_ key: String) -> UInt64? {
    if case .uint64(let value) = self[key] { value } else { nil }
  }

  public func boolean(_ key: String) -> Bool? {
    if case .boolean(let value) = self[key] { value } else { nil }
  }
}

/// What the service waits for while a call is under way; advisory.
public struct ProgressReport: Sendable, Equatable {
  /// One of `ProgressState`, or a word that a newer service knows.
  public let state: String
  public let step: UInt32
  public let steps: UInt32
  public let details: BusDictionary

  public init(state: String, step: UInt32, steps: UInt32, details: BusDictionary = [:]) {
    self.state = state
    self.step = step
    self.steps = steps
    self.details = details
  }
}
