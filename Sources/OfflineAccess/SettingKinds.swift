// The kinds of setting.
extension Setting {
  static func integer(
    _ section: String, _ key: String, _ range: ClosedRange<Int>, _ path: WritableKeyPath<Policy, Int> & Sendable,
    _ summary: String
  ) -> Setting {
    Setting(
      section: section, key: key, values: "\(range.lowerBound) to \(range.upperBound)", summary: summary,
      parse: { (text, policy) throws(BadValue) in
        policy[keyPath: path] = try number(text, in: range)
      }, render: { String($0[keyPath: path]) })
  }

  /// An integer, or nothing.
  static func optionalInteger(
    _ section: String, _ key: String, _ range: ClosedRange<Int>, _ path: WritableKeyPath<Policy, Int?> & Sendable,
    _ summary: String
  ) -> Setting {
    Setting(
      section: section, key: key, values: "\(range.lowerBound) to \(range.upperBound), or empty", summary: summary,
      parse: { (text, policy) throws(BadValue) in
        if text.isEmpty { return policy[keyPath: path] = nil }
        policy[keyPath: path] = try number(text, in: range)
      }, render: { $0[keyPath: path].map(String.init) ?? "" })
  }

  private static func number(_ text: String, in range: ClosedRange<Int>) throws(BadValue) -> Int {
    // Digits only: Int also takes a plus sign, which no one writes on purpose.
    guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      let value = Int(text), range.contains(value)
    else { throw BadValue(reason: "expected a whole number from \(range.lowerBound) to \(range.upperBound)") }
    return value
  }

  /// The absolute path of a file, or nothing.
  static func path(
    _ section: String, _ key: String, _ path: WritableKeyPath<Policy, String> & Sendable, _ summary: String
  ) -> Setting {
    Setting(
      section: section, key: key, values: "absolute path, or empty", summary: summary,
      parse: { (text, policy) throws(BadValue) in
        guard text.isEmpty || (text.hasPrefix("/") && isPlain(text)) else {
          throw BadValue(reason: "expected an absolute path")
        }
        policy[keyPath: path] = text
      }, render: { $0[keyPath: path] })
  }

  /// A text that `check` has nothing against; empty where it is not given.
  static func text(
    _ section: String, _ key: String, _ path: WritableKeyPath<Policy, String> & Sendable, values: String,
    _ summary: String, check: @escaping @Sendable (String) -> String?
  ) -> Setting {
    Setting(
      section: section, key: key, values: values, summary: summary,
      parse: { (text, policy) throws(BadValue) in
        guard isPlain(text) else { throw BadValue(reason: "without control characters") }
        if !text.isEmpty, let reason = check(text) { throw BadValue(reason: reason) }
        policy[keyPath: path] = text
      }, render: { $0[keyPath: path] })
  }

  /// A list of texts that `check` has nothing against.
  static func texts(
    _ section: String, _ key: String, _ path: WritableKeyPath<Policy, [String]> & Sendable, values: String,
    _ summary: String, check: @escaping @Sendable (String) -> String?
  ) -> Setting {
    Setting(
      section: section, key: key, values: values, summary: summary,
      parse: { (text, policy) throws(BadValue) in
        let items = fields(text)
        for item in items { if let reason = check(item) { throw BadValue(reason: "“\(item)”: \(reason)") } }
        policy[keyPath: path] = items
      }, render: { $0[keyPath: path].joined(separator: ";") })
  }

  private static func isPlain(_ text: String) -> Bool {
    !text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7f }
  }

  static func choice<T: CaseIterable & RawRepresentable<String> & Sendable>(
    _ section: String, _ key: String, _ path: WritableKeyPath<Policy, T> & Sendable, _ summary: String
  ) -> Setting {
    let words = T.allCases.map(\.rawValue)
    return Setting(
      section: section, key: key, values: words.joined(separator: "|"), summary: summary,
      parse: { (text, policy) throws(BadValue) in
        guard let value = T(rawValue: text) else { throw BadValue(reason: "expected \(words.joined(separator: ", "))") }
        policy[keyPath: path] = value
      }, render: { $0[keyPath: path].rawValue })
  }

  static func list<T: CaseIterable & RawRepresentable<String> & Sendable>(
    _ section: String, _ key: String, _ path: WritableKeyPath<Policy, [T]> & Sendable, _ summary: String,
    check: @escaping @Sendable ([T]) -> String?
  ) -> Setting {
    Setting(
      section: section, key: key, values: listValues(T.self), summary: summary,
      parse: { (text, policy) throws(BadValue) in
        let value = try items(text, of: T.self)
        if let reason = check(value) { throw BadValue(reason: reason) }
        policy[keyPath: path] = value
      }, render: { $0[keyPath: path].map(\.rawValue).joined(separator: ";") })
  }

  static func names(
    _ section: String, _ key: String, _ path: WritableKeyPath<Policy, [String]> & Sendable, _ summary: String
  ) -> Setting {
    Setting(
      section: section, key: key, values: "list of USER", summary: summary,
      parse: { (text, policy) throws(BadValue) in policy[keyPath: path] = try names(in: text) },
      render: { $0[keyPath: path].joined(separator: ";") })
  }

  static func patterns(
    _ section: String, _ key: String, _ path: WritableKeyPath<Policy, [KeyPattern]> & Sendable, _ summary: String
  ) -> Setting {
    Setting(
      section: section, key: key, values: "list of VVVV:PPPP, VVVV:* and AAGUID", summary: summary,
      parse: { (text, policy) throws(BadValue) in
        policy[keyPath: path] = try fields(text).map { (field) throws(BadValue) in
          guard let pattern = KeyPattern(field) else {
            throw BadValue(reason: "“\(field)” is neither a USB id (1050:0407, 1050:*) nor an AAGUID")
          }
          return pattern
        }
      }, render: { $0[keyPath: path].map(\.text).joined(separator: ";") })
  }

  static func listValues<T: CaseIterable & RawRepresentable<String>>(_: T.Type) -> String {
    "list of " + T.allCases.map(\.rawValue).joined(separator: ", ")
  }

  /// Items between semicolons; one at the end is allowed, as GLib writes it.
  static func fields(_ text: String) -> [String] {
    var fields = text.split(separator: ";", omittingEmptySubsequences: false).map { field in
      String(field.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
    if fields.last == "" { fields.removeLast() }
    return fields
  }

  static func items<T: CaseIterable & RawRepresentable<String>>(_ text: String, of: T.Type) throws(BadValue)
    -> [T]
  {
    var items: [T] = []
    for field in fields(text) {
      guard let item = T(rawValue: field) else {
        throw BadValue(reason: "“\(field)” is none of \(T.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      // A word twice means what it means once.
      if !items.contains(where: { $0.rawValue == field }) { items.append(item) }
    }
    return items
  }

  static func names(in text: String) throws(BadValue) -> [String] {
    let names = fields(text)
    for name in names
    where name.isEmpty || name.unicodeScalars.contains(where: { $0.value <= 0x20 || $0 == ":" || $0.value == 0x7f }) {
      throw BadValue(reason: "“\(name)” is no name")
    }
    return names
  }
}
