import CGTK
import FactorScene
import Glibc

/// Draws the small pictures in a square of 100 by 100, in one colour: the theme's, so that they follow high contrast.
struct Painter {
  let context: OpaquePointer

  /// The extent on the screen of what is drawn in 100 by 100.
  static let side: Int32 = 96

  func paint(_ picture: Picture) {
    cairo_set_line_width(context, 4)
    cairo_set_line_cap(context, CAIRO_LINE_CAP_ROUND)
    cairo_set_line_join(context, CAIRO_LINE_JOIN_ROUND)
    switch picture {
    case .qr: break
    case .key(let state): key(state)
    case .keyAccepted:
      key(at: 0)
      check(x: 62, y: 72, size: 30)
    case .phone: phone()
    case .check:
      circle(50, 50, 42)
      check(x: 28, y: 50, size: 44)
    case .lock: lock()
    case .clock: clock()
    case .stop:
      circle(50, 50, 42)
      cairo_set_line_width(context, 9)
      line((28, 50), (72, 50))
    }
  }

  // MARK: The key

  private func key(_ state: KeyPicture.State) {
    switch state {
    case .insert:
      // Above its socket, with an arrow between them.
      key(at: -8)
      line((50, 66), (50, 80))
      line((43, 74), (50, 81), (57, 74))
      line((26, 84), (26, 96), (74, 96), (74, 84))
    case .touch:
      key(at: 8)
      for radius in [20.0, 28] {
        cairo_new_path(context)
        cairo_arc(context, 50, 34, radius, -2.4, -0.74)
        cairo_stroke(context)
      }
    case .wrong:
      key(at: 0)
      cairo_set_line_width(context, 7)
      line((14, 14), (86, 86))
      line((86, 14), (14, 86))
    case .silent:
      key(at: 0)
      question(82, 22)
    }
  }

  /// A key that hangs with its plug down.
  private func key(at y: Double) {
    rounded(32, 10 + y, 36, 46, 12)
    circle(50, 28 + y, 8)
    rectangle(39, 56 + y, 22, 16)
    line((46, 62 + y), (46, 66 + y))
    line((54, 62 + y), (54, 66 + y))
  }

  // MARK: Others

  private func phone() {
    rounded(28, 6, 44, 88, 8)
    line((44, 84), (56, 84))
    line((28, 76), (72, 76))
    for (row, y) in [34.0, 48].enumerated() {
      for column in 0..<3 { dot(40 + Double(column) * 10, y + Double(row)) }
    }
  }

  private func lock() {
    rounded(22, 44, 56, 46, 6)
    cairo_new_path(context)
    cairo_move_to(context, 32, 44)
    cairo_line_to(context, 32, 30)
    cairo_arc(context, 50, 30, 18, .pi, 0)
    cairo_line_to(context, 68, 44)
    cairo_stroke(context)
    dot(50, 62)
    line((50, 62), (50, 74))
  }

  private func clock() {
    circle(50, 50, 42)
    line((50, 50), (50, 22))
    line((50, 50), (68, 62))
  }

  private func question(_ x: Double, _ y: Double) {
    cairo_new_path(context)
    cairo_arc(context, x, y, 9, -.pi, .pi / 3)
    cairo_line_to(context, x, y + 14)
    cairo_stroke(context)
    dot(x, y + 24)
  }

  private func check(x: Double, y: Double, size: Double) {
    cairo_save(context)
    cairo_set_line_width(context, 8)
    line((x, y), (x + size * 0.35, y + size * 0.35), (x + size, y - size * 0.45))
    cairo_restore(context)
  }

  // MARK: Strokes

  private func line(_ points: (Double, Double)...) {
    cairo_new_path(context)
    for (x, y) in points { cairo_line_to(context, x, y) }
    cairo_stroke(context)
  }

  private func circle(_ x: Double, _ y: Double, _ radius: Double) {
    cairo_new_path(context)
    cairo_arc(context, x, y, radius, 0, 2 * .pi)
    cairo_stroke(context)
  }

  private func dot(_ x: Double, _ y: Double) {
    cairo_new_path(context)
    cairo_arc(context, x, y, 3.5, 0, 2 * .pi)
    cairo_fill(context)
  }

  private func rectangle(_ x: Double, _ y: Double, _ width: Double, _ height: Double) {
    cairo_rectangle(context, x, y, width, height)
    cairo_stroke(context)
  }

  private func rounded(_ x: Double, _ y: Double, _ width: Double, _ height: Double, _ radius: Double) {
    cairo_new_path(context)
    cairo_arc(context, x + width - radius, y + radius, radius, -.pi / 2, 0)
    cairo_arc(context, x + width - radius, y + height - radius, radius, 0, .pi / 2)
    cairo_arc(context, x + radius, y + height - radius, radius, .pi / 2, .pi)
    cairo_arc(context, x + radius, y + radius, radius, .pi, 3 * .pi / 2)
    cairo_close_path(context)
    cairo_stroke(context)
  }
}
