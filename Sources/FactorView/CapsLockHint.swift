import CGTK
import FactorScene

/// Says that Caps Lock is on, while something hidden is typed.
@MainActor
final class CapsLockHint {
  let widget = Make.label(bold: true)
  var isWanted = false { didSet { update() } }

  init() {
    setText(widget, SceneTexts.capsLock)
    widget.describe(name: SceneTexts.capsLock, role: ATK_ROLE_ALERT)
    if let keymap { connect(UnsafeMutableRawPointer(keymap), "state-changed") { [weak self] in self?.update() } }
    update()
  }

  private var keymap: OpaquePointer? { gdk_keymap_get_for_display(gdk_display_get_default()) }

  private func update() {
    widget.setShown(isWanted && keymap.map { gdk_keymap_get_caps_lock_state($0) != 0 } ?? false)
  }
}
