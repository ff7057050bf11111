import CGTK
import CLightDM
import FactorScene
import FactorView
import Glibc

/// The whole greeter: puts the parts together and keeps them in step.
@MainActor
final class Greeter {
  private let daemon = Daemon()
  private let login: Login
  private let screens = Screens()
  private let users: UserListView
  private lazy var card = Card(
    FactorView.Actions(
      answer: { [unowned self] in login.answer($0) }, giveUp: { [unowned self] in giveUp() },
      tryAgain: { [unowned self] in again() }),
    pictureSide: Self.pictureSide(screens.size), named: { [unowned self] in begin(.user($0)) })
  private lazy var bar = TopBar(
    chosen: { [unowned self] in whenIdle { self.card.focus() } }, failed: { [unowned self] in card.tell($0) })
  private lazy var lookUp = AllowanceLookUp { [unowned self] user, allowance in
    guard login.person?.name == user else { return }
    card.show(allowance)
    Trace.write("allowance \(user) | \(allowance.message)")
  }
  private var languageOfUser: String?

  init() throws(DaemonFailure) {
    try daemon.connectToDaemon()
    login = Login(daemon)
    users = UserListView()
    users.chosen = { [unowned self] in select($0) }
    login.changed = { [unowned self] in showScene() }
    login.session = { [unowned self] in bar.session.chosen?.key }
    login.language = { [unowned self] in
      let code = bar.language.chosen?.key
      return code == languageOfUser ? nil : code
    }
    login.isKnown = { [unowned self] code in login.person?.name.flatMap(Lists.language)?.key == code }
    build()
  }

  /// Shows the first frame and begins for whoever is selected.
  func show() {
    fillUsers()
    Lists.watchUsers { [unowned self] in whenIdle { self.fillUsers() } }
    bar.session.show(key: daemon.defaultSession)
    bar.layout.show(Lists.firstLayout)
    gtk_widget_show_all(screens.main)
    screens.arrange()
    selectFirst()
    Trace.watch(screens.main)
  }

  // MARK: Who logs in

  private func fillUsers() {
    var entries: [UserListView.Entry] = daemon.hidesUsers ? [] : Lists.users.map { .user($0) }
    if daemon.hasGuest { entries.append(.guest) }
    if daemon.offersTyping || daemon.hidesUsers || entries.isEmpty { entries.append(.typed) }
    users.show(entries)
    users.widget.setShown(entries.count > 1)
  }

  private func selectFirst() {
    let wanted = daemon.selectedUser
    if daemon.selectsGuest {
      begin(.guest)
    } else if let wanted {
      begin(.user(wanted))
    } else if let first = users.entries.first {
      select(first)
    }
  }

  private func select(_ entry: UserListView.Entry) {
    switch entry {
    case .user(let user): begin(.user(user.name))
    case .guest: begin(.guest)
    case .typed:
      users.select { $0 == .typed }
      showChoices(of: nil)
      login.leave()
    }
  }

  private func begin(_ person: Person) {
    users.select { $0.stands(for: person) }
    if users.selected == nil { users.select { $0 == .typed } }
    card.show(nil)
    showChoices(of: person.name)
    lookUp.ask(person.name)
    login.begin(person)
  }

  /// What a user chose the last time, or what is usual here. Whoever chose something before they were named chose it for
  /// themselves.
  private func showChoices(of user: String?) {
    let isTheirs = user != nil && (login.person == nil || login.person?.name == user)
    let language = user.flatMap(Lists.language)
    languageOfUser = language?.key
    if !(isTheirs && bar.language.isByHand) { bar.language.show(language) }
    if !(isTheirs && bar.session.isByHand) {
      bar.session.show(key: user.flatMap(Lists.session) ?? daemon.defaultSession)
    }
    // The keyboard is the computer's: what somebody chose for it is left only for the layout of a user who has one.
    let layout = user.flatMap(Lists.layout)
    if !bar.layout.isByHand || (layout != nil && !isTheirs) {
      bar.layout.show((layout ?? Lists.firstLayout?.key).flatMap(Lists.setLayout))
    }
  }

  /// A way out of whatever is asked or waited for: back to the password, and from there to the name.
  private func giveUp() {
    if login.scene.isForPassword, users.entries.contains(.typed) { select(.typed) } else { again() }
  }

  private func again() {
    lookUp.ask(login.person?.name)
    login.giveUp()
  }

  // MARK: The screen

  private func showScene() {
    guard let person = login.person else {
      card.askName()
      Trace.write("name")
      return
    }
    card.show(login.scene, of: displayName(person))
    Trace.write(login.scene, user: person.name ?? "")
  }

  private func displayName(_ person: Person) -> String {
    switch person {
    case .user(let name):
      for case .user(let user) in users.entries where user.name == name { return user.displayName }
      return name
    case .guest: return UserListView.Entry.guest.name
    case .automatic: return ""
    }
  }

  private func build() {
    let column = Make.column(spacing: 0)
    column.pack(bar.widget)
    let middle = Make.row(spacing: 24)
    middle.addClass("greeter-middle")
    gtk_widget_set_halign(middle, GTK_ALIGN_CENTER)
    gtk_widget_set_valign(middle, GTK_ALIGN_CENTER)
    gtk_widget_set_valign(users.widget, GTK_ALIGN_CENTER)
    middle.pack(users.widget)
    middle.pack(card.widget)
    // By itself GTK would begin with whatever stands a little higher.
    gtk_shim_set_focus_order(middle, users.widget, card.widget)
    column.pack(middle, expand: true)
    gtk_container_add(screens.main.cast(), column)
    screens.main.addClass("greeter")
    Style.load()
    connect(screens.main, "key-press-event", taking: UnsafeMutablePointer<GdkEventKey>.self) { [unowned self] event in
      let focus = gtk_window_get_focus(screens.main.cast())
      // A list that is open has the key for itself.
      let isInList = focus.map { gtk_widget_get_ancestor($0, gtk_popover_get_type()) != nil } ?? false
      guard event.pointee.keyval == GDK_KEY_Escape, !isInList, login.person != nil, card.canLeave else { return false }
      giveUp()
      return true
    }
    screens.resized = { [unowned self] width, height in
      card.fit(width: width, height: height)
      users.fit(height: height)
    }
  }

  /// About how large a QR code may be, beside its words.
  static func pictureSide(_ screen: (width: Int, height: Int)) -> Int {
    min(screen.width * 34 / 100, screen.height * 45 / 100)
  }
}

extension UserListView.Entry {
  func stands(for person: Person) -> Bool {
    switch (self, person) {
    case (.user(let user), .user(let name)): user.name == name
    case (.guest, .guest): true
    default: false
    }
  }
}
