import Foundation
import Testing

extension IntegrationTests.LoginScreens {
  @Suite("Security keys at the greeter")
  struct KeyAtGreeter {
    private let host: SoftKeyHost
    private let user: String

    init() throws {
      try Machine.reset("[Service]\nidle-exit=0\n[Activation]\nstanding-alone=first-login\n")
      host = try SoftKeyHost()
      user = try IntegrationTests.LoginScreens.newUser()
    }

    @Test("the key is asked for, the wrong one is seen, and a touch of the right one starts a session")
    func login() throws {
      try host.underService {
        try host.plug("mine")
        _ = try KeyedUser(host, user: user)
        try host.tell("set mine touch=by-command")
        try host.unplug("mine")
        let screen = try LoginScreen()
        try screen.select(user)
        try screen.answer(Machine.password)
        try screen.wait("key-insert", of: user, saying: "Plug in your security key")
        try host.plug("another")
        try screen.wait("key-wrong", of: user)
        try host.unplug("another")
        try host.plug("mine")
        try screen.wait("key-touch", of: user, saying: "Touch your security key")
        try host.touchWhenBlinking("mine")
        try screen.wait("accepted", of: user, saying: "Security key accepted")
        try screen.waitForSession(of: user)
        #expect(try Factor.root.allowance(user)["remaining"] == "9")
      }
    }

    @Test("a set-up asks for two touches, one after the other, and lets in")
    func setUp() throws {
      try host.underService {
        try host.plug("mine")
        try host.tell("set mine touch=by-command")
        let screen = try LoginScreen()
        try screen.select(user)
        try screen.answer(Machine.password)
        try screen.wait("offer", of: user)
        try screen.press("Tab", "Return")
        try screen.wait("key-touch", of: user, saying: "Touch 1 of 2")
        try host.touchWhenBlinking("mine")
        try screen.wait("key-touch", of: user, saying: "Touch 2 of 2")
        try host.touchWhenBlinking("mine")
        try screen.wait("accepted", of: user)
        try screen.waitForSession(of: user)
        #expect(try Factor.root.allowance(user)["method"] == "security-key")
      }
    }

    @Test("Escape ends the wait for a touch: the key goes dark, and nothing is used up")
    func givenUp() throws {
      try host.underService {
        try host.plug("mine")
        _ = try KeyedUser(host, user: user)
        try host.tell("set mine touch=by-command")
        let screen = try LoginScreen()
        try screen.select(user)
        try screen.answer(Machine.password)
        try screen.wait("key-touch", of: user, saying: "10 offline logins left.")
        try host.tell("wait mine blinking")
        try screen.press("Escape")
        try screen.wait("password", of: user)
        try host.tell("wait mine dark")
        #expect(try Factor.root.allowance(user)["remaining"] == "10")
      }
    }

    @Test("a key with a PIN asks for it before the touch")
    func pin() throws {
      try Machine.configure("[Service]\nidle-exit=0\n[SecurityKey]\nverification=required\n")
      try host.underService {
        try host.plug("mine", "pin=2468")
        _ = try KeyedUser(host, user: user, pin: "2468")
        let screen = try LoginScreen()
        try screen.select(user)
        try screen.answer(Machine.password)
        try screen.wait("pin", of: user, saying: "PIN of your security key")
        try screen.answer("2468")
        try screen.waitForSession(of: user)
      }
    }
  }
}
