import Foundation
import Glibc
import Testing

extension IntegrationTests {
  @Suite("Whoever lies about the user, or about anything else")
  struct Subjects {
    init() throws { try Machine.reset() }

    @Test("another user's name, existing or not, is told apart by nobody but root")
    func otherUsers() throws {
      for name in ["bob", "no-such-user", "root"] {
        expectRefused(try Factor(user: "mallory").authenticate(name, "123456"), "AccessDenied")
        expectRefused(try Factor(user: "mallory").allowance(name), "AccessDenied")
      }
      expectRefused(try Factor.root.authenticate("no-such-user", ""), "NoSuchUser")
      expectRefused(try Factor.root.allowance("no-such-user"), "NoSuchUser")
      expectRefused(try Factor.root.activate("no-such-user"), "NoSuchUser")
      expectRefused(try Factor.root.renew("no-such-user"), "NoSuchUser")
    }

    @Test("an empty name is the caller")
    func emptyName() throws {
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      expectYes(try Factor(user: user).authenticate("", phone.nextCode()))
      #expect(try Factor(user: user).allowance("")["remaining"] == "9")
      #expect(expectYes(try Factor.root.authenticate("", ""))["via"] == "exempt")
    }

    @Test("a greeter's user may read every allowance and do nothing else")
    func greeter() throws {
      let (user, greeter) = (try Machine.newUser(), try Machine.newUser())
      try Machine.configure("[Service]\ngreeter-users=\(greeter)\n")
      let phone = try Phone.activated(user)
      #expect(expectYes(try Factor(user: greeter).allowance(user))["remaining"] == "10")
      expectRefused(try Factor(user: greeter).authenticate(user, phone.nextCode()), "AccessDenied")
      expectRefused(try Factor(user: greeter).renew(user), "InteractiveAuthorizationRequired")
    }

    @Test("a user id that was given to somebody else finds nothing")
    func reusedID() throws {
      let old = try Machine.newUser(uid: 6501)
      let phone = try Phone.activated(old)
      try Machine.remove(user: old)
      let new = try Machine.newUser(uid: 6501)
      #expect(try Factor.root.allowance(new)["activated"] == "0")
      expectRefused(try Factor.root.authenticate(new, phone.nextCode()), "NotActivated")
      expectRefused(try Factor(user: new).authenticate("", phone.nextCode()), "NotActivated")
      // The newcomer sets up a factor of their own.
      let own = try Phone.activated(new)
      expectRefused(try Factor.root.authenticate(new, phone.code()), "BadResponse")
      expectYes(try Factor.root.authenticate(new, own.nextCode()))
    }

    @Test("two names of one user id are one user, whichever stands first, sets up or logs in", arguments: [0, 1])
    func twoNames(settingUp: Int) throws {
      try Machine.reset("[Failure]\nmode=open\n")
      try PAMHost.install()
      let uid = UInt32(6510 + settingUp)
      let names = [try Machine.newUser(uid: uid), try Machine.newUser(uid: uid)]
      let phone = try Phone.activated(names[settingUp])
      // mode=open lets in who has no factor: neither name is without one.
      for (name, other) in [(names[0], names[1]), (names[1], names[0])] {
        let before = try #require(Int(try Factor.root.allowance(name)["remaining"] ?? ""))
        expectRefused(try Factor.root.authenticate(name, ""), "ResponseRequired")
        expectRefused(try Factor.root.authenticate(name, "000000"), "BadResponse")
        let code = try phone.nextCode()
        expectIn(try PAMHost.login(name, code), saying: "\(before - 1) offline logins remaining.")
        expectOut(try PAMHost.login(other, code), saying: "used already")
        #expect(try Factor.root.allowance(other)["remaining"] == String(before - 1))
        #expect(try Factor(user: other).allowance("")["remaining"] == String(before - 1))
        expectRefused(try Factor.root.activate(name), "AlreadyActivated")
      }
      // Failures are counted together as well.
      for name in names + names + names { _ = try Factor.root.authenticate(name, "000000") }
      for name in names { expectRefused(try Factor.root.authenticate(name, phone.code(ahead: 30)), "Locked") }
      expectYes(try Factor.root.renew(names[1]))
      // A set-up under one name ends the one that the other name has under way.
      let old = expectYes(try Factor.root.reactivate(names[0]))
      let new = expectYes(try Factor.root.reactivate(names[1]))
      expectRefused(
        try Factor.root.confirm(old.path, Phone(uri: try #require(old["uri"])).code()), "NoSuchActivation")
      let newPhone = try Phone(uri: try #require(new["uri"]))
      expectYes(try Factor.root.confirm(new.path, newPhone.code()))
      expectRefused(try Factor.root.authenticate(names[0], phone.nextCode()), "BadResponse")
      expectYes(try Factor.root.authenticate(names[0], newPhone.nextCode()))
      expectYes(try Factor.root.deactivate(names[1]))
      #expect(try Factor.root.allowance(names[0])["activated"] == "0")
    }

    @Test("an exemption is of the name that the directory gives for a user id; one of another name exempts nobody")
    func exemptNames() throws {
      let (first, second) = (try Machine.newUser(uid: 6512), try Machine.newUser(uid: 6512))
      for listed in [second, "@second-only"] {
        try Machine.append("second-only:x:7778:\(second)\n", to: "/etc/group")
        try Machine.configure("[Factor]\nexempt=\(listed)\n")
        for name in [first, second] { expectRefused(try Factor.root.authenticate(name, ""), "NotActivated") }
      }
      try Machine.append("first-only:x:7779:\(first)\n", to: "/etc/group")
      for listed in [first, "@first-only"] {
        try Machine.configure("[Factor]\nexempt=\(listed)\n")
        for name in [first, second] { #expect(try Factor.root.authenticate(name, "")["via"] == "exempt") }
      }
    }

    @Test("a directory that knows a name and not its user id refuses, also where mode=open lets others in")
    func brokenDirectory() throws {
      try Machine.configure("[Failure]\nmode=open\n")
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      #expect(try Factor.root.authenticate("bob", "")["via"] == "fail-open")
      let directory = try Preload(
        "directory-fault",
        """
        #include <dlfcn.h>
        #include <pwd.h>
        #include <stdio.h>
        int getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t size, struct passwd **found) {
          int (*real)(uid_t, struct passwd *, char *, size_t, struct passwd **) = dlsym(RTLD_NEXT, "getpwuid_r");
          FILE *file = fopen("/run/directory-fault", "r");
          int error;
          if (!file) return real(uid, entry, buffer, size, found);
          if (fscanf(file, "%d", &error) != 1) error = 5;
          fclose(file);
          *found = NULL;
          return error;
        }
        """)
      defer { try? FileManager.default.removeItem(atPath: "/run/directory-fault") }
      try directory.underService {
        let code = try phone.nextCode()
        for error in [0, ENOENT, EIO, ENOMEM, EMFILE] {
          try Machine.write("\(error)", to: "/run/directory-fault")
          for answer in [
            try Factor.root.authenticate(user, code), try Factor.root.authenticate("bob", ""),
            try Factor.root.authenticate("root", ""), try Factor.root.allowance(user),
            try Factor.root.activate("bob"), try Factor.root.renew(user),
          ] {
            expectRefused(answer, "Failed")
            #expect(answer.sentence == "The users of this computer cannot be looked up now.")
          }
        }
        try FileManager.default.removeItem(atPath: "/run/directory-fault")
        expectYes(try Factor.root.authenticate(user, code))
      }
    }

    @Test("a user id without an account does not get past the bus itself")
    func noAccount() throws {
      let result = try run(
        "setpriv", "--reuid=65123", "--clear-groups", "busctl", "call", "org.offlineaccess.Factor1",
        "/org/offlineaccess/Factor1", "org.offlineaccess.Factor1", "Authenticate", "ssa{sv}", "", "123456", "0")
      #expect(result.status != 0)
      #expect(result.output == "")
    }

    @Test("endless strings are refused by name and change nothing")
    func longStrings() throws {
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      let long = String(repeating: "9", count: 70_000)
      expectRefused(try Factor.root.authenticate(user, long), "InvalidArgs")
      expectRefused(try Factor.root.authenticate(long, "1"), "InvalidArgs")
      expectRefused(try Factor.root.authenticate(user, "1", ["service": long]), "InvalidArgs")
      expectRefused(try Factor.root.activate(long), "InvalidArgs")
      expectRefused(try Factor.root.activate(user, "passcode", ["name": long]), "InvalidArgs")
      expectRefused(try Factor.root.activate(user, long), "InvalidArgs")
      // Five of them would have locked, had they counted.
      for _ in 1...5 { expectRefused(try Factor.root.authenticate(user, long), "InvalidArgs") }
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
    }

    @Test("text that is not UTF-8 ends the sender's connection, not the service")
    func invalidText() throws {
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      // Written byte by byte, since no client library sends such a message.
      let script = """
        import socket, struct, binascii, sys
        def pad(b, n): return b + b'\\0' * (-len(b) % n)
        def text(s): return struct.pack('<I', len(s)) + s + b'\\0'
        def field(code, kind, value): return bytes([code, 1]) + kind + b'\\0' + value
        def call(serial, dest, path, iface, member, sig, body):
            fields = b''
            for code, kind, value in ((1, b'o', text(path)), (2, b's', text(iface)), (3, b's', text(member)), (6, b's', text(dest))):
                fields = pad(fields, 8) + field(code, kind, value)
            if sig: fields = pad(fields, 8) + bytes([8, 1]) + b'g\\0' + bytes([len(sig)]) + sig + b'\\0'
            return pad(b'l\\1\\0\\1' + struct.pack('<III', len(body), serial, len(fields)) + fields, 8) + body
        s = socket.socket(socket.AF_UNIX); s.settimeout(10); s.connect('/run/dbus/system_bus_socket')
        s.sendall(b'\\0AUTH EXTERNAL ' + binascii.hexlify(b'0') + b'\\r\\n'); s.recv(100); s.sendall(b'BEGIN\\r\\n')
        D, P, I = b'org.freedesktop.DBus', b'/org/freedesktop/DBus', b'org.freedesktop.DBus'
        s.sendall(call(1, D, P, I, b'Hello', b'', b'')); s.recv(4096)
        body = pad(text(sys.argv[1].encode()), 4) + text(b'12\\xff456'); body = pad(body, 4) + struct.pack('<I', 0); body = pad(body, 8)
        F = b'org.offlineaccess.Factor1'
        s.sendall(call(2, F, b'/org/offlineaccess/Factor1', F, b'Authenticate', b'ssa{sv}', body))
        data = b'x'
        try:
            while data: data = s.recv(4096)
        except ConnectionResetError: pass
        print('closed')
        """
      #expect(try trimmed(run("python3", "-c", script, user).expectSuccess().output) == "closed")
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
    }

    @Test("what the policy does not list does not reach the service")
    func busPolicy() throws {
      let path = "/org/offlineaccess/Factor1"
      for factor in [Factor.root, Factor(user: "alice")] {
        for (interface, member) in [
          ("org.offlineaccess.Factor1", "Frobnicate"), ("org.freedesktop.DBus.Peer", "GetMachineId"),
          ("org.offlineaccess.Factor1", "Confirm"), ("com.example.Other", "Authenticate"),
        ] { expectRefused(try factor.call(path, interface, member, []), "AccessDenied") }
        expectRefused(
          try factor.call(
            path, "org.freedesktop.DBus.Properties", "Set", ["ssv", "org.offlineaccess.Factor1", "Version", "s", "9"]),
          "AccessDenied")
        expectYes(
          try factor.call(
            path, "org.freedesktop.DBus.Properties", "Get", ["ss", "org.offlineaccess.Factor1", "Version"]))
      }
      // Listed members with other arguments are refused by their type.
      expectRefused(try Factor.root("Authenticate", "s", "alice"), "InvalidArgs")
      expectRefused(try Factor.root("RemainingAllowance", "u", "2001"), "InvalidArgs")
    }

    @Test("an administrator passes polkit, an ordinary user does not")
    func polkit() throws {
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
      try Machine.write(
        """
        polkit.addRule(function(a, s) {
          if (a.id == 'org.offlineaccess.Factor1.manage' && s.isInGroup('sudo') && a.lookup('user') == '\(user)') return polkit.Result.YES;
        });
        """, to: "/etc/polkit-1/rules.d/10-test.rules")
      defer { try? FileManager.default.removeItem(atPath: "/etc/polkit-1/rules.d/10-test.rules") }
      try waitUntil("polkit has read its rules") { try Factor(user: "admin").renew(user).error == nil }
      #expect(try Factor.root.allowance(user)["remaining"] == "10")
      // The rule named the user that the service told polkit about, so nobody else is managed by it.
      expectRefused(try Factor(user: "admin").renew("bob"), "InteractiveAuthorizationRequired")
      expectRefused(try Factor(user: "mallory").renew(user), "InteractiveAuthorizationRequired")
      expectYes(try Factor(user: "admin").deactivate(user))
      #expect(try Factor.root.allowance(user)["activated"] == "0")
    }
  }
}
