import CGTK
import FactorScene
import OfflineAccess
import QRCodes

/// What a scene is drawn as, beside its words.
enum Picture: Equatable {
  case qr
  case key(KeyPicture.State)
  case keyAccepted
  case phone
  case check
  case lock
  case clock
  case stop

  init?(_ content: Scene.Content) {
    switch content {
    case .waiting, .offer: return nil
    case .question(let question):
      switch question.kind {
      case .password, .other: return nil
      case .pin: self = .key(.touch)
      case .passcode, .onlinePasscode, .approvalOrPasscode: self = .phone
      }
    case .securityKey(let picture): self = .key(picture.state)
    case .contacting, .approval: self = .phone
    case .phoneSetUp(let setUp):
      guard setUp.uri != nil else { return nil }
      self = .qr
    case .accepted(let accepted): self = accepted.isByKey ? .keyAccepted : .check
    case .refused(let refused):
      switch refused.reason {
      case .clockUntrusted: self = .clock
      case .locked, .pinLocked: self = .lock
      default: self = refused.wait == nil ? .stop : .lock
      }
    }
  }

  /// What it shows, for whoever does not see it.
  var name: String {
    switch self {
    case .qr: "QR code for the authenticator app"
    case .key(.insert): "A security key beside its socket"
    case .key(.touch): "A security key that waits for a touch"
    case .key(.wrong): "A security key, crossed out"
    case .key(.silent): "A security key with a question mark"
    case .keyAccepted: "A security key with a check mark"
    case .phone: "A phone"
    case .check: "A check mark"
    case .lock: "A closed lock"
    case .clock: "A clock"
    case .stop: "A stop sign"
    }
  }
}

/// Paints a QR code: black on white whatever the theme says, a whole number of pixels a module, its quiet zone around.
struct QRPainter {
  /// Pixels on one side of a module, for a picture that has about `side` pixels but never is too fine to be read.
  static func scale(size: Int, side: Int) -> Int { max(3, side / (size + 2 * QRCode.quietZone)) }

  static func paint(_ code: borrowing QRCode, scale: Int, on context: OpaquePointer) {
    let side = Double((code.size + 2 * QRCode.quietZone) * scale)
    cairo_set_antialias(context, CAIRO_ANTIALIAS_NONE)
    cairo_set_source_rgb(context, 1, 1, 1)
    cairo_rectangle(context, 0, 0, side, side)
    cairo_fill(context)
    cairo_set_source_rgb(context, 0, 0, 0)
    for row in 0..<code.size {
      for column in 0..<code.size where code.isDark(row: row, column: column) {
        cairo_rectangle(
          context, Double((column + QRCode.quietZone) * scale), Double((row + QRCode.quietZone) * scale), Double(scale),
          Double(scale))
      }
    }
    cairo_fill(context)
  }
}
