import CGTK
import FactorView

/// Keeps out what is typed for another window. One that comes up by itself may take the focus in the middle of a word,
/// or of a password and its Enter.
///
/// So it takes no key until nobody has typed for a moment: what is typed before goes nowhere, and makes it wait anew.
/// A click into the window is meant for it, and opens it at once.
@MainActor
final class StrayKeys {
  /// Milliseconds without a key after which one is meant for us; between two keys of a word are less.
  static let pause: UInt32 = 500

  private(set) var isOpen = false
  /// Whether something was kept out since it was closed.
  private(set) var hasDropped = false
  private var timer: UInt32 = 0
  private let changed: @MainActor () -> Void

  /// - Parameter changed: called when it opens or closes, or keeps something out.
  init(_ window: Widget, changed: @escaping @MainActor () -> Void) {
    self.changed = changed
    gtk_widget_add_events(window, Int32(GDK_BUTTON_PRESS_MASK.rawValue))
    // Before the window's own handlers.
    connect(window, "key-press-event", taking: UnsafeMutablePointer<GdkEventKey>.self) { [unowned self] _ in
      if isOpen { return false }
      hasDropped = true
      wait()
      return true
    }
    connect(window, "button-press-event", taking: UnsafeMutablePointer<GdkEventButton>.self) { [unowned self] _ in
      open()
      return false
    }
    connect(window, "focus-in-event", taking: UnsafeMutablePointer<GdkEventFocus>.self) { [unowned self] _ in
      close()
      return false
    }
    connect(window, "focus-out-event", taking: UnsafeMutablePointer<GdkEventFocus>.self) { [unowned self] _ in
      close()
      return false
    }
  }

  func close() {
    isOpen = false
    hasDropped = false
    wait()
  }

  func open() {
    stopWaiting()
    isOpen = true
    hasDropped = false
    changed()
  }

  private func wait() {
    stopWaiting()
    timer = everyMilliseconds(Self.pause) { [unowned self] in
      timer = 0
      open()
      return false
    }
    changed()
  }

  private func stopWaiting() {
    if timer != 0 { g_source_remove(timer) }
    timer = 0
  }
}
