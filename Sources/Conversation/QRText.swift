// A QR code as lines of text. This file also compiles as Embedded Swift.

#if canImport(Glibc)
  import Glibc
#else
  import CSystem
#endif

/// Draws QR codes with half blocks, two modules in a character, without colours: light modules are
/// the painted ones, as terminals are mostly dark.
public enum QRText {
  /// Light modules around the code; the standard asks for four.
  static let quietZone = 4

  /// One line for two rows of modules.
  ///
  /// - Parameters:
  ///   - modules: row by row, true where dark, `width` times `width`.
  ///   - width: modules on one side.
  public static func rows(modules: [Bool], width: Int) -> [String] {
    guard width > 0, modules.count == width * width else { return [] }
    let side = width + 2 * quietZone
    func isLight(_ row: Int, _ column: Int) -> Bool {
      // A code has an odd number of rows; below the last there is nothing to paint.
      guard row < side else { return false }
      let row = row - quietZone, column = column - quietZone
      guard (0..<width).contains(row), (0..<width).contains(column) else { return true }
      return !modules[row * width + column]
    }
    return stride(from: 0, to: side, by: 2).map { row in
      var line = ""
      for column in 0..<side {
        switch (isLight(row, column), isLight(row + 1, column)) {
        case (true, true): line += "\u{2588}"
        case (true, false): line += "\u{2580}"
        case (false, true): line += "\u{2584}"
        case (false, false): line += " "
        }
      }
      return line
    }
  }

  /// The code of a text, by the libqrencode of this computer; nil where there is none. The library
  /// is loaded for this moment only: a host of PAM modules should not carry it through its life.
  static func rows(encoding text: String) -> [String]? {
    guard let library = dlopen("libqrencode.so.4", RTLD_NOW | RTLD_LOCAL) else { return nil }
    defer { dlclose(library) }
    guard let encodeSymbol = dlsym(library, "QRcode_encodeString8bit"),
      let freeSymbol = dlsym(library, "QRcode_free")
    else { return nil }
    let encode = unsafeBitCast(encodeSymbol, to: Encode.self)
    let release = unsafeBitCast(freeSymbol, to: Release.self)
    // Version 0 lets the library choose; level 0 is the lowest correction: a screen has no dirt.
    guard let code = text.withCString({ encode($0, 0, 0) }) else { return nil }
    defer { release(code) }
    // typedef struct { int version; int width; unsigned char *data; } QRcode;
    let width = Int(code.load(fromByteOffset: MemoryLayout<Int32>.stride, as: Int32.self))
    let data = code.load(
      fromByteOffset: 2 * MemoryLayout<Int32>.stride, as: UnsafeMutablePointer<UInt8>?.self)
    guard let data, (21...177).contains(width) else { return nil }
    // The code holds a secret; libqrencode frees it without wiping.
    defer { explicit_bzero(data, width * width) }
    return rows(modules: (0..<width * width).map { data[$0] & 1 == 1 }, width: width)
  }

  private typealias Encode = @convention(c) (UnsafePointer<CChar>, Int32, Int32) -> UnsafeMutableRawPointer?
  private typealias Release = @convention(c) (UnsafeMutableRawPointer) -> Void
}
