import Conversation
import QRCodes

/// A QR code as lines of text.
enum QRDrawing {
  /// Colours that no theme of the terminal can turn round.
  enum Palette: Equatable {
    /// Black and white of the fixed part of the 256 colours, which themes leave alone.
    case fixed
    /// Black and white of the first eight colours, for the kernel's console.
    case basic

    /// The sequence for black characters on white.
    var blackOnWhite: String {
      switch self {
      case .fixed: "\u{1B}[38;5;16;48;5;231m"
      case .basic: "\u{1B}[0;30;47m"
      }
    }
    /// The sequence for white characters on black.
    var whiteOnBlack: String {
      switch self {
      case .fixed: "\u{1B}[38;5;231;48;5;16m"
      case .basic: "\u{1B}[0;37;40m"
      }
    }
    static var reset: String { "\u{1B}[0m" }
  }

  enum Style: Equatable {
    /// Two modules in a character, black on white by colour.
    case halfBlocks(Palette)
    /// Two modules in a character, the light ones painted, with the whole quiet zone: for a file or a pipe.
    case plainHalfBlocks
    /// Two spaces a module, by colour alone: for terminals without UTF-8.
    case spaces(Palette)

    /// Columns and rows that a code takes.
    func extent(size: Int, quietZone: Int) -> (columns: Int, rows: Int) {
      let side = size + 2 * quietZone
      switch self {
      case .halfBlocks, .plainHalfBlocks: return (side, (side + 1) / 2)
      case .spaces: return (2 * side, side)
      }
    }
  }

  static func lines(of code: borrowing QRCode, style: Style, quietZone: Int) -> [String] {
    let first = -quietZone
    let end = code.size + quietZone
    var lines: [String] = []
    switch style {
    case .halfBlocks(let palette):
      for row in stride(from: first, to: end, by: 2) {
        var line = palette.blackOnWhite
        for column in first..<end {
          let upper = code.isDark(row: row, column: column)
          let lower = code.isDark(row: row + 1, column: column)
          line += upper ? (lower ? "█" : "▀") : (lower ? "▄" : " ")
        }
        lines.append(line + Palette.reset)
      }
    case .plainHalfBlocks:
      var modules: [Bool] = []
      for row in 0..<code.size {
        for column in 0..<code.size { modules.append(code.isDark(row: row, column: column)) }
      }
      lines = QRText.rows(modules: modules, width: code.size)
    case .spaces(let palette):
      for row in first..<end {
        var line = ""
        var wasDark: Bool?
        for column in first..<end {
          let dark = code.isDark(row: row, column: column)
          if dark != wasDark { line += dark ? palette.whiteOnBlack : palette.blackOnWhite }
          wasDark = dark
          line += "  "
        }
        lines.append(line + Palette.reset)
      }
    }
    return lines
  }
}
