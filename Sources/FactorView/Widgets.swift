import CGTK

public typealias Widget = UnsafeMutablePointer<GtkWidget>

extension UnsafeMutablePointer {
  /// The same object as another class of its, as GTK's cast macros do.
  public func cast<Class>(to type: Class.Type = Class.self) -> UnsafeMutablePointer<Class> {
    UnsafeMutableRawPointer(self).assumingMemoryBound(to: Class.self)
  }
}

extension UnsafeMutablePointer where Pointee == GtkWidget {
  /// Puts a widget behind those that are in this box.
  public func pack(_ child: Widget, expand: Bool = false) {
    gtk_box_pack_start(cast(), child, expand ? 1 : 0, expand ? 1 : 0, 0)
  }

  /// Shows or hides it, whatever `gtk_widget_show_all` on a parent does.
  public func setShown(_ isShown: Bool) {
    gtk_widget_set_no_show_all(self, 1)
    gtk_widget_set_visible(self, isShown ? 1 : 0)
  }

  public func addClass(_ name: String) {
    gtk_style_context_add_class(gtk_widget_get_style_context(self), name)
  }

  public func removeClass(_ name: String) {
    gtk_style_context_remove_class(gtk_widget_get_style_context(self), name)
  }

  /// What a screen reader says for it. Without a name it says the widget's own text.
  public func describe(name: String? = nil, description: String = "", role: AtkRole? = nil) {
    guard let accessible = gtk_widget_get_accessible(self) else { return }
    if let name { atk_object_set_name(accessible, name) }
    atk_object_set_description(accessible, description)
    if let role { atk_object_set_role(accessible, role) }
  }
}

public enum Make {
  /// A box of widgets from top to bottom.
  public static func column(spacing: Int32) -> Widget { gtk_box_new(GTK_ORIENTATION_VERTICAL, spacing) }
  /// A box of widgets in the reading direction.
  public static func row(spacing: Int32) -> Widget { gtk_box_new(GTK_ORIENTATION_HORIZONTAL, spacing) }

  /// A text.
  ///
  /// - Parameters:
  ///   - wraps: whether it may take several lines; else it asks for the room that it needs.
  ///   - scale: its size beside that of other texts.
  ///   - family: a family of fonts; nil for the theme's.
  public static func label(
    _ text: String = "", wraps: Bool = true, scale: Double = 1, bold: Bool = false, family: String? = nil
  ) -> Widget {
    let widget: Widget = gtk_label_new(text)
    let label: UnsafeMutablePointer<GtkLabel> = widget.cast()
    gtk_label_set_line_wrap(label, wraps ? 1 : 0)
    gtk_label_set_line_wrap_mode(label, PANGO_WRAP_WORD_CHAR)
    gtk_label_set_xalign(label, 0)
    let attributes = pango_attr_list_new()
    if scale != 1 { pango_attr_list_insert(attributes, pango_attr_scale_new(scale)) }
    if bold { pango_attr_list_insert(attributes, pango_attr_weight_new(PANGO_WEIGHT_BOLD)) }
    if let family { pango_attr_list_insert(attributes, pango_attr_family_new(family)) }
    gtk_label_set_attributes(label, attributes)
    pango_attr_list_unref(attributes)
    return widget
  }

  @MainActor
  public static func button(_ text: String, _ pressed: @escaping @MainActor () -> Void) -> Widget {
    let widget: Widget = gtk_button_new_with_label(text)
    connect(widget, "clicked", pressed)
    return widget
  }
}

/// The text of a label.
public func setText(_ label: Widget, _ text: String) { gtk_label_set_text(label.cast(), text) }
