import Foundation
import Testing

extension IntegrationTests.LoginScreens {
  @Suite("Password and passcode at the greeter")
  struct PasscodeLogin {
    private let user: String

    init() throws {
      try Machine.reset("[Service]\nidle-exit=0\n[Failure]\nattempts=3\n")
      user = try IntegrationTests.LoginScreens.newUser()
    }

    @Test("password and passcode start a session, and what is left is shown before anything is typed")
    func mainJob() throws {
      let phone = try Phone.activated(user)
      let screen = try LoginScreen(.init(showsUsers: false))
      try screen.name(user)
      try screen.wait("password", of: user)
      try screen.waitAnywhere("allowance \(user) | 10 offline logins remaining.")
      try screen.answer(Machine.password)
      try screen.wait("passcode", of: user, saying: "10 offline logins left.")
      try screen.answer(phone.nextCode())
      try screen.wait("accepted", of: user, saying: "9 offline logins remaining.")
      try screen.waitForSession(of: user)
    }

    @Test("a wrong password keeps the user and says so; so do a wrong code and a used one")
    func wrong() throws {
      let phone = try Phone.activated(user)
      let screen = try LoginScreen()
      try screen.select(user)
      try screen.answer("wrong")
      try screen.wait("password", of: user, saying: "error: That was not right.")
      try screen.answer(Machine.password)
      try screen.wait("passcode", of: user)
      try screen.answer("000000")
      try screen.wait("password", of: user, saying: "error: That passcode is not right.")
      try screen.answer(Machine.password)
      try screen.wait("passcode", of: user)
      let code = try phone.nextCode()
      expectYes(try Factor.root.authenticate(user, code))
      try screen.answer(code)
      try screen.wait("password", of: user, saying: "error: That passcode was used already.")
      #expect(LoginScreen.sessions.isEmpty)
      try screen.answer(Machine.password)
      try screen.wait("passcode", of: user)
      try screen.answer(phone.nextCode())
      try screen.waitForSession(of: user)
    }

    @Test("the limit, a lock, the clock and a missing set-up are each said with what to do, and no code is asked for")
    func obstacles() throws {
      let phone = try Phone.activated(user)
      let screen = try LoginScreen()
      try Machine.configure("[Service]\nidle-exit=0\n[Failure]\nattempts=1\n[Allowance]\nlogins=1\n")
      try screen.select(user)
      try screen.answer(Machine.password)
      try screen.wait("passcode", of: user, saying: "1 offline login left.")
      try screen.answer("000000")
      try screen.wait("refused", of: user, saying: "Locked for a while", "That passcode is not right.", "30 seconds.")
      // The time of the lock passes for the service; the screen's own countdown is not waited for.
      try screen.select(user)
      try screen.answer(Machine.password)
      try screen.wait("refused", of: user, saying: "Locked for a while", "Too many failed attempts.")
      try Clock.advance(31)
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
      try screen.select(user)
      try screen.answer(Machine.password)
      try screen.wait("refused", of: user, saying: "No offline logins left", "The administrator must renew it first.")
      expectYes(try Factor.root.renew(user))
      try Clock.advance(-7200)
      try screen.press("Return")
      try screen.wait("password", of: user)
      try screen.answer(Machine.password)
      try screen.wait("refused", of: user, saying: "The clock of this computer is not right", "Set it right")
      let other = try IntegrationTests.LoginScreens.newUser()
      try screen.select(other)
      try screen.answer(Machine.password)
      try screen.wait("refused", of: other, saying: "Offline access is not set up", "Ask the administrator")
      #expect(LoginScreen.sessions.isEmpty)
    }

    @Test("in the middle of a prompt another user can be chosen, who is then the one that is asked")
    func switched() throws {
      let phone = try Phone.activated(user)
      let other = try IntegrationTests.LoginScreens.newUser()
      let otherPhone = try Phone.activated(other)
      let screen = try LoginScreen()
      try screen.select(user)
      try screen.answer(Machine.password)
      try screen.wait("passcode", of: user)
      try screen.type("12")
      try screen.select(other)
      try screen.answer(Machine.password)
      try screen.wait("passcode", of: other)
      // The other one's phone is of no use here.
      try screen.answer(phone.nextCode())
      try screen.wait("password", of: other, saying: "error: That passcode is not right.")
      try screen.answer(Machine.password)
      try screen.wait("passcode", of: other)
      try screen.answer(otherPhone.nextCode())
      try screen.waitForSession(of: other)
      #expect(try Factor.root.allowance(user)["remaining"] == "10")
    }

    @Test("Escape leaves a prompt, and the password is asked again")
    func escape() throws {
      let phone = try Phone.activated(user)
      let screen = try LoginScreen()
      try screen.select(user)
      try screen.answer(Machine.password)
      try screen.wait("passcode", of: user)
      try screen.press("Escape")
      try screen.wait("password", of: user)
      try screen.answer(Machine.password)
      try screen.wait("passcode", of: user)
      try screen.answer(phone.nextCode())
      try screen.waitForSession(of: user)
    }

    @Test("the service killed at a prompt is started again by the answer")
    func serviceKilled() throws {
      let phone = try Phone.activated(user)
      let screen = try LoginScreen()
      try screen.select(user)
      try screen.answer(Machine.password)
      try screen.wait("passcode", of: user)
      try Machine.stopService(signal: SIGKILL)
      try screen.answer(phone.nextCode())
      try screen.waitForSession(of: user)
      #expect(try Factor.root.allowance(user)["remaining"] == "9")
    }

    @Test("a greeter killed at a prompt uses nothing up and lets nobody in; LightDM, started anew, does")
    func greeterKilled() throws {
      let phone = try Phone.activated(user)
      var screen = try LoginScreen()
      try screen.select(user)
      try screen.answer(Machine.password)
      try screen.wait("passcode", of: user)
      kill(try screen.greeterPID(), SIGKILL)
      // LightDM then gives up the seat, and with it itself; systemd starts it again.
      let ending = try screen.end()
      #expect(ending.status == 1)
      #expect(LoginScreen.sessions.isEmpty)
      #expect(try Factor.root.allowance(user)["remaining"] == "10")
      screen = try LoginScreen()
      try screen.select(user)
      try screen.answer(Machine.password)
      try screen.wait("passcode", of: user)
      try screen.answer(phone.nextCode())
      try screen.waitForSession(of: user)
    }
  }
}
