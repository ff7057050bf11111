import CGTK
import FactorScene
import FactorView
import PolkitAgent

/// The window that asks. It is made once, and on the screen while there is a question.
///
/// It asks the window manager for a place above others and on all desktops, and takes neither pointer nor keyboard from
/// them: whoever locks a screen or drags something goes on with it. `StrayKeys` keeps out what was not meant for it.
@MainActor
final class AgentWindow {
  struct Actions {
    var answer: @MainActor (String) -> Void
    var dismiss: @MainActor () -> Void
    var tryAgain: @MainActor () -> Void
    /// The person chose another identity, by its place.
    var choose: @MainActor (Int) -> Void
  }

  private let window: Widget = gtk_window_new(GTK_WINDOW_TOPLEVEL)
  private let header: RequestHeader
  private let view: FactorView
  private let hint = Make.label()
  private let close: Widget
  private var stray: StrayKeys?
  private var scene = Scene(.waiting)
  /// How often the focus is still to be put back to the list of people.
  private var returns = 0

  init(_ actions: Actions) {
    header = RequestHeader(chosen: actions.choose)
    view = FactorView(
      FactorView.Actions(answer: actions.answer, giveUp: actions.dismiss, tryAgain: actions.tryAgain))
    close = Make.button(AgentTexts.close, actions.dismiss)
    build()
    stray = StrayKeys(window) { [unowned self] in keysChanged() }
    connect(window, "delete-event", taking: OpaquePointer.self) { _ in
      actions.dismiss()
      return true
    }
    // Behind the stray keys: an Escape for another window ends nothing here.
    connect(window, "key-press-event", taking: UnsafeMutablePointer<GdkEventKey>.self) { event in
      guard event.pointee.keyval == guint(GDK_KEY_Escape) else { return false }
      actions.dismiss()
      return true
    }
  }

  private func build() {
    let column = Make.column(spacing: 16)
    gtk_container_set_border_width(column.cast(), 20)
    // So wide that it seldom changes with what it shows.
    gtk_widget_set_size_request(column, 480, -1)
    gtk_container_add(window.cast(), column)
    let line: Widget = gtk_separator_new(GTK_ORIENTATION_HORIZONTAL)
    for part in [header.widget, line, view.widget, hint, close] { column.pack(part) }
    gtk_label_set_max_width_chars(hint.cast(), 56)
    setText(hint, AgentTexts.strayKeys)
    hint.describe(name: AgentTexts.strayKeys, role: ATK_ROLE_ALERT)
    gtk_widget_set_halign(close, GTK_ALIGN_END)
    let window: UnsafeMutablePointer<GtkWindow> = window.cast()
    gtk_window_set_type_hint(window, GDK_WINDOW_TYPE_HINT_DIALOG)
    gtk_window_set_position(window, GTK_WIN_POS_CENTER_ALWAYS)
    gtk_window_set_resizable(window, 0)
    gtk_window_set_keep_above(window, 1)
    gtk_window_stick(window)
    gtk_window_set_icon_name(window, "dialog-password")
    gtk_widget_show_all(column)
    hint.setShown(false)
    close.setShown(false)
    self.window.describe(name: AgentTexts.title, role: ATK_ROLE_DIALOG)
  }

  /// Comes up with a question.
  func open(_ request: AuthenticationRequest) {
    header.show(request)
    stray?.close()
    gtk_window_set_urgency_hint(window.cast(), 1)
    showTitle()
    gtk_window_present(window.cast())
  }

  func show(_ identity: Identity, place: Int, forecast: Forecast?) {
    header.show(identity, place: place, forecast: forecast)
  }

  func show(_ scene: Scene) {
    self.scene = scene
    // Whoever goes through the list of people by the arrow keys stays there, also where the scene changes again before
    // the focus is back.
    let isChoosing = returns > 0 || gtk_window_get_focus(window.cast()).map(header.hasChoice) ?? false
    view.show(scene)
    if isChoosing {
      returns += 1
      whenIdle { [weak self] in
        self?.returns -= 1
        self?.header.focusChoice()
      }
    }
    // A refusal that is final has a button to try again only.
    if case .refused = scene.content {
      close.setShown(true)
      // It will leave as much as there is.
      header.hideForecast()
    } else {
      close.setShown(!view.canLeave)
    }
    // Behind the view, which puts the focus where it belongs by then.
    whenIdle { [weak self] in self?.showTitle() }
  }

  func hide() {
    view.show(Scene(.waiting))
    gtk_widget_hide(window)
  }

  private func keysChanged() {
    guard let stray else { return }
    hint.setShown(stray.hasDropped)
    if stray.isOpen {
      gtk_window_set_urgency_hint(window.cast(), 0)
      view.focus()
    }
    showTitle()
  }

  /// The title says what is asked once it can be answered.
  private func showTitle() {
    let isOpen = stray?.isOpen ?? false
    gtk_window_set_title(window.cast(), isOpen ? "\(AgentTexts.title): \(scene.title)" : AgentTexts.title)
  }
}
