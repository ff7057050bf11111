/// A text with gaps where it varies: made from the function that writes the text, so that whoever recognises it
/// follows every change of its words.
public struct TextPattern: Sendable {
  /// What stands before, between and behind the gaps.
  private let parts: [[UInt8]]

  /// - Parameters:
  ///   - sample: the text as it is written for known values.
  ///   - gaps: what those values look like in it, in their order.
  public init(_ sample: String, gaps: String...) {
    var parts: [[UInt8]] = []
    var rest = Array(sample.utf8)[...]
    for gap in gaps {
      guard let found = Self.find(Array(gap.utf8)[...], in: rest) else { preconditionFailure("no gap in: \(sample)") }
      parts.append(Array(rest[..<found.lowerBound]))
      rest = rest[found.upperBound...]
    }
    parts.append(Array(rest))
    self.parts = parts
  }

  /// What a text has in the gaps, none of them empty; nil where it is another text.
  public func gaps(in text: String) -> [String]? {
    var rest = Array(text.utf8)[...]
    guard let first = parts.first, let last = parts.last, rest.starts(with: first) else { return nil }
    guard parts.count > 1 else { return rest.count == first.count ? [] : nil }
    rest = rest.dropFirst(first.count)
    var gaps: [String] = []
    for part in parts.dropFirst().dropLast() {
      // A gap has at least one byte, so the part begins behind it.
      guard let found = Self.find(part[...], in: rest.dropFirst()) else { return nil }
      gaps.append(String(decoding: rest[..<found.lowerBound], as: UTF8.self))
      rest = rest[found.upperBound...]
    }
    guard rest.count > last.count, rest.suffix(last.count).elementsEqual(last) else { return nil }
    gaps.append(String(decoding: rest.dropLast(last.count), as: UTF8.self))
    return gaps
  }

  private static func find(_ part: ArraySlice<UInt8>, in text: ArraySlice<UInt8>) -> Range<Int>? {
    guard part.count <= text.count else { return nil }
    for start in text.startIndex...(text.endIndex - part.count)
    where text[start..<start + part.count].elementsEqual(part) {
      return start..<start + part.count
    }
    return nil
  }
}
