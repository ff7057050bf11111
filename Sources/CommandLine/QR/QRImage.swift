import CPNG
import Glibc
import OfflineAccess
import QRCodes

/// A QR code as a PNG: whole pixels, black on white, with its quiet zone.
enum QRImage {
  /// Pixels on one side of a module.
  static let scale = 8

  /// The bytes of the PNG, or nil where libpng could not make them.
  static func png(of code: borrowing QRCode) -> Secret? {
    let side = (code.size + 2 * QRCode.quietZone) * scale
    let pixels = pixels(of: code, side: side)
    var image = png_image()
    image.version = png_uint_32(PNG_IMAGE_VERSION)
    image.width = png_uint_32(side)
    image.height = png_uint_32(side)
    image.format = png_uint_32(PNG_FORMAT_GRAY)
    defer { png_image_free(&image) }

    return pixels.withBytes { bytes in
      var needed: png_alloc_size_t = 0
      guard png_image_write_to_memory(&image, nil, &needed, 0, bytes.baseAddress, 0, nil) != 0 else { return nil }
      return try? Secret(count: Int(needed)) { buffer throws(EncodingFailure) in
        var size = needed
        guard
          png_image_write_to_memory(&image, buffer.baseAddress, &size, 0, bytes.baseAddress, 0, nil) != 0,
          size == needed
        else { throw EncodingFailure() }
      }
    }
  }

  private struct EncodingFailure: Error {}

  /// One grey byte a pixel, row by row.
  private static func pixels(of code: borrowing QRCode, side: Int) -> Secret {
    // A closure cannot capture what is borrowed, so the modules are laid out first.
    let modules = side / scale
    var dark = [UInt8](repeating: 0, count: modules * modules)
    for row in 0..<modules {
      for column in 0..<modules
      where code.isDark(row: row - QRCode.quietZone, column: column - QRCode.quietZone) {
        dark[row * modules + column] = 1
      }
    }
    defer { dark.withUnsafeMutableBytes { Secret.wipe($0) } }
    return Secret(count: side * side) { buffer in
      for y in 0..<side {
        for x in 0..<side {
          buffer[y * side + x] = dark[y / scale * modules + x / scale] == 1 ? 0x00 : 0xFF
        }
      }
    }
  }
}
