extension AuthoritySettings {
  /// The name that the authority knows the user by; nil when the template has an unknown or unfinished `%`.
  public func name(of subject: OnlineSubject) -> String? {
    var name = ""
    var rest = userTemplate[...]
    while let character = rest.popFirst() {
      guard character == "%" else {
        name.append(character)
        continue
      }
      switch rest.popFirst() {
      case "u": name += subject.user
      case "h": name += subject.machine
      case "%": name += "%"
      default: return nil
      }
    }
    return name
  }
}
