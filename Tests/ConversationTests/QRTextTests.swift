import Testing

@testable import Conversation

@Suite("QR codes as text")
struct QRTextTests {
  /// The modules that lines of text show, true where dark.
  func modules(_ rows: [String]) -> [[Bool]] {
    rows.flatMap { row in
      let pairs = row.map { character -> (Bool, Bool) in
        switch character {
        case "█": (false, false)
        case "▀": (false, true)
        case "▄": (true, false)
        default: (true, true)
        }
      }
      return [pairs.map(\.0), pairs.map(\.1)]
    }
  }

  @Test("every module is drawn in its place, in a quiet zone of four light ones", arguments: [1, 2, 21, 25, 40])
  func shape(width: Int) {
    let code = (0..<width * width).map { ($0 * 7 + $0 / 3) % 5 < 2 }
    let rows = QRText.rows(modules: code, width: width)
    #expect(rows.count == (width + 9) / 2)
    #expect(rows.allSatisfy { $0.count == width + 8 })
    let drawn = modules(rows)
    for row in 0..<width + 8 {
      for column in 0..<width + 8 {
        let inside = (4..<width + 4).contains(row) && (4..<width + 4).contains(column)
        #expect(drawn[row][column] == (inside && code[(row - 4) * width + column - 4]))
      }
    }
  }

  @Test("only half blocks, full blocks and spaces are used")
  func characters() {
    let rows = QRText.rows(modules: (0..<441).map { $0 % 3 == 0 }, width: 21)
    #expect(rows.allSatisfy { $0.allSatisfy { "█▀▄ ".contains($0) } })
  }

  @Test("modules that are no square draw nothing")
  func noSquare() {
    #expect(QRText.rows(modules: [true], width: 2).isEmpty)
    #expect(QRText.rows(modules: [], width: 0).isEmpty)
  }

  @Test("the computer's own library gives a code that fits a terminal")
  func library() {
    let uri = "otpauth://totp/Example%20Laptop:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example%20Laptop"
    guard let rows = QRText.rows(encoding: uri) else { return }  // no libqrencode here
    #expect(rows.count <= 24)
    // The finder pattern's outer ring, dark for seven modules.
    #expect(modules(rows)[4][4..<12].elementsEqual([true, true, true, true, true, true, true, false]))
  }
}
