import CGTK
import CLightDM
import FactorView

/// The upper edge: the computer's name, the time, and what can be chosen.
@MainActor
final class TopBar {
  let widget = Make.row(spacing: 6)
  let session: ChoiceButton
  let language: ChoiceButton
  let layout: ChoiceButton
  private let clock = Make.label(wraps: false, bold: true)
  private let display = DisplayButton()
  private let power: PowerButton

  /// - Parameters:
  ///   - chosen: something was chosen, and the person goes on elsewhere.
  ///   - failed: something cannot be done, with why.
  init(chosen: @escaping @MainActor () -> Void, failed: @escaping @MainActor (String) -> Void) {
    session = ChoiceButton("Session", items: { Lists.sessions }, changed: { _ in chosen() })
    language = ChoiceButton("Language", items: { Lists.languages }, changed: { _ in chosen() })
    layout = ChoiceButton("Keyboard", items: { Lists.layouts }) {
      Lists.setLayout($0.key)
      chosen()
    }
    power = PowerButton(failed: failed)
    widget.addClass("greeter-bar")
    let host = Make.label(text(lightdm_get_hostname()) ?? "", wraps: false)
    host.describe(name: "This computer: \(text(lightdm_get_hostname()) ?? "")")
    widget.pack(host)
    widget.pack(Make.row(spacing: 0), expand: true)
    widget.pack(clock)
    widget.pack(Make.row(spacing: 0), expand: true)
    for part in [session.widget, language.widget, layout.widget, display.widget, power.widget] {
      widget.pack(part)
    }
    showTime()
    everyMilliseconds(1_000) { [weak self] in
      self?.showTime()
      return self != nil
    }
  }

  private func showTime() {
    guard let now = g_date_time_new_now_local() else { return }
    defer { g_date_time_unref(now) }
    guard let words = g_date_time_format(now, "%a %-e %B, %H:%M") else { return }
    defer { g_free(words) }
    if strcmp(words, gtk_label_get_text(clock.cast())) != 0 { gtk_label_set_text(clock.cast(), words) }
  }
}
