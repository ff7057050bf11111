import BusClient
import CGTK
import FactorScene
import FactorView

/// The middle of the screen: who logs in, what they have left, and the scene; or the field for a name.
@MainActor
final class Card {
  let widget = Make.column(spacing: 14)
  let view: FactorView
  private let user = Make.label(scale: 1.6, bold: true)
  private let allowance = Make.label()
  private let naming = Make.column(spacing: 10)
  private let name: Widget = gtk_entry_new()
  private let named: @MainActor (String) -> Void

  /// - Parameter named: a name was typed.
  init(_ actions: FactorView.Actions, pictureSide: Int, named: @escaping @MainActor (String) -> Void) {
    view = FactorView(actions, pictureSide: pictureSide)
    self.named = named
    widget.addClass("greeter-card")
    gtk_widget_set_valign(widget, GTK_ALIGN_CENTER)
    allowance.addClass("dim-label")
    for part in [user, allowance, naming, view.widget] { widget.pack(part) }
    buildNaming()
  }

  private func buildNaming() {
    let label: Widget = Make.label("User name")
    gtk_label_set_mnemonic_widget(label.cast(), name)
    name.describe(name: "User name")
    gtk_entry_set_max_length(name.cast(), 256)
    connect(name, "activate") { [unowned self] in enter() }
    let button = Make.button(SceneTexts.proceed) { [unowned self] in enter() }
    button.addClass("suggested-action")
    gtk_widget_set_halign(button, GTK_ALIGN_END)
    for part in [label, name, button] { naming.pack(part) }
  }

  private func enter() {
    let text = String(cString: gtk_entry_get_text(name.cast()))
    if !text.isEmpty { named(text) }
  }

  /// Asks for a name.
  func askName() {
    setText(user, "Who is there?")
    show(nil)
    gtk_entry_set_text(name.cast(), "")
    naming.setShown(true)
    view.widget.setShown(false)
    gtk_widget_grab_focus(name)
  }

  /// Puts the focus where something is to be typed or chosen.
  func focus() {
    if gtk_widget_get_visible(naming) != 0 { gtk_widget_grab_focus(name) } else { view.focus() }
  }

  /// Shows a scene about somebody.
  func show(_ scene: Scene, of person: String) {
    setText(user, person)
    naming.setShown(false)
    view.widget.setShown(true)
    view.show(scene)
    self.scene = scene
    // Later scenes tell themselves what is left.
    allowance.setShown(!remark.isEmpty && scene.isForPassword)
  }

  private var remark = ""
  private var scene: Scene?

  /// Shows what a person has left, before they type anything; nil where that is not known.
  func show(_ allowance: Allowance?) {
    remark = allowance.map { $0.activated ? $0.message : "" } ?? ""
    setText(self.allowance, remark)
    if let scene { self.allowance.setShown(!remark.isEmpty && scene.isForPassword) }
  }

  /// Something outside the scene went wrong.
  func tell(_ words: String) {
    remark = words
    setText(allowance, words)
    allowance.setShown(true)
  }

  /// Whether the scene can be left for the one before.
  var canLeave: Bool { gtk_widget_get_visible(view.widget) != 0 && view.canLeave }

  func fit(width: Int, height: Int) {
    view.pictureSide = Greeter.pictureSide((width, height))
    // So wide that it seldom changes with what it shows.
    gtk_widget_set_size_request(widget, Int32(min(520, width * 6 / 10)), -1)
  }
}

extension Scene {
  /// Whether PAM's first question is asked, or about to be.
  var isForPassword: Bool {
    switch content {
    case .question(let question): question.kind == .password
    case .waiting: true
    case .securityKey, .contacting, .approval, .offer, .phoneSetUp, .accepted, .refused: false
    }
  }
}
