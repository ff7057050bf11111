import CGTK
import FactorView

/// High contrast and large text, for whoever needs them before anybody's own settings are there.
@MainActor
final class DisplayButton {
  let widget: Widget = gtk_menu_button_new()
  private let settings = gtk_settings_get_default()
  private let usualTheme: String
  private let usualDPI: gint

  private static let caption = "Display"
  private static let enlargement = 1.5

  init() {
    usualTheme = Style.theme
    usualDPI = gtk_shim_get_number(settings, "gtk-xft-dpi")
    let popover: Widget = gtk_popover_new(widget)
    gtk_menu_button_set_popover(widget.cast(), popover)
    gtk_button_set_relief(widget.cast(), GTK_RELIEF_NONE)
    gtk_container_add(
      widget.cast(), gtk_image_new_from_icon_name("preferences-desktop-accessibility-symbolic", GTK_ICON_SIZE_BUTTON))
    widget.describe(name: Self.caption)
    gtk_widget_set_tooltip_text(widget, Self.caption)
    let column = Make.column(spacing: 4)
    gtk_container_set_border_width(column.cast(), 8)
    gtk_container_add(popover.cast(), column)
    column.pack(
      check("High contrast") { [unowned self] isOn in
        gtk_shim_set_text(settings, "gtk-theme-name", isOn ? Style.contrastTheme : usualTheme)
      })
    column.pack(
      check("Large text") { [unowned self] isOn in
        let dpi = usualDPI > 0 ? Double(usualDPI) : 96 * 1024
        gtk_shim_set_number(settings, "gtk-xft-dpi", isOn ? gint(dpi * Self.enlargement) : usualDPI)
      })
    gtk_widget_show_all(column)
  }

  private func check(_ name: String, _ changed: @escaping @MainActor (Bool) -> Void) -> Widget {
    let button: Widget = gtk_check_button_new_with_label(name)
    connect(button, "toggled") { changed(gtk_toggle_button_get_active(button.cast()) != 0) }
    return button
  }
}
