import CGTK
import FactorView

/// A window on each monitor: the greeter on the primary one, the others blank.
@MainActor
final class Screens {
  let main: Widget = gtk_window_new(GTK_WINDOW_TOPLEVEL)
  private var others: [Widget] = []
  /// The main window has another size.
  var resized: @MainActor (_ width: Int, _ height: Int) -> Void = { _, _ in }

  private let display = gdk_display_get_default()

  init() {
    gtk_window_set_decorated(main.cast(), 0)
    gtk_window_set_title(main.cast(), "Login")
    main.describe(name: "Login")
    for signal in ["monitor-added", "monitor-removed"] {
      display.map { connect(UnsafeMutableRawPointer($0), signal) { whenIdle { self.arrange() } } }
    }
    gdk_screen_get_default().map {
      connect(UnsafeMutableRawPointer($0), "monitors-changed") { whenIdle { self.arrange() } }
    }
  }

  /// The size of the monitor that the greeter is on.
  var size: (width: Int, height: Int) {
    let area = area(primary)
    return (Int(area.width), Int(area.height))
  }

  /// Puts a window on each monitor that there is now.
  func arrange() {
    for window in others { gtk_widget_destroy(window) }
    others = []
    place(main, on: primary)
    for number in 0..<gdk_display_get_n_monitors(display) {
      guard let monitor = gdk_display_get_monitor(display, number), monitor != primary else { continue }
      let window: Widget = gtk_window_new(GTK_WINDOW_TOPLEVEL)
      gtk_window_set_decorated(window.cast(), 0)
      gtk_window_set_title(window.cast(), "Background")
      gtk_window_set_accept_focus(window.cast(), 0)
      place(window, on: monitor)
      gtk_widget_show(window)
      others.append(window)
    }
    resized(size.width, size.height)
    takeFocus()
  }

  /// Takes the keyboard: no window manager is there to give it.
  func takeFocus() {
    gtk_window_present(main.cast())
    gtk_widget_get_window(main).map { gdk_window_focus($0, guint32(GDK_CURRENT_TIME)) }
  }

  private var primary: OpaquePointer? {
    gdk_display_get_primary_monitor(display) ?? gdk_display_get_monitor(display, 0)
  }

  private func area(_ monitor: OpaquePointer?) -> GdkRectangle {
    var area = GdkRectangle(x: 0, y: 0, width: 800, height: 600)
    monitor.map { gdk_monitor_get_geometry($0, &area) }
    return area
  }

  private func place(_ window: Widget, on monitor: OpaquePointer?) {
    let area = area(monitor)
    gtk_window_set_default_size(window.cast(), area.width, area.height)
    gtk_window_resize(window.cast(), area.width, area.height)
    gtk_window_move(window.cast(), area.x, area.y)
  }
}
