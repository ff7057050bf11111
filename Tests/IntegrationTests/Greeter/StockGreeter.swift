import Foundation
import Testing

extension IntegrationTests.LoginScreens {
  /// lightdm-gtk-greeter as Debian has it, which knows nothing of this project: the texts of PAM alone.
  @Suite("lightdm-gtk-greeter, unchanged")
  struct StockGreeter {
    private let user: String

    init() throws {
      try Machine.reset("[Service]\nidle-exit=0\n")
      user = try IntegrationTests.LoginScreens.newUser()
    }

    private func screen() throws -> (LoginScreen, Accessibility) {
      let screen = try LoginScreen(
        .init(greeter: .gtk, showsUsers: false, isAccessible: true))
      return (screen, try Accessibility())
    }

    @Test("password and passcode log in, and the prompt says what is left")
    func passcode() throws {
      let phone = try Phone.activated(user)
      let (screen, reader) = try screen()
      try reader.wait(focused: "text")
      try screen.answer(user)
      try reader.wait(focused: "password text")
      try screen.answer(Machine.password)
      try reader.wait(for: "label", "Offline passcode (10 logins left)")
      try screen.answer(phone.nextCode())
      try screen.waitForSession(of: user)
    }

    @Test("a touch logs in, asked for in words")
    func touch() throws {
      let host = try SoftKeyHost()
      try host.underService {
        try host.plug("mine")
        _ = try KeyedUser(host, user: user)
        try host.tell("set mine touch=by-command")
        let (screen, reader) = try screen()
        try reader.wait(focused: "text")
        try screen.answer(user)
        try reader.wait(focused: "password text")
        try screen.answer(Machine.password)
        try reader.wait(for: "label", "Touch your security key (10 logins left)")
        try host.touchWhenBlinking("mine")
        try screen.waitForSession(of: user)
      }
    }
  }
}
