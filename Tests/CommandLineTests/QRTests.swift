import CPNG
import Conversation
import Glibc
import OfflineAccess
import QRCodes
import Testing

@testable import offline_access

private let uri =
  "otpauth://totp/Offline%20Access:alice@laptop?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Offline%20Access"

@Suite("QR codes")
struct QRTests {
  @Test("A code has its three finder patterns and a light surround")
  func finderPatterns() throws {
    guard let code = QRCode(uri) else {
      Issue.record("no code")
      return
    }
    for (top, left) in [(0, 0), (0, code.size - 7), (code.size - 7, 0)] {
      for row in -1...7 {
        for column in -1...7 {
          let ring = max(abs(row - 3), abs(column - 3))
          let dark = code.isDark(row: top + row, column: left + column)
          #expect(dark == (ring == 3 || ring <= 1))
        }
      }
    }
    let outside = [code.isDark(row: -1, column: -1), code.isDark(row: code.size, column: 0)]
    #expect(outside == [false, false])
  }

  @Test("Nothing can be made of an empty or an endless text")
  func impossible() {
    let isEmpty = QRCode("") == nil
    let isTooLong = QRCode(String(repeating: "x", count: 4000)) == nil
    #expect(isEmpty && isTooLong)
  }

  @Test("Drawings agree with the code, module by module")
  func drawings() throws {
    guard let code = QRCode(uri) else {
      Issue.record("no code")
      return
    }
    for quietZone in [2, 4] {
      let lines = QRDrawing.lines(of: code, style: .halfBlocks(.fixed), quietZone: quietZone).map(Self.withoutColours)
      #expect(lines.count == (code.size + 2 * quietZone + 1) / 2)
      for (index, line) in lines.enumerated() {
        let characters = Array(line)
        #expect(characters.count == code.size + 2 * quietZone)
        for (column, character) in characters.enumerated() {
          let row = 2 * index - quietZone
          let upper = code.isDark(row: row, column: column - quietZone)
          let lower = code.isDark(row: row + 1, column: column - quietZone)
          #expect(character == (upper ? (lower ? "█" : "▀") : (lower ? "▄" : " ")))
        }
      }
    }
  }

  @Test("Every coloured line sets both colours first and takes them back last")
  func colours() {
    guard let code = QRCode(uri) else { return }
    for palette in [QRDrawing.Palette.fixed, .basic] {
      for style in [QRDrawing.Style.halfBlocks(palette), .spaces(palette)] {
        for line in QRDrawing.lines(of: code, style: style, quietZone: 4) {
          #expect(line.hasPrefix(palette.blackOnWhite))
          #expect(line.hasSuffix("\u{1B}[0m"))
        }
      }
    }
  }

  @Test("Where the output is no terminal there are no colours")
  func plain() {
    guard let code = QRCode(uri) else { return }
    let lines = QRDrawing.lines(of: code, style: .plainHalfBlocks, quietZone: 4)
    #expect(!lines.contains { $0.contains("\u{1B}") })
    #expect(lines.first?.allSatisfy { $0 == "█" } == true)
  }

  @Test("The extent that is promised is the extent that is drawn")
  func extents() {
    guard let code = QRCode(uri) else { return }
    for style in [QRDrawing.Style.halfBlocks(.fixed), .spaces(.basic)] {
      let lines = QRDrawing.lines(of: code, style: style, quietZone: 4).map(Self.withoutColours)
      let (columns, rows) = style.extent(size: code.size, quietZone: 4)
      #expect(lines.count == rows)
      #expect(lines.allSatisfy { $0.count == columns })
    }
  }

  @Test("The image has whole modules of eight pixels, black on white, with the quiet zone")
  func image() throws {
    guard let code = QRCode(uri), let png = QRImage.png(of: code) else {
      Issue.record("no image")
      return
    }
    let side = (code.size + 8) * 8
    var image = png_image()
    image.version = png_uint_32(PNG_IMAGE_VERSION)
    var pixels = [UInt8](repeating: 0x7F, count: side * side)
    png.withBytes { bytes in
      #expect(png_image_begin_read_from_memory(&image, bytes.baseAddress, bytes.count) != 0)
      #expect(image.width == UInt32(side))
      #expect(image.height == UInt32(side))
      image.format = png_uint_32(PNG_FORMAT_GRAY)
      if image.width == UInt32(side) { #expect(png_image_finish_read(&image, nil, &pixels, 0, nil) != 0) }
    }
    var wrong = 0
    for y in 0..<side {
      for x in 0..<side where (pixels[y * side + x] == 0) != code.isDark(row: y / 8 - 4, column: x / 8 - 4) {
        wrong += 1
      }
    }
    #expect(wrong == 0)
    #expect(pixels.allSatisfy { $0 == 0 || $0 == 0xFF })
  }

  private static func withoutColours(_ line: String) -> String {
    var text = ""
    var isEscape = false
    for character in line {
      if character == "\u{1B}" { isEscape = true }
      if !isEscape { text.append(character) }
      if isEscape, character == "m" { isEscape = false }
    }
    return text
  }
}

@Suite("Where a QR code is drawn")
struct QRPlacementTests {
  private static func terminal(_ columns: Int, _ rows: Int, name: String = "xterm-256color", isUTF8: Bool = true)
    -> Screen
  {
    Screen(isTerminal: true, columns: columns, rows: rows, name: name, isUTF8: isUTF8)
  }

  @Test("A roomy terminal gets the whole quiet zone")
  func roomy() {
    #expect(QRPlacement.find(size: 41, on: Self.terminal(120, 40)) == .drawn(.halfBlocks(.fixed), quietZone: 4))
  }

  @Test("A terminal of 24 rows gets half of the quiet zone, so that code and prompt stay in sight")
  func classic() {
    #expect(QRPlacement.find(size: 41, on: Self.terminal(80, 24)) == .drawn(.halfBlocks(.fixed), quietZone: 2))
    #expect(QRPlacement.find(size: 37, on: Self.terminal(80, 24)) == .drawn(.halfBlocks(.fixed), quietZone: 4))
  }

  @Test("A code that would be cut off is not drawn")
  func tooSmall() {
    #expect(
      QRPlacement.find(size: 41, on: Self.terminal(44, 60)) == .tooSmall(columnsNeeded: 45, rowsNeeded: 24))
    #expect(
      QRPlacement.find(size: 41, on: Self.terminal(80, 23)) == .tooSmall(columnsNeeded: 45, rowsNeeded: 24))
  }

  @Test("A dumb terminal gets text only", arguments: ["dumb", ""])
  func dumb(_ name: String) {
    #expect(QRPlacement.find(size: 41, on: Self.terminal(120, 60, name: name)) == .textOnly)
  }

  @Test("The kernel's console gets the first eight colours")
  func console() {
    #expect(
      QRPlacement.find(size: 41, on: Self.terminal(120, 60, name: "linux")) == .drawn(.halfBlocks(.basic), quietZone: 4)
    )
  }

  @Test("A terminal without UTF-8 gets spaces, where they fit")
  func legacy() {
    #expect(
      QRPlacement.find(size: 41, on: Self.terminal(120, 60, isUTF8: false)) == .drawn(.spaces(.fixed), quietZone: 4))
    #expect(
      QRPlacement.find(size: 41, on: Self.terminal(80, 60, isUTF8: false))
        == .tooSmall(columnsNeeded: 90, rowsNeeded: 46))
  }

  @Test("A file or a pipe gets plain blocks, whatever its size")
  func file() {
    #expect(QRPlacement.find(size: 99, on: Screen(isTerminal: false)) == .drawn(.plainHalfBlocks, quietZone: 4))
  }
}
