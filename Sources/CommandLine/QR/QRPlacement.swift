import QRCodes

/// How a QR code is shown on a screen, or why it is not.
enum QRPlacement: Equatable {
  case drawn(QRDrawing.Style, quietZone: Int)
  /// The terminal says that it can do nothing but text.
  case textOnly
  case tooSmall(columnsNeeded: Int, rowsNeeded: Int)

  /// Finds the best way to show a code of `size` modules.
  ///
  /// A short screen gets half of the quiet zone, which readers accept and which saves two rows: with
  /// it, a usual code and the line of the prompt fit into 24 rows.
  static func find(size: Int, on screen: Screen) -> QRPlacement {
    guard screen.isTerminal else { return .drawn(.plainHalfBlocks, quietZone: QRCode.quietZone) }
    guard !screen.isDumb else { return .textOnly }
    let style: QRDrawing.Style = screen.isUTF8 ? .halfBlocks(screen.palette) : .spaces(screen.palette)
    for quietZone in [QRCode.quietZone, QRCode.quietZone / 2] {
      let (columns, rows) = style.extent(size: size, quietZone: quietZone)
      if columns <= screen.columns, rows + 1 <= screen.rows { return .drawn(style, quietZone: quietZone) }
    }
    let (columns, rows) = style.extent(size: size, quietZone: QRCode.quietZone / 2)
    return .tooSmall(columnsNeeded: columns, rowsNeeded: rows + 1)
  }
}
