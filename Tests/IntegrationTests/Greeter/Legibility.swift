import Foundation
import Testing

/// A part of the screen, in pixels.
struct Area {
  var left: Int
  var top: Int
  var width: Int
  var height: Int

  func contains(_ other: Area) -> Bool {
    left <= other.left && top <= other.top && other.left + other.width <= left + width
      && other.top + other.height <= top + height
  }

  /// Without a margin on each side.
  func inset(by margin: Int) -> Area {
    Area(left: left + margin, top: top + margin, width: width - 2 * margin, height: height - 2 * margin)
  }
}

struct Colour: Hashable {
  var red: UInt8
  var green: UInt8
  var blue: UInt8

  /// Relative luminance, WCAG 2.1.
  var luminance: Double {
    func linear(_ value: UInt8) -> Double {
      let part = Double(value) / 255
      return part <= 0.03928 ? part / 12.92 : pow((part + 0.055) / 1.055, 2.4)
    }
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
  }

  /// Contrast ratio, WCAG 2.1: from 1 to 21.
  func contrast(to other: Colour) -> Double {
    let (one, two) = (luminance, other.luminance)
    return (max(one, two) + 0.05) / (min(one, two) + 0.05)
  }
}

/// What is on the screen, pixel by pixel.
struct Pixels {
  private let width: Int
  private let height: Int
  private let bytes: [UInt8]

  init(_ screen: LoginScreen) throws { try self.init(picture: screen.picture()) }

  init(picture: String) throws {
    let size = try run("identify", "-format", "%w %h", picture).output.split(separator: " ").map { Int($0) }
    (width, height) = (try #require(size.first ?? nil), try #require(size.last ?? nil))
    let file = "\(LoginScreen.folder)/pixels"
    try run("convert", picture, "-depth", "8", "rgb:\(file)").expectSuccess()
    bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
    try #require(bytes.count == 3 * width * height)
  }

  var area: Area { Area(left: 0, top: 0, width: width, height: height) }

  /// What is there, to be compared.
  func part(_ area: Area) -> [UInt8] {
    var found: [UInt8] = []
    for y in area.top..<area.top + area.height {
      let start = 3 * (y * width + area.left)
      found += bytes[start..<start + 3 * area.width]
    }
    return found
  }

  /// The colours there, and how many pixels each has.
  func colours(in area: Area) -> [Colour: Int] {
    var found: [Colour: Int] = [:]
    for y in area.top..<area.top + area.height {
      for x in area.left..<area.left + area.width {
        let at = 3 * (y * width + x)
        found[Colour(red: bytes[at], green: bytes[at + 1], blue: bytes[at + 2]), default: 0] += 1
      }
    }
    return found
  }

  /// How well what is written there stands out from what it is written on. Thin strokes are nowhere as dark as their
  /// colour, so this is a little less than the contrast of the colours themselves.
  func contrast(in area: Area) -> Double {
    let colours = colours(in: area)
    guard let ground = colours.max(by: { $0.value < $1.value })?.key else { return 1 }
    return colours.keys.map { $0.contrast(to: ground) }.max() ?? 1
  }
}

extension IntegrationTests.LoginScreens {
  @Suite("Legibility")
  struct Legibility {
    private let user: String

    init() throws {
      try Machine.reset("[Service]\nidle-exit=0\n")
      user = try IntegrationTests.LoginScreens.newUser()
    }

    /// WCAG 2.1: 1.4.3 Contrast (Minimum), level AA, and 1.4.6 Contrast (Enhanced), level AAA.
    private static let minimum = 4.5
    private static let enhanced = 7.0

    /// The contrast of each text on the screen, by its name.
    private func contrasts(_ screen: LoginScreen, _ reader: Accessibility) throws -> [String: Double] {
      let nodes = try reader.showing()
      let pixels = try Pixels(screen)
      let pane = nodes.first { $0.role == "scroll pane" }?.area
      var found: [String: Double] = [:]
      for node in nodes where ["label", "alert", "push button", "toggle button"].contains(node.role) {
        guard let area = node.area, pixels.area.contains(area) else { continue }
        // Of the list some are out of sight.
        let isListed = pane.map { area.left < $0.left + $0.width && area.top > $0.top - area.height } ?? false
        if isListed, let pane, !pane.contains(area) { continue }
        // Without the frame of a button.
        let inner = node.role.hasSuffix("button") ? area.inset(by: 5) : area
        guard inner.width > 0, inner.height > 0 else { continue }
        let name = "\(isListed ? "listed " : "")\(node.role) \(node.name)"
        found[found[name] == nil ? name : "\(name), again"] = pixels.contrast(in: inner)
      }
      return found
    }

    @Test("every text is legible, and high contrast, switched on by the keyboard, makes it more so")
    func highContrast() throws {
      _ = try Phone.activated(user)
      let screen = try LoginScreen(.init(isAccessible: true))
      let reader = try Accessibility()
      try screen.select(user)
      try screen.waitAnywhere("allowance \(user)")
      try screen.answer("wrong")
      try screen.wait("password", of: user, saying: "error: That was not right.")
      let usual = try contrasts(screen, reader)
      // White on blue, for the button that goes on and for the selected user, is the usual theme's own choice.
      let blue = ["push button Continue", "listed label \(user)"]
      let plain = usual.filter { !blue.contains($0.key) }
      #expect(usual[blue[0]] != nil)
      for (name, contrast) in plain { #expect(contrast >= Self.minimum, "\(name)") }
      try setHighContrast(true, screen, reader)
      let high = try contrasts(screen, reader)
      // The clock may have gone on, and of a long list others may be in sight.
      func lasting(_ names: some Sequence<String>) -> [String] {
        names.filter { !$0.contains(":") && !$0.hasPrefix("listed ") }.sorted()
      }
      #expect(lasting(high.keys) == lasting(usual.keys))
      for (name, contrast) in high { #expect(contrast >= Self.enhanced, "\(name)") }
      try setHighContrast(false, screen, reader)
      let again = try contrasts(screen, reader)
      for (name, contrast) in plain where again[name] != nil { #expect(again[name] == contrast, "\(name)") }
      try screen.answer(Machine.password)
      try screen.wait("passcode", of: user)
    }

    /// Switches it by the keyboard and goes back to the field.
    private func setHighContrast(_ isOn: Bool, _ screen: LoginScreen, _ reader: Accessibility) throws {
      // Past the list of users and Power.
      for _ in 0..<3 { try screen.press("shift+Tab") }
      try reader.wait(focused: "toggle button", "Display")
      try screen.press("space")
      try reader.wait(focused: "check box", "High contrast")
      try screen.press("space")
      try waitUntil("high contrast is \(isOn)") {
        try reader.showing().contains { $0.name == "High contrast" && $0.isIn("checked") == isOn }
      }
      try screen.press("Escape")
      try waitUntil("the menu is closed") { try !reader.showing().contains { $0.name == "High contrast" } }
      for _ in 0..<3 { try screen.press("Tab") }
      try reader.wait(focused: "password text", "Password")
    }
  }
}
