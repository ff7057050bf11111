import Foundation
import Testing

/// Holds the form of bench/results.json, which `make bench` writes and others read.
@Suite("The results of the bench")
struct ResultsTests {
  private static let keys: Set = ["name", "unit", "ours", "peer_name", "peer", "ratio", "goal", "holds"]

  private let document: [String: Any]
  private let figures: [[String: Any]]

  init() throws {
    let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let data = try Data(contentsOf: repository.appendingPathComponent("bench/results.json"))
    document = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    figures = try #require(document["figures"] as? [[String: Any]])
  }

  @Test("A document of figures and nothing else, each with the same eight members")
  func form() {
    #expect(Set(document.keys) == ["figures"])
    #expect(figures.count > 40)
    for figure in figures {
      #expect(Set(figure.keys) == Self.keys)
      #expect((figure["name"] as? String)?.isEmpty == false)
      #expect(figure["unit"] is String && figure["ours"] is NSNumber)
      #expect(figure["peer_name"] is String || figure["peer_name"] is NSNull)
      #expect((figure["peer"] is NSNumber) == (figure["peer_name"] is String))
      #expect((figure["goal"] is String) == (figure["holds"] is Bool))
    }
  }

  @Test("No figure is there twice")
  func names() {
    let names = figures.map { "\($0["name"] ?? "") beside \($0["peer_name"] ?? "")" }
    #expect(Set(names).count == names.count)
  }

  @Test("A ratio is ours over theirs, as far as three digits tell")
  func ratios() throws {
    for figure in figures {
      let ours = try #require(figure["ours"] as? Double)
      guard let peer = figure["peer"] as? Double, peer != 0 else {
        #expect(figure["ratio"] is NSNull)
        continue
      }
      let ratio = try #require(figure["ratio"] as? Double)
      #expect(abs(ratio - ours / peer) <= 0.006 * ratio, "\(figure)")
    }
  }

  @Test("Whether a goal holds follows from the figure")
  func goals() throws {
    for figure in figures {
      guard let goal = figure["goal"] as? String else { continue }
      let words = goal.split(separator: " ").map(String.init)
      try #require(words.count == 3 && ["ratio", "ours"].contains(words[0]), "\(goal)")
      let bound = try #require(Double(words[2]))
      let holds =
        switch (figure[words[0]] as? Double, words[1]) {
        case (let value?, "<="): value <= bound
        case (let value?, ">="): value >= bound
        default: false
        }
      #expect(figure["holds"] as? Bool == holds, "\(figure)")
    }
  }
}
