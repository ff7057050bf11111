import CGTK
import FactorView
import PolkitAgent

/// The upper half of the window: who asks for what, who is to answer, and what that leaves.
@MainActor
final class RequestHeader {
  let widget = Make.row(spacing: 18)
  private let icon: Widget = gtk_image_new()
  private let message = Make.label(scale: 1.15, bold: true)
  private let program = Make.label()
  private let caller = Make.label()
  private let action = Make.label()
  private let identity = Make.label()
  private let people: Widget = gtk_combo_box_text_new()
  private let forecast = Make.label()
  private let chosen: @MainActor (Int) -> Void
  /// Whether it is the person who changes the choice.
  private var isFilling = false

  /// - Parameter chosen: the person chose another of the identities, by its place.
  init(chosen: @escaping @MainActor (Int) -> Void) {
    self.chosen = chosen
    let column = Make.column(spacing: 6)
    gtk_widget_set_valign(icon, GTK_ALIGN_START)
    widget.pack(icon)
    widget.pack(column, expand: true)
    for part in [message, program, caller, action, identity, people, forecast] { column.pack(part) }
    for label in [message, program, caller, action, identity, forecast] {
      gtk_label_set_max_width_chars(label.cast(), 56)
      // More than a few lines would push what is asked off the screen, and the words are those of others.
      gtk_label_set_lines(label.cast(), 6)
      gtk_label_set_ellipsize(label.cast(), PANGO_ELLIPSIZE_END)
    }
    for label in [caller, action] { label.addClass("dim-label") }
    gtk_widget_set_halign(people, GTK_ALIGN_START)
    people.describe(name: AgentTexts.person)
    connect(people, "changed") { [unowned self] in
      let place = gtk_combo_box_get_active(people.cast())
      if !isFilling, place >= 0 { chosen(Int(place)) }
    }
  }

  func show(_ request: AuthenticationRequest) {
    let name = request.icon.isEmpty ? "dialog-password" : request.icon
    gtk_image_set_from_icon_name(icon.cast(), name, GTK_ICON_SIZE_DIALOG)
    icon.describe(name: AgentTexts.title, role: ATK_ROLE_ICON)
    set(message, shown(request.message))
    set(program, request.program.map(AgentTexts.program))
    set(caller, request.caller.map(AgentTexts.caller))
    set(action, AgentTexts.action(shown(request.action)))
    set(forecast, nil)
    set(identity, nil)
    fill(request.identities)
  }

  /// Whom the present try is for.
  func show(_ identity: Identity, place: Int, forecast: Forecast?) {
    set(self.identity, gtk_widget_get_visible(people) != 0 ? nil : AgentTexts.identity(identity.shownName))
    isFilling = true
    gtk_combo_box_set_active(people.cast(), Int32(place))
    isFilling = false
    set(self.forecast, forecast?.text)
    if forecast?.isWarning ?? false { self.forecast.addClass("error") } else { self.forecast.removeClass("error") }
  }

  /// What was foretold has not come.
  func hideForecast() { set(forecast, nil) }

  /// Whether `widget` is part of the list of people.
  func hasChoice(_ widget: Widget) -> Bool { gtk_widget_is_ancestor(widget, people) != 0 }

  func focusChoice() { gtk_widget_grab_focus(people) }

  private func fill(_ identities: [Identity]) {
    isFilling = true
    gtk_combo_box_text_remove_all(people.cast())
    for identity in identities { gtk_combo_box_text_append_text(people.cast(), identity.shownName) }
    isFilling = false
    people.setShown(identities.count > 1)
  }

  private func set(_ label: Widget, _ text: String?) {
    setText(label, text ?? "")
    label.setShown(!(text ?? "").isEmpty)
  }
}
