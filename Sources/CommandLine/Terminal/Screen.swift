import Glibc

/// What is known of the place where standard output goes.
struct Screen: Equatable {
  var isTerminal: Bool
  var columns = 80
  var rows = 24
  /// The value of `TERM`.
  var name = ""
  var isUTF8 = true

  var isDumb: Bool { name.isEmpty || name == "dumb" }
  /// The kernel's console and the oldest terminals know only eight colours.
  var palette: QRDrawing.Palette {
    ["linux", "ansi", "vt", "cons"].contains { name.hasPrefix($0) } ? .basic : .fixed
  }

  /// Colours for emphasis, unless the person does not want any (no-color.org).
  var takesColours: Bool { isTerminal && !isDumb && getenv("NO_COLOR") == nil }

  /// Asks the system about `descriptor`.
  static func current(_ descriptor: Int32 = STDOUT_FILENO) -> Screen {
    var screen = Screen(isTerminal: isatty(descriptor) == 1)
    guard screen.isTerminal else { return screen }
    var size = winsize()
    if ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 {
      if size.ws_col > 0 { screen.columns = Int(size.ws_col) }
      if size.ws_row > 0 { screen.rows = Int(size.ws_row) }
    }
    screen.name = getenv("TERM").map { String(cString: $0) } ?? ""
    screen.isUTF8 = localeIsUTF8()
    return screen
  }

  /// Whether the user's locale writes UTF-8, or is none at all: terminals of today then take UTF-8.
  private static func localeIsUTF8() -> Bool {
    guard let locale = newlocale(LC_CTYPE_MASK, "", nil) else { return true }
    defer { freelocale(locale) }
    guard let name = nl_langinfo_l(nl_item(CODESET), locale) else { return true }
    return ["UTF-8", "ANSI_X3.4-1968"].contains(String(cString: name))
  }
}
