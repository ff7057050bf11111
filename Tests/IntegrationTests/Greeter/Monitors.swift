import Foundation
import Testing

extension IntegrationTests.LoginScreens {
  /// An X server with several outputs, as RandR has them.
  @Suite("Monitors")
  struct Monitors {
    private let user: String

    init() throws {
      try Machine.reset("[Service]\nidle-exit=0\n")
      user = try IntegrationTests.LoginScreens.newUser()
    }

    private static let left = "1024x768+0+0"
    /// Lower than the other one, so that a part of the screen belongs to neither.
    private static let right = "800x600+1024+0"

    private func expectWindows(_ names: [String], _ screen: LoginScreen) throws {
      var windows: [String] = []
      do {
        try waitUntil("the windows are \(names)") {
          windows = try screen.windows()
          return windows == names
        }
      } catch {
        Issue.record("\(windows)")
        throw error
      }
    }

    @Test("the login is on the primary monitor, the other is covered, and no window reaches over both")
    func two() throws {
      let screen = try LoginScreen(.init(showsUsers: false, monitors: [Self.left, Self.right]))
      try expectWindows(["\(Self.left) Background", "\(Self.right) Login"], screen)
      let pixels = try Pixels(screen)
      // Nothing but the colour that is around the login, either.
      let around = pixels.colours(in: Area(left: 1024, top: 560, width: 800, height: 40))
      #expect(around.count == 1)
      #expect(pixels.colours(in: Area(left: 0, top: 0, width: 1024, height: 768)).keys == around.keys)
      #expect(pixels.colours(in: Area(left: 1024, top: 0, width: 800, height: 560)).count > around.count)
      try screen.name(user)
      try screen.wait("password", of: user)
    }

    @Test("a monitor that is plugged in is covered, and one that is pulled out takes no login with it")
    func plugged() throws {
      let screen = try LoginScreen(.init(showsUsers: false, monitors: [Self.left]))
      try screen.name(user)
      try screen.wait("password", of: user)
      try expectWindows(["\(Self.left) Login"], screen)
      try screen.plug([Self.left, Self.right])
      try expectWindows(["\(Self.left) Background", "\(Self.right) Login"], screen)
      try screen.plug([Self.left])
      try expectWindows(["\(Self.left) Login"], screen)
      // The keyboard is still the login's.
      try screen.answer("wrong")
      try screen.wait("password", of: user, saying: "error: That was not right.")
    }
  }
}
