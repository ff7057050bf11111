import CGTK
import CLightDM
import FactorView

/// Somebody whom the list of users shows.
struct ListedUser: Equatable {
  var name: String
  var displayName: String
  var isLoggedIn: Bool
}

/// Something to choose: a session, a language, a layout of the keyboard.
struct Choice: Equatable {
  /// What LightDM calls it.
  var key: String
  var name: String
}

/// What LightDM's library knows of this computer and its users.
@MainActor
enum Lists {
  static var users: [ListedUser] {
    items(lightdm_user_list_get_users(list), as: LightDMUser.self).compactMap { user in
      guard let name = text(lightdm_user_get_name(user)) else { return nil }
      let displayName = text(lightdm_user_get_display_name(user)) ?? name
      return ListedUser(
        name: name, displayName: displayName, isLoggedIn: lightdm_user_get_logged_in(user) != 0)
    }
  }

  /// Calls back when users come, go or change.
  static func watchUsers(_ changed: @escaping @MainActor () -> Void) {
    guard let list else { return }
    for signal in ["user-added", "user-changed", "user-removed"] { connect(list, signal, changed) }
  }

  static var sessions: [Choice] {
    items(lightdm_get_sessions(), as: LightDMSession.self).compactMap {
      choice(lightdm_session_get_key($0), lightdm_session_get_name($0))
    }
  }

  /// Slow the first time: it asks the programs of the C library.
  static var languages: [Choice] {
    items(lightdm_get_languages(), as: LightDMLanguage.self).compactMap(choice).sorted { $0.name < $1.name }
  }

  static var layouts: [Choice] {
    items(lightdm_get_layouts(), as: LightDMLayout.self).compactMap(choice).sorted { $0.name < $1.name }
  }

  /// The layout that the X server began with: LightDM's library looks once.
  static var firstLayout: Choice? { lightdm_get_layout().flatMap(choice) }

  /// Changes the layout of the keyboard.
  ///
  /// - Returns: the layout; nil where there is none of this name.
  @discardableResult
  static func setLayout(_ key: String) -> Choice? {
    let all = items(lightdm_get_layouts(), as: LightDMLayout.self)
    guard let layout = all.first(where: { text(lightdm_layout_get_name($0)) == key }) else { return nil }
    lightdm_set_layout(layout)
    return choice(layout)
  }

  // MARK: What a user chose last

  static func session(of user: String) -> String? { find(user).flatMap { text(lightdm_user_get_session($0)) } }
  static func language(of user: String) -> Choice? {
    guard let code = find(user).flatMap({ text(lightdm_user_get_language($0)) }) else { return nil }
    // One language has several spellings, such as .utf8 and .UTF-8.
    let language = items(lightdm_get_languages(), as: LightDMLanguage.self).first {
      lightdm_language_matches($0, code) != 0
    }
    return language.flatMap(choice) ?? Choice(key: code, name: code)
  }
  static func layout(of user: String) -> String? { find(user).flatMap { text(lightdm_user_get_layout($0)) } }

  // MARK: LightDM's lists

  private static var list: UnsafeMutablePointer<LightDMUserList>? { lightdm_user_list_get_instance() }

  private static func find(_ user: String) -> UnsafeMutablePointer<LightDMUser>? {
    list.flatMap { lightdm_user_list_get_user_by_name($0, user) }
  }

  private static func choice(_ key: UnsafePointer<CChar>?, _ name: UnsafePointer<CChar>?) -> Choice? {
    text(key).map { Choice(key: $0, name: text(name) ?? $0) }
  }

  private static func choice(_ language: UnsafeMutablePointer<LightDMLanguage>) -> Choice? {
    guard let code = text(lightdm_language_get_code(language)) else { return nil }
    let name = text(lightdm_language_get_name(language)) ?? code
    let territory = text(lightdm_language_get_territory(language))
    return Choice(key: code, name: territory.map { "\(name) (\($0))" } ?? name)
  }

  private static func choice(_ layout: UnsafeMutablePointer<LightDMLayout>) -> Choice? {
    choice(lightdm_layout_get_name(layout), lightdm_layout_get_description(layout))
  }

  /// The items of a list that stays LightDM's.
  private static func items<Item>(
    _ list: UnsafeMutablePointer<GList>?, as type: Item.Type
  ) -> [UnsafeMutablePointer<Item>] {
    var items: [UnsafeMutablePointer<Item>] = []
    var next = list
    while let item = next {
      if let data = item.pointee.data { items.append(data.assumingMemoryBound(to: Item.self)) }
      next = item.pointee.next
    }
    return items
  }
}
