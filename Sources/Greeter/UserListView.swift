import CGTK
import FactorView

/// The list of users, with places for a guest and for a name that is typed.
@MainActor
final class UserListView {
  enum Entry: Equatable {
    case user(ListedUser)
    case guest
    case typed
  }

  let widget: Widget = gtk_scrolled_window_new(nil, nil)
  private let list: Widget = gtk_list_box_new()
  private(set) var entries: [Entry] = []
  /// A person chose an entry.
  var chosen: @MainActor (Entry) -> Void = { _ in }

  init() {
    gtk_scrolled_window_set_policy(widget.cast(), GTK_POLICY_NEVER, GTK_POLICY_AUTOMATIC)
    gtk_scrolled_window_set_propagate_natural_height(widget.cast(), 1)
    gtk_scrolled_window_set_shadow_type(widget.cast(), GTK_SHADOW_IN)
    gtk_widget_set_size_request(widget, 180, 60)
    gtk_widget_set_can_focus(widget, 0)
    gtk_container_add(widget.cast(), list)
    list.describe(name: "Users")
    gtk_shim_let_tab_leave(list)
    // By a click or the Enter key: whoever goes through the list with the arrow keys has not chosen yet.
    connect(list, "row-activated") { [unowned self] in
      if let entry = selected { chosen(entry) }
    }
  }

  var selected: Entry? {
    guard let row = gtk_list_box_get_selected_row(list.cast()) else { return nil }
    let index = Int(gtk_list_box_row_get_index(row))
    return entries.indices.contains(index) ? entries[index] : nil
  }

  /// Shows other entries; the selected one stays where it is still there.
  func show(_ entries: [Entry]) {
    guard entries != self.entries else { return }
    let selected = selected
    let hadFocus = gtk_container_get_focus_child(list.cast()) != nil
    for row in list.children { gtk_widget_destroy(row) }
    self.entries = entries
    for entry in entries { gtk_list_box_insert(list.cast(), row(entry), -1) }
    gtk_widget_show_all(list)
    select { $0 == selected }
    if hadFocus, let row = gtk_list_box_get_selected_row(list.cast()) { gtk_widget_grab_focus(row.cast()) }
  }

  /// Selects the first entry that fits; none where none does.
  func select(_ fits: (Entry) -> Bool) {
    let row = entries.firstIndex(where: fits).flatMap { gtk_list_box_get_row_at_index(list.cast(), Int32($0)) }
    gtk_list_box_select_row(list.cast(), row)
  }

  /// Leaves room above and below.
  func fit(height: Int) { gtk_scrolled_window_set_max_content_height(widget.cast(), Int32(height * 6 / 10)) }

  private func row(_ entry: Entry) -> Widget {
    let column = Make.column(spacing: 0)
    gtk_container_set_border_width(column.cast(), 8)
    column.pack(Make.label(entry.name))
    if case .user(let user) = entry {
      let words = [user.displayName == user.name ? nil : user.name, user.isLoggedIn ? "logged in" : nil].compactMap(
        \.self)
      if !words.isEmpty {
        let detail = Make.label(words.joined(separator: ", "), scale: 0.85)
        detail.addClass("dim-label")
        column.pack(detail)
      }
    }
    let row: Widget = gtk_list_box_row_new()
    gtk_container_add(row.cast(), column)
    row.describe(name: entry.name)
    return row
  }
}

extension UserListView.Entry {
  var name: String {
    switch self {
    case .user(let user): user.displayName
    case .guest: "Guest"
    case .typed: "Another user…"
    }
  }
}
