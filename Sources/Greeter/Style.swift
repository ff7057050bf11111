import CGTK
import FactorView

/// Spaces and frames only: colours and fonts are the theme's, so that a theme of high contrast is one.
@MainActor
enum Style {
  private static let css = """
    .greeter-bar { padding: 4px 12px; border-bottom: 1px solid @borders; background-color: @theme_base_color; }
    .greeter-middle { padding: 16px; }
    .greeter-card { padding: 20px; border: 1px solid @borders; border-radius: 8px;
      background-color: @theme_base_color; color: @theme_text_color; }
    .greeter-card label.error { color: @error_color; }
    """

  /// GTK's own theme of high contrast leaves some texts pale or on blue, below the 7:1 of WCAG 2.1, 1.4.6.
  private static let contrastCSS = """
    .dim-label { opacity: 1; }
    .greeter-card label.error { color: @theme_text_color; }
    button.suggested-action, button.suggested-action:hover, button.suggested-action:active, row:selected {
      background-color: @theme_text_color; background-image: none; border-color: @theme_text_color; }
    button.suggested-action, button.suggested-action label, row:selected, row:selected label {
      color: @theme_base_color; text-shadow: none; }
    button.suggested-action, row { outline-color: currentColor; }
    """

  /// The theme that `DisplayButton` switches to; `HighContrastInverse` begins with the same word.
  static let contrastTheme = "HighContrast"

  static func load() {
    let settings = gtk_settings_get_default()
    // Nobody waits for a login screen to fade in.
    gtk_shim_set_flag(settings, "gtk-enable-animations", 0)
    add(provider(css))
    let contrast = provider(contrastCSS)
    func follow() {
      if theme.hasPrefix(contrastTheme) {
        add(contrast)
      } else {
        gtk_style_context_remove_provider_for_screen(gdk_screen_get_default(), contrast)
      }
    }
    follow()
    settings.map { connect(UnsafeMutableRawPointer($0), "notify::gtk-theme-name") { follow() } }
  }

  /// The theme of GTK that is in use.
  static var theme: String {
    guard let words = gtk_shim_get_text(gtk_settings_get_default(), "gtk-theme-name") else { return "Adwaita" }
    defer { g_free(words) }
    return String(cString: words)
  }

  private static func provider(_ css: String) -> OpaquePointer {
    let provider: UnsafeMutablePointer<GtkCssProvider> = gtk_css_provider_new()
    gtk_css_provider_load_from_data(provider, css, -1, nil)
    return OpaquePointer(provider)
  }

  private static func add(_ provider: OpaquePointer) {
    gtk_style_context_add_provider_for_screen(
      gdk_screen_get_default(), provider, guint(GTK_STYLE_PROVIDER_PRIORITY_APPLICATION))
  }
}
