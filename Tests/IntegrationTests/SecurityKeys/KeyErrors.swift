import Foundation
import Glibc
import Testing

extension IntegrationTests.SecurityKeys {
  @Suite("Every error of a key, each once; callers and keys that go away")
  struct KeyErrors {
    private let host: SoftKeyHost

    init() throws {
      try Machine.reset("[Service]\nidle-exit=0\n")
      try PAMHost.install()
      host = try SoftKeyHost()
    }

    @Test("no key, the wrong key, an untouched key and a token without FIDO are told by name within 20 seconds")
    func waits() throws {
      try host.underService {
        try host.plug("mine")
        let holder = try KeyedUser(host)
        func timed(_ error: String, _ words: String) throws {
          let start = Date()
          let answer = try Factor.root.authenticate(holder.user, "")
          expectRefused(answer, error)
          #expect(answer.sentence.contains(words))
          #expect((19..<24).contains(Date().timeIntervalSince(start)))
        }
        try host.tell("set mine touch=never")
        try timed("TouchTimeout", "not touched in time")
        try host.unplug("mine")
        try timed("NoSecurityKey", "no security key plugged in")
        try host.plug("other")
        try timed("WrongSecurityKey", "not the one that was set up")
        try host.unplug("other")
        try host.plug("typist", "kind=otp vendor=1050 product=0010")
        try timed("NoSecurityKey", "one-time passwords only")
        // None of this is a guess.
        try host.tell("set mine touch=at-once")
        try host.plug("mine")
        expectYes(try Factor.root.authenticate(holder.user, ""))
        #expect(try Factor.root.allowance(holder.user)["remaining"] == "9")
      }
    }

    @Test("PinRequired, BadPin with the tries left, the user's lock, and PinLocked before the key's last three")
    func pins() throws {
      try Machine.configure("[Service]\nidle-exit=0\n[SecurityKey]\nverification=required\n[Failure]\nattempts=100\n")
      try host.underService {
        try host.plug("mine", "pin=2468")
        let user = try Machine.newUser()
        let path = expectYes(try Factor.root.activate(user, "security-key")).path
        expectRefused(try Factor.root.confirm(path, ""), "PinRequired")
        try KeyedUser.confirm(path, pin: "2468")
        expectRefused(try Factor.root.authenticate(user, ""), "PinRequired")
        let wrong = try Factor.root.authenticate(user, "", ["pin": "1357"])
        expectRefused(wrong, "BadPin")
        #expect(wrong.sentence.contains("7 tries left"))
        // What cannot be a PIN is not shown to the key.
        expectRefused(try Factor.root.authenticate(user, "", ["pin": "abc"]), "BadPin")
        #expect(try host.status("mine")["tries"] == "7")
        expectYes(try Factor.root.authenticate(user, "", ["pin": "2468"]))
        expectIn(
          try PAMHost.login(user, "2468"), saying: "Security key PIN:", "offline logins remaining")
        for _ in 0..<9 where try host.status("mine")["tries"] != "3" {
          let answer = try Factor.root.authenticate(user, "", ["pin": "1357"])
          if answer.error == "PinLocked" {
            // Three wrong ones in a row: the key wants to be plugged in again.
            try host.unplug("mine")
            try host.plug("mine")
          }
        }
        #expect(try host.status("mine")["tries"] == "3")
        let locked = try Factor.root.authenticate(user, "", ["pin": "2468"])
        expectRefused(locked, "PinLocked")
        #expect(locked.sentence.contains("only 3 tries"))
        #expect(try host.status("mine")["tries"] == "3")
      }
    }

    @Test("wrong PINs lock the user as wrong codes do")
    func lock() throws {
      try Machine.configure("[Service]\nidle-exit=0\n[SecurityKey]\nverification=required\n[Failure]\nattempts=2\n")
      try host.underService {
        try host.plug("mine", "pin=2468")
        let holder = try KeyedUser(host, pin: "2468")
        for _ in 1...2 { expectRefused(try Factor.root.authenticate(holder.user, "", ["pin": "1357"]), "BadPin") }
        expectRefused(try Factor.root.authenticate(holder.user, "", ["pin": "2468"]), "Locked")
        #expect(try host.status("mine")["tries"] == "6")
      }
    }

    @Test(
      "hostile proofs are refused by name and draw nothing",
      arguments: [
        ("badSignature", "BadResponse"), ("wrongRelyingParty", "SecurityKeyRefused"),
        ("presenceClear", "SecurityKeyRefused"), ("truncatedReply", "SecurityKeyRefused"),
        ("hugeReply", "SecurityKeyRefused"), ("garbageReply", "SecurityKeyRefused"),
      ])
    func hostile(_ fault: String, _ error: String) throws {
      try host.underService {
        try host.plug("mine")
        let holder = try KeyedUser(host)
        try host.tell("fault mine \(fault)")
        expectRefused(try Factor.root.authenticate(holder.user, ""), error)
        try host.tell("fault mine none")
        #expect(try Factor.root.allowance(holder.user)["remaining"] == "10")
        expectYes(try Factor.root.authenticate(holder.user, ""))
      }
    }

    @Test("a key that announces gigabytes costs the service a bounded part of them, for a moment")
    func endlessMap() throws {
      try host.underService {
        try host.plug("mine")
        let holder = try KeyedUser(host)
        try host.tell("fault mine endlessMap")
        for _ in 1...3 { expectRefused(try Factor.root.authenticate(holder.user, ""), "SecurityKeyRefused") }
        let pid = try #require(try Machine.servicePID())
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        let most = try #require(status.firstMatch(of: #/VmHWM:\s+(\d+) kB/#).flatMap { Int($0.1) })
        #expect(most < 600 << 10)
        try host.tell("fault mine none")
        expectYes(try Factor.root.authenticate(holder.user, ""))
      }
    }

    @Test("a caller who leaves ends the wait at once, and nothing is consumed", arguments: ["bus", "root"])
    func callerGone(_ way: String) throws {
      try host.underService {
        try host.plug("mine")
        let holder = try KeyedUser(host)
        try host.tell("set mine touch=by-command")
        let caller = try way == "bus" ? BusPeer(as: holder.user) : BusPeer(at: BusPeer.service)
        try caller.send(.authenticate(holder.user, ""))
        try host.tell("wait mine blinking")
        caller.close()
        try host.tell("wait mine dark")
        try host.tell("touch mine")
        #expect(try Factor.root.allowance(holder.user)["remaining"] == "10")
        try host.tell("set mine touch=at-once")
        expectYes(try Factor.root.authenticate(holder.user, ""))
      }
    }

    @Test("a set-up is cancelled while its key blinks, by Cancel or by a newer one, and its Confirm hears of it")
    func cancelled() throws {
      try host.underService {
        try host.plug("mine")
        try host.tell("set mine touch=by-command")
        let user = try Machine.newUser()
        for ending in ["Cancel", "newer", "gone"] {
          let path = expectYes(try Factor.root.activate(user, "security-key")).path
          let caller = try BusPeer()
          var call = BusCall("Confirm", signature: "sa{sv}") { body in
            body.text("")
            body.options([])
          }
          (call.path, call.interface) = (path, "org.offlineaccess.Factor1.Activation")
          let serial = try caller.send(call)
          try host.tell("wait mine blinking")
          // A second one is not let in meanwhile.
          expectRefused(try Factor.root.confirm(path, ""), "Busy")
          switch ending {
          case "Cancel": expectYes(try Factor.root.cancel(path))
          case "newer": expectYes(try Factor.root.activate(user, "security-key"))
          default: caller.close()
          }
          try host.tell("wait mine dark")
          if ending == "gone" {
            // It lives on for another connection.
            try host.tell("set mine touch=at-once")
            try KeyedUser.confirm(path)
          } else {
            #expect(try caller.answer(to: serial).error == "Canceled")
            expectRefused(try Factor.root.confirm(path, ""), "NoSuchActivation")
          }
        }
      }
    }

    @Test("the key is pulled out and put back while it blinks: the wait goes on")
    func pulledOut() throws {
      try host.underService {
        try host.plug("mine")
        let holder = try KeyedUser(host)
        try host.tell("set mine touch=by-command")
        let caller = try BusPeer(as: holder.user)
        let serial = try caller.send(.authenticate(holder.user, ""))
        try host.tell("wait mine blinking")
        try host.unplug("mine")
        try caller.waitForProgress("key-needed")
        try host.plug("mine")
        try host.touchWhenBlinking("mine")
        #expect(try caller.answer(to: serial).error == nil)
      }
    }

    @Test("SIGTERM while a key blinks: the caller hears Canceled, the key goes dark, nothing is consumed")
    func termination() throws {
      try host.underService {
        try host.plug("mine")
        let holder = try KeyedUser(host)
        try host.tell("set mine touch=by-command")
        let caller = try BusPeer(as: holder.user)
        let serial = try caller.send(.authenticate(holder.user, ""))
        try host.tell("wait mine blinking")
        try Machine.stopService()
        #expect(try caller.answer(to: serial).error == "Canceled")
        try host.tell("wait mine dark")
        #expect(try Factor.root.allowance(holder.user)["remaining"] == "10")
      }
    }
  }
}
