import CGTK
import FactorView

/// A button that opens what can be done with the computer. What could lose somebody's work is asked a second time.
@MainActor
final class PowerButton {
  let widget: Widget = gtk_menu_button_new()
  private let popover: Widget
  private let column = Make.column(spacing: 4)
  private let failed: @MainActor (String) -> Void

  init(failed: @escaping @MainActor (String) -> Void) {
    self.failed = failed
    popover = gtk_popover_new(widget)
    gtk_menu_button_set_popover(widget.cast(), popover)
    gtk_button_set_relief(widget.cast(), GTK_RELIEF_NONE)
    gtk_container_add(
      widget.cast(), gtk_image_new_from_icon_name("system-shutdown-symbolic", GTK_ICON_SIZE_BUTTON))
    widget.describe(name: Self.caption)
    gtk_widget_set_tooltip_text(widget, Self.caption)
    gtk_container_set_border_width(column.cast(), 8)
    gtk_container_add(popover.cast(), column)
    connect(widget, "toggled") { [unowned self] in
      if gtk_toggle_button_get_active(widget.cast()) != 0 { offer() }
    }
  }

  private static let caption = "Power"

  private struct Choice {
    var name: String
    var action: @MainActor () -> Void
  }

  private func offer() {
    var choices: [Choice] = []
    for action in PowerAction.allCases where action.isPossible {
      choices.append(Choice(name: action.isAskedTwice ? "\(action.name)…" : action.name) { self.press(action) })
    }
    show(choices.isEmpty ? "This computer cannot be shut down from here." : nil, choices)
  }

  private func press(_ action: PowerAction) {
    guard action.isAskedTwice else { return perform(action) }
    show(
      "\(action.name) now?",
      [Choice(name: action.name) { self.perform(action) }, Choice(name: "Cancel") { self.close() }])
  }

  private func perform(_ action: PowerAction) {
    close()
    if let words = action.perform() { failed("\(action.name): \(words)") }
  }

  private func close() { gtk_popover_popdown(popover.cast()) }

  private func show(_ question: String?, _ choices: [Choice]) {
    for child in column.children { gtk_widget_destroy(child) }
    if let question { column.pack(Make.label(question, wraps: false, bold: true)) }
    for choice in choices {
      // Not within the handler of a button that the action may destroy.
      column.pack(Make.button(choice.name) { whenIdle(choice.action) })
    }
    gtk_widget_show_all(column)
  }
}
