import CGTK
import Conversation
import FactorScene
import OfflineAccess

/// A scene as GTK widgets: picture, headline, what to do, field, buttons.
///
/// Put `widget` into a window, call `show` with each new scene, and do in `actions` what the person asks for. `answer`
/// is called from a handler of GTK; who answers LightDM or polkit from there does so from idle. The Escape key is the
/// host's: let it do what `giveUp` does.
@MainActor
public final class FactorView {
  public struct Actions {
    /// The person answers the prompt.
    public var answer: @MainActor (String) -> Void
    /// The person does not want to wait or answer.
    public var giveUp: @MainActor () -> Void
    /// After a refusal.
    public var tryAgain: @MainActor () -> Void

    public init(
      answer: @escaping @MainActor (String) -> Void, giveUp: @escaping @MainActor () -> Void,
      tryAgain: @escaping @MainActor () -> Void
    ) {
      self.answer = answer
      self.giveUp = giveUp
      self.tryAgain = tryAgain
    }
  }

  public let widget = Make.row(spacing: 24)
  private let actions: Actions
  private let picture: PictureView
  private let title = Make.label(scale: 1.4, bold: true)
  private let detail = Make.label()
  private let name = Make.label(bold: true)
  private let secret = Make.label(scale: 1.1, family: "monospace")
  private let notices = Make.column(spacing: 4)
  private let choices = Make.column(spacing: 6)
  private let entry: Widget = gtk_entry_new()
  private let capsLock = CapsLockHint()
  private let buttons = Make.row(spacing: 8)
  private var proceed: Widget?
  private var tryAgain: Widget?
  private var giveUp: Widget?
  private var scene: Scene?
  private var shownAt: Int64 = 0
  private var countdown: UInt32 = 0
  private var announced = ""

  /// - Parameter pictureSide: about how many pixels a QR code may have on one side.
  public init(_ actions: Actions, pictureSide: Int = 260) {
    self.actions = actions
    picture = PictureView(side: pictureSide)
    let column = Make.column(spacing: 10)
    widget.pack(picture.widget)
    widget.pack(column, expand: true)
    for part in [title, detail, name, secret, notices, choices, entry, capsLock.widget, buttons] { column.pack(part) }
    gtk_label_set_selectable(secret.cast(), 0)
    gtk_label_set_max_width_chars(title.cast(), 36)
    gtk_label_set_max_width_chars(detail.cast(), 48)
    gtk_label_set_max_width_chars(name.cast(), 36)
    gtk_label_set_max_width_chars(secret.cast(), 36)
    title.describe(role: ATK_ROLE_ALERT)
    gtk_entry_set_max_length(entry.cast(), Int32(WireLine.longestAnswer))
    gtk_widget_set_hexpand(entry, 1)
    // The hint below says it in words.
    gtk_shim_set_flag(entry, "caps-lock-warning", 0)
    connect(entry, "activate") { [unowned self] in answerByEntry() }
    gtk_widget_set_halign(buttons, GTK_ALIGN_END)
    addButtons()
    show(Scene(.waiting))
  }

  /// Draws a scene. The same scene again changes nothing, not even what is being typed.
  public func show(_ scene: Scene) {
    guard scene != self.scene else { return }
    let isNewContent = scene.content != self.scene?.content
    self.scene = scene
    shownAt = isNewContent ? Self.now : shownAt
    let uri = if case .phoneSetUp(let setUp) = scene.content { setUp.uri ?? "" } else { "" }
    picture.show(Picture(scene.content), uri: uri)
    setText(title, scene.title)
    showDetail()
    showSetUp(scene)
    showNotices(scene.notices)
    if isNewContent { showInput(scene) }
    startCountdown(scene)
    announce(scene)
  }

  /// Whether there is something to give up or to try again.
  public var canLeave: Bool { [giveUp, tryAgain].contains { $0.map { gtk_widget_get_visible($0) != 0 } ?? false } }

  /// About how many pixels the next QR code may have on one side.
  public var pictureSide: Int {
    get { picture.side }
    set { picture.side = newValue }
  }

  /// Whether a text can be typed now, and the focus is put there.
  @discardableResult
  public func focus() -> Bool {
    // Put off to idle, this may come when the host shows something else.
    guard gtk_widget_is_visible(widget) != 0, let target = focusTarget else { return false }
    gtk_widget_grab_focus(target)
    return target == entry
  }

  // MARK: Input

  private var focusTarget: Widget? {
    if gtk_widget_get_visible(entry) != 0 { return entry }
    if gtk_widget_get_visible(choices) != 0, let first = choices.children.first { return first }
    // Never to what gives up: whoever types ahead of a slow prompt would end it.
    guard let tryAgain, gtk_widget_get_visible(tryAgain) != 0, gtk_widget_get_sensitive(tryAgain) != 0 else {
      return nil
    }
    return tryAgain
  }

  private func addButtons() {
    let giveUp = Make.button(SceneTexts.giveUp) { [unowned self] in actions.giveUp() }
    let tryAgain = Make.button(SceneTexts.tryAgain) { [unowned self] in actions.tryAgain() }
    let proceed = Make.button(SceneTexts.proceed) { [unowned self] in answerByEntry() }
    proceed.addClass("suggested-action")
    tryAgain.addClass("suggested-action")
    for button in [giveUp, tryAgain, proceed] { buttons.pack(button) }
    (self.giveUp, self.tryAgain, self.proceed) = (giveUp, tryAgain, proceed)
  }

  private func showInput(_ scene: Scene) {
    let input = Input(scene.content)
    gtk_entry_set_text(entry.cast(), "")
    entry.setShown(input.field != nil)
    if let field = input.field {
      gtk_entry_set_visibility(entry.cast(), field.isVisible ? 1 : 0)
      gtk_entry_set_placeholder_text(entry.cast(), field.label)
      gtk_entry_set_input_purpose(
        entry.cast(), field.isVisible ? GTK_INPUT_PURPOSE_FREE_FORM : GTK_INPUT_PURPOSE_PASSWORD)
      entry.describe(name: field.label, description: scene.detail())
    }
    capsLock.isWanted = input.field.map { !$0.isVisible } ?? false
    showChoices(input.choices)
    proceed?.setShown(input.field != nil)
    if let proceed { gtk_button_set_label(proceed.cast(), input.proceed) }
    giveUp?.setShown(input.canGiveUp)
    tryAgain?.setShown(input.canTryAgain)
    whenIdle { [weak self] in self?.focus() }
  }

  private func showChoices(_ choices: [(RecognisedText.Answer, String)]) {
    for child in self.choices.children { gtk_widget_destroy(child) }
    for (answer, text) in choices {
      let button = Make.button(text) { [unowned self] in actions.answer(answer.rawValue) }
      self.choices.pack(button)
      gtk_widget_show(button)
    }
    self.choices.setShown(!choices.isEmpty)
  }

  private func answerByEntry() {
    guard gtk_widget_get_visible(entry) != 0 else { return }
    let text = String(cString: gtk_entry_get_text(entry.cast()))
    gtk_entry_set_text(entry.cast(), "")
    actions.answer(text)
  }

  // MARK: Words

  /// What of a set-up is to be compared or typed.
  private func showSetUp(_ scene: Scene) {
    let setUp = if case .phoneSetUp(let setUp) = scene.content { setUp } else { PhoneSetUp?.none }
    show(setUp?.name ?? "", in: name, caption: "Name in the app")
    show(setUp?.secret ?? "", in: secret, caption: "Key to type into the app")
  }

  private func show(_ text: String, in label: Widget, caption: String) {
    setText(label, text)
    label.describe(name: text.isEmpty ? "" : "\(caption): \(text)")
    label.setShown(!text.isEmpty)
  }

  private func showNotices(_ texts: [Notice]) {
    for child in notices.children { gtk_widget_destroy(child) }
    for notice in texts {
      let label = Make.label(notice.text, bold: notice.isError)
      gtk_label_set_max_width_chars(label.cast(), 48)
      if notice.isError { label.addClass("error") }
      notices.pack(label)
      gtk_widget_show(label)
    }
    notices.setShown(!texts.isEmpty)
  }

  /// Microseconds of a clock that nobody sets.
  private static var now: Int64 { Int64(g_get_monotonic_time()) }
  private var secondsShown: Int64 { (Self.now - shownAt) / 1_000_000 }

  private func showDetail() {
    guard let scene else { return }
    let text = scene.detail(after: secondsShown)
    setText(detail, text)
    detail.setShown(!text.isEmpty)
  }

  /// Counts a wait down, second by second, and lets the person try again when it is over.
  private func startCountdown(_ scene: Scene) {
    if countdown != 0 { g_source_remove(countdown) }
    countdown = 0
    guard let tryAgain else { return }
    let wait = if case .refused(let refused) = scene.content { refused.wait } else { Int64?.none }
    gtk_widget_set_sensitive(tryAgain, wait == nil ? 1 : 0)
    guard let wait else { return }
    countdown = everyMilliseconds(250) { [weak self] in
      guard let self else { return false }
      showDetail()
      guard secondsShown >= wait else { return true }
      countdown = 0
      gtk_widget_set_sensitive(tryAgain, 1)
      focus()
      return false
    }
  }

  /// Lets a screen reader say what has changed, once.
  private func announce(_ scene: Scene) {
    let name = if case .phoneSetUp(let setUp) = scene.content { setUp.name } else { "" }
    let texts = scene.notices.map(\.text) + [scene.title, scene.detail(), name]
    let text = texts.filter { !$0.isEmpty }.joined(separator: " ")
    guard text != announced else { return }
    announced = text
    // Between two questions; the same one is worth saying again behind it.
    guard scene.content != .waiting else { return }
    guard let accessible = gtk_widget_get_accessible(title) else { return }
    gtk_shim_emit_text(accessible, "announcement", text)
  }
}

/// What a person can do in a scene.
private struct Input {
  var field: (label: String, isVisible: Bool)?
  var choices: [(RecognisedText.Answer, String)] = []
  var canGiveUp = true
  var canTryAgain = false
  var proceed = SceneTexts.proceed

  init(_ content: Scene.Content) {
    switch content {
    case .waiting, .securityKey, .contacting, .approval: break
    case .question(let question):
      field = (question.label, question.isVisible)
      if question.kind == .approvalOrPasscode { proceed = SceneTexts.stillWaiting }
    case .phoneSetUp: field = (SceneTexts.codeLabel, true)
    case .offer(let offer):
      choices = offer.methods.map { (RecognisedText.Answer($0), SceneTexts.choice($0)) }
      if offer.mayPutOff { choices.append((.later, SceneTexts.later)) }
    case .accepted: canGiveUp = false
    case .refused:
      canGiveUp = false
      canTryAgain = true
    }
  }
}

extension UnsafeMutablePointer where Pointee == GtkWidget {
  /// What is in a container.
  public var children: [Widget] {
    let list = gtk_container_get_children(cast())
    defer { g_list_free(list) }
    var children: [Widget] = []
    var next = list
    while let item = next {
      if let data = item.pointee.data { children.append(data.assumingMemoryBound(to: GtkWidget.self)) }
      next = item.pointee.next
    }
    return children
  }
}
