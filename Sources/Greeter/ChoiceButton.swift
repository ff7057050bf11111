import CGTK
import FactorView

/// A button that opens a list to choose one thing from. The list is asked for when it is opened: some are slow to make.
@MainActor
final class ChoiceButton {
  let widget: Widget = gtk_menu_button_new()
  private let caption: String
  private let items: @MainActor () -> [Choice]
  private let popover: Widget
  private let list: Widget = gtk_list_box_new()
  private let search: Widget = gtk_search_entry_new()
  private var shown: [Choice] = []
  private(set) var chosen: Choice?
  /// Whether a person chose it, and it was not just shown.
  private(set) var isByHand = false
  private let changed: @MainActor (Choice) -> Void

  /// Lists longer than this can be searched.
  private static let longList = 12

  /// - Parameters:
  ///   - caption: what is chosen, in a word.
  ///   - changed: the person chose something else.
  init(
    _ caption: String, items: @escaping @MainActor () -> [Choice], changed: @escaping @MainActor (Choice) -> Void
  ) {
    self.caption = caption
    self.items = items
    self.changed = changed
    popover = gtk_popover_new(widget)
    gtk_menu_button_set_popover(widget.cast(), popover)
    gtk_button_set_relief(widget.cast(), GTK_RELIEF_NONE)
    build()
    show(nil)
  }

  /// Shows what is chosen, without telling anybody.
  func show(_ choice: Choice?) {
    chosen = choice
    isByHand = false
    gtk_button_set_label(widget.cast(), choice?.name ?? caption)
    widget.describe(name: choice.map { "\(caption): \($0.name)" } ?? caption)
    gtk_widget_set_tooltip_text(widget, caption)
  }

  /// Shows the item of a key, where there is one.
  func show(key: String?) { show(key.flatMap { key in items().first { $0.key == key } }) }

  private func build() {
    let column = Make.column(spacing: 6)
    gtk_container_set_border_width(column.cast(), 8)
    let scroller: Widget = gtk_scrolled_window_new(nil, nil)
    gtk_scrolled_window_set_policy(scroller.cast(), GTK_POLICY_NEVER, GTK_POLICY_AUTOMATIC)
    gtk_scrolled_window_set_propagate_natural_height(scroller.cast(), 1)
    gtk_scrolled_window_set_max_content_height(scroller.cast(), 320)
    gtk_widget_set_can_focus(scroller, 0)
    gtk_container_add(scroller.cast(), list)
    column.pack(search)
    column.pack(scroller, expand: true)
    gtk_container_add(popover.cast(), column)
    gtk_widget_show_all(column)
    list.describe(name: caption)
    search.describe(name: "Search in: \(caption)")
    gtk_list_box_set_activate_on_single_click(list.cast(), 1)
    connect(list, "row-activated") { [unowned self] in choose() }
    connect(search, "search-changed") { [unowned self] in fill() }
    connect(search, "activate") { [unowned self] in chooseFirst() }
    connect(widget, "toggled") { [unowned self] in
      guard gtk_toggle_button_get_active(widget.cast()) != 0 else { return }
      shown = items()
      gtk_entry_set_text(search.cast(), "")
      search.setShown(shown.count > Self.longList)
      fill()
      whenIdle { [weak self] in self?.takeFocus() }
    }
  }

  /// So that arrow keys and Enter, or a few letters of a long list, choose.
  private func takeFocus() {
    if gtk_widget_get_visible(search) != 0 { return gtk_widget_grab_focus(search) }
    let row = gtk_list_box_get_selected_row(list.cast()) ?? gtk_list_box_get_row_at_index(list.cast(), 0)
    if let row { gtk_widget_grab_focus(row.cast()) }
  }

  private var visible: [Choice] = []

  private func fill() {
    let wanted = String(cString: gtk_entry_get_text(search.cast())).lowercased()
    visible = shown.filter { wanted.isEmpty || $0.name.lowercased().contains(wanted) }
    for row in list.children { gtk_widget_destroy(row) }
    for item in visible {
      let label = Make.label(item.name, wraps: false)
      gtk_list_box_insert(list.cast(), label, -1)
      guard let row = gtk_widget_get_parent(label) else { continue }
      row.describe(name: item.name)
      if item == chosen { gtk_list_box_select_row(list.cast(), row.cast()) }
    }
    gtk_widget_show_all(list)
  }

  private func choose() {
    guard let row = gtk_list_box_get_selected_row(list.cast()) else { return }
    choose(at: Int(gtk_list_box_row_get_index(row)))
  }

  private func chooseFirst() { if !visible.isEmpty { choose(at: 0) } }

  private func choose(at index: Int) {
    guard visible.indices.contains(index) else { return }
    let choice = visible[index]
    show(choice)
    isByHand = true
    gtk_popover_popdown(popover.cast())
    changed(choice)
  }
}
