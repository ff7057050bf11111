import CGTK

/// Spaces and frames only: colours and fonts are the theme's, so that a theme of high contrast is one.
enum Style {
  private static let css = """
    .greeter-bar { padding: 4px 12px; border-bottom: 1px solid @borders; background-color: @theme_base_color; }
    .greeter-middle { padding: 16px; }
    .greeter-card { padding: 20px; border: 1px solid @borders; border-radius: 8px;
      background-color: @theme_base_color; color: @theme_text_color; }
    .greeter-card label.error { color: @error_color; }
    """

  static func load() {
    // Nobody waits for a login screen to fade in.
    gtk_shim_set_flag(gtk_settings_get_default(), "gtk-enable-animations", 0)
    let provider = gtk_css_provider_new()
    gtk_css_provider_load_from_data(provider, css, -1, nil)
    gtk_style_context_add_provider_for_screen(
      gdk_screen_get_default(), OpaquePointer(provider), guint(GTK_STYLE_PROVIDER_PRIORITY_APPLICATION))
  }
}
