// The words behind the module's name in a line of PAM configuration.

/// Options of a `pam_offline_access.so` line.
struct ModuleOptions {
  /// nil: by the PAM service.
  var purpose: Purpose?
  var quiet = false

  /// An option that this module does not know, as it stands in the file.
  struct Unknown: Error { let text: String }

  /// Reads the options. What is not known is never skipped: a mistyped line must not let anybody in
  /// by other rules than the administrator meant.
  init(
    _ arguments: UnsafeMutablePointer<UnsafePointer<CChar>?>?, count: Int32
  ) throws(Unknown) {
    guard let arguments, count > 0 else { return }
    for index in 0..<Int(count) {
      guard let pointer = arguments[index] else { continue }
      // Bytes that are not UTF-8 turn into U+FFFD, and no option has that.
      let text = String(cString: pointer)
      if text == "quiet" {
        quiet = true
      } else if text.hasPrefix("purpose="), let value = Purpose(rawValue: String(text.dropFirst(8))) {
        purpose = value
      } else {
        throw Unknown(text: text)
      }
    }
  }
}

extension Purpose {
  /// What a PAM service is for, where the line does not say.
  static func usual(for service: String) -> Purpose {
    switch service {
    case "sudo", "sudo-i", "su", "su-l", "polkit-1", "pkexec", "doas", "runuser", "runuser-l":
      .elevation
    case "swaylock", "i3lock", "xsecurelock", "xscreensaver", "vlock", "hyprlock", "gtklock",
      "waylock", "physlock", "kscreenlocker", "kde", "xfce4-screensaver", "mate-screensaver",
      "cinnamon-screensaver", "gnome-screensaver", "light-locker":
      .unlock
    // kde-fingerprint and kde-smartcard: the same locker, asking in parallel.
    default: service.hasPrefix("kde-") ? .unlock : .login
    }
  }
}
