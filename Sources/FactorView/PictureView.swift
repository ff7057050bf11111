import CGTK
import FactorScene
import QRCodes

/// The widget of a picture.
@MainActor
final class PictureView {
  let widget: Widget = gtk_drawing_area_new()
  private var picture: Picture?
  private var code: QRCode?
  private var uri = ""
  private var scale = 0
  /// About how many pixels a QR code may have on one side; it has at least three a module.
  var side: Int

  init(side: Int) {
    self.side = side
    gtk_widget_set_valign(widget, GTK_ALIGN_START)
    gtk_widget_set_halign(widget, GTK_ALIGN_CENTER)
    connect(widget, "draw", taking: OpaquePointer.self) { [unowned self] context in
      draw(context)
      return false
    }
  }

  func show(_ picture: Picture?, uri: String) {
    self.picture = picture
    if picture == .qr {
      if uri != self.uri { code = QRCode(uri) }
    } else {
      code = nil
    }
    self.uri = code == nil ? "" : uri
    let extent = extent
    gtk_widget_set_size_request(widget, extent, extent)
    widget.describe(name: picture?.name ?? "", role: ATK_ROLE_IMAGE)
    widget.setShown(extent > 0)
    gtk_widget_queue_draw(widget)
  }

  private var extent: Int32 {
    guard let picture else { return 0 }
    guard picture == .qr else { return Painter.side }
    // A URI too long for any code is there to be typed only.
    guard let modules = code?.size else { return 0 }
    scale = QRPainter.scale(size: modules, side: side)
    return Int32((modules + 2 * QRCode.quietZone) * scale)
  }

  private func draw(_ context: OpaquePointer) {
    guard let picture else { return }
    guard picture == .qr else {
      var colour = GdkRGBA()
      let style = gtk_widget_get_style_context(widget)
      gtk_style_context_get_color(style, gtk_style_context_get_state(style), &colour)
      gdk_cairo_set_source_rgba(context, &colour)
      cairo_scale(context, Double(Painter.side) / 100, Double(Painter.side) / 100)
      return Painter(context: context).paint(picture)
    }
    paintCode(on: context)
  }

  private func paintCode(on context: OpaquePointer) {
    guard let code = code.take() else { return }
    QRPainter.paint(code, scale: scale, on: context)
    self.code = consume code
  }
}
