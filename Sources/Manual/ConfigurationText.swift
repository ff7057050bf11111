import OfflineAccess

/// The keys of the configuration, for the manual and for the file that is installed.
enum ConfigurationText {
  private static let defaults = Policy()

  /// Sections in the order of the list of settings, each with its keys.
  private static var sections: [(name: String, settings: [Setting])] {
    var sections: [(name: String, settings: [Setting])] = []
    for setting in Setting.all {
      if let index = sections.firstIndex(where: { $0.name == setting.section }) {
        sections[index].settings.append(setting)
      } else {
        sections.append((setting.section, [setting]))
      }
    }
    return sections
  }

  /// For `@CONFIGURATION@`.
  static var reference: [String] {
    sections.flatMap { section in
      [Mdoc.macro("Ss", Mdoc.quoted("[\(section.name)]"))] + Mdoc.list(section.settings.map(item))
    }
  }

  private static func item(_ setting: Setting) -> (term: String, body: [String]) {
    let standard = setting.text(in: defaults)
    let values = [Mdoc.macro("Pp")] + Mdoc.prose("Value: \(setting.values).")
    return (
      "Cm " + Mdoc.word(setting.key),
      Mdoc.prose(setting.summary) + values
        + (standard.isEmpty
          ? ["The default is empty."] : ["The default is", Mdoc.macro("Ql", Mdoc.word(standard) + " .")])
    )
  }

  /// `data/offline-access.conf`: every key with its default, commented out.
  static var file: String {
    let introduction = """
      # Offline Access: see offline-access.conf(5). Every key is optional; what stands here behind "#" is
      # the default. Drop-ins in offline-access.conf.d/*.conf override this file. An error in here closes
      # the door, so check with `offline-access doctor` before you log out.

      """
    return introduction
      + sections.map { section in
        "\n[\(section.name)]\n"
          + section.settings.map { setting in
            comment(setting.summary) + comment("Value: \(setting.values)")
              + "#\(setting.key)=\(setting.text(in: defaults))\n"
          }.joined(separator: "\n")
      }.joined()
  }

  /// `text` behind number signs, in lines of at most 100 characters.
  private static func comment(_ text: String) -> String {
    var lines: [String] = []
    for word in text.split(separator: " ") {
      if let last = lines.last, last.count + 1 + word.count <= 100 {
        lines[lines.count - 1] = "\(last) \(word)"
      } else {
        lines.append("# \(word)")
      }
    }
    return lines.map { $0 + "\n" }.joined()
  }
}
