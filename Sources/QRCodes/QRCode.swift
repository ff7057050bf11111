import CQREncode
import Glibc
import OfflineAccess

/// A QR code: a square of dark and light modules. Holds a secret here, so it is wiped at its end.
public struct QRCode: ~Copyable {
  /// Modules on one side, without a quiet zone.
  public let size: Int
  private let code: UnsafeMutablePointer<QRcode>

  /// The quiet zone that ISO/IEC 18004 asks for, in modules.
  public static let quietZone = 4

  /// Encodes `text` at the lowest error correction: a screen has no dirt, and a small code fits on it.
  ///
  /// - Returns: nil where the text is empty or too long for any QR code.
  public init?(_ text: String) {
    guard let code = QRcode_encodeString(text, 0, QR_ECLEVEL_L, QR_MODE_8, 1) else { return nil }
    self.code = code
    size = Int(code.pointee.width)
  }

  deinit {
    Secret.wipe(UnsafeMutableRawBufferPointer(start: code.pointee.data, count: size * size))
    QRcode_free(code)
  }

  /// Whether the module is dark; all around the code, in the quiet zone, it is light.
  public func isDark(row: Int, column: Int) -> Bool {
    guard (0..<size).contains(row), (0..<size).contains(column) else { return false }
    return code.pointee.data[row * size + column] & 1 == 1
  }
}
