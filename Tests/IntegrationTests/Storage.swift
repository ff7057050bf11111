import Foundation
import Testing

extension IntegrationTests {
  @Suite("Storage that fails, and what stands in it")
  final class Storage {
    private static let folder = Machine.stateFolder
    private let machineID: String

    init() throws {
      machineID = try String(contentsOfFile: "/etc/machine-id", encoding: .utf8)
      try Machine.reset("[Service]\nidle-exit=0\n")
    }

    deinit {
      try? Machine.stopService()
      try? Machine.write(machineID, to: "/etc/machine-id", mode: 0o444)
      _ = try? run(
        "sh", "-c", "umount -q \(Self.folder); rm -rf \(Self.folder) /run/aside; mkdir -m 700 \(Self.folder)")
    }

    private func shell(_ command: String) throws {
      try run("sh", "-c", "cd \(Self.folder) && { \(command); }").expectSuccess()
    }

    @Test(
      "trouble is noticed while the service runs: closed, named, and over once its cause is gone",
      arguments: StorageTrouble.seenAtOnce
    )
    func whileRunning(trouble: StorageTrouble) throws { try expectClosed(trouble, stopped: false) }

    @Test(
      "trouble is noticed when the service starts: closed, named, and over once its cause is gone",
      arguments: StorageTrouble.seenAtOnce + [.emptied] + StorageTrouble.seenWhenOpened)
    func atStart(trouble: StorageTrouble) throws { try expectClosed(trouble, stopped: true) }

    @Test("an empty file in the place of the database costs nothing of what is in its log")
    func emptiedWhileRunning() throws { try expectClosed(StorageTrouble.emptied, stopped: false) }

    private func expectClosed(_ trouble: StorageTrouble, stopped: Bool) throws {
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      let before = try Factor.root.allowance(user)["remaining"]
      let code = try phone.nextCode()
      if stopped { try Machine.stopService() }
      let log = try ServiceLog()
      try shell(trouble.cause)
      for answer in [
        try Factor.root.authenticate(user, code), try Factor.root.allowance(user), try Factor.root.renew(user),
        try Factor.root.authenticate("alice", "123456"), try Factor(user: user).authenticate("", code),
      ] {
        expectRefused(answer, "Failed")
        #expect(answer.sentence.contains(trouble.sentence), "\(answer.sentence)")
        #expect(!answer.sentence.contains("/"), "\(answer.sentence)")
      }
      try log.expect(trouble.log)
      let pid = try Machine.servicePID()
      try shell(trouble.cure)
      #expect(try Factor.root.allowance(user)["remaining"] == before)
      expectYes(try Factor.root.authenticate(user, code))
      expectRefused(try Factor.root.authenticate(user, code), "ResponseReplayed")
      #expect(try pid != nil && Machine.servicePID() == pid)
    }

    @Test("one user's edited record shuts out that user alone, and can be removed")
    func oneRecord() throws {
      let (user, other) = (try Machine.newUser(), try Machine.newUser())
      let (phone, otherPhone) = (try Phone.activated(user), try Phone.activated(other))
      try Machine.stopService()
      let log = try ServiceLog()
      try shell(
        StorageTrouble.sql(
          "UPDATE enrollment SET record = (SELECT record FROM enrollment WHERE name = \\\"\(other)\\\") WHERE name = \\\"\(user)\\\""
        ))
      let answer = try Factor.root.authenticate(user, otherPhone.nextCode())
      expectRefused(answer, "Failed")
      expectRefused(try Factor.root.authenticate(user, phone.code()), "Failed")
      try log.expect("damaged")
      expectYes(try Factor.root.authenticate(other, otherPhone.code()))
      expectYes(try Factor.root.deactivate(user))
      expectYes(try Factor.root.authenticate(user, Phone.activated(user).nextCode()))
    }

    @Test("a full disk: no yes, nothing consumed, right again with room")
    func fullDisk() throws {
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      try moveToSmallDisk()
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
      let log = try ServiceLog()
      // After a failure the service closes the database, which may make room.
      func fill() throws { _ = try run("sh", "-c", "cat /dev/zero >>\(Self.folder)/filler") }
      let code = try phone.nextCode()
      let activation = expectYes(try Factor.root.activate("bob"))
      let bobs = try Phone(uri: try #require(activation["uri"]))
      let calls = [
        { try Factor.root.authenticate(user, code) }, { try Factor.root.authenticate(user, "000000") },
        { try Factor.root.renew(user) }, { try Factor.root.confirm(activation.path, bobs.code()) },
      ]
      for call in calls {
        try fill()
        let answer = try call()
        expectRefused(answer, "Failed")
        #expect(answer.sentence.contains("the disk is full"), "\(answer.sentence)")
      }
      try log.expect("the disk is full")
      try run("rm", "\(Self.folder)/filler").expectSuccess()
      #expect(try Factor.root.allowance(user)["remaining"] == "9")
      expectYes(try Factor.root.authenticate(user, code))
      expectYes(try Factor.root.confirm(activation.path, bobs.code()))
    }

    @Test("a full disk at the very first start leaves nothing half made")
    func fullAtFirst() throws {
      let user = try Machine.newUser()
      try run("sh", "-c", "mount -t tmpfs -o size=1m,mode=700 small \(Self.folder)").expectSuccess()
      _ = try run("sh", "-c", "cat /dev/zero >\(Self.folder)/filler")
      var refusals = 0
      while true {
        let answer = try Factor.root.activate(user)
        if answer.error == nil { break }
        expectRefused(answer, "Failed")
        #expect(answer.sentence.contains("the disk is full"), "\(answer.sentence)")
        refusals += 1
        try run("truncate", "-s", "-4096", "\(Self.folder)/filler").expectSuccess()
      }
      #expect(refusals > 5)
      try run("rm", "\(Self.folder)/filler").expectSuccess()
      expectYes(try Factor.root.authenticate(user, Phone.activated(user).nextCode()))
    }

    @Test("a disk that became read-only: no yes, nothing consumed, right again when it can be written")
    func readOnly() throws {
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      try moveToSmallDisk()
      try run("mount", "-o", "remount,ro", Self.folder).expectSuccess()
      let log = try ServiceLog()
      let code = try phone.nextCode()
      for answer in [try Factor.root.authenticate(user, code), try Factor.root.renew(user)] {
        expectRefused(answer, "Failed")
        #expect(answer.sentence.contains("its storage is read-only"), "\(answer.sentence)")
      }
      try log.expect("the storage is read-only")
      let pid = try Machine.servicePID()
      try run("mount", "-o", "remount,rw", Self.folder).expectSuccess()
      #expect(try Factor.root.allowance(user)["remaining"] == "10")
      expectYes(try Factor.root.authenticate(user, code))
      #expect(try Machine.servicePID() == pid)
    }

    /// Puts a small file system under the stopped service's state.
    private func moveToSmallDisk() throws {
      try Machine.stopService()
      try run(
        "sh", "-c",
        "mv \(Self.folder) /run/aside && mkdir -m 700 \(Self.folder) && mount -t tmpfs -o size=256k,mode=700 small \(Self.folder) "
          + "&& cp -a /run/aside/. \(Self.folder)/ && rm -rf /run/aside"
      ).expectSuccess()
    }

    @Test("no secret stands in any file of the state, nor in the log")
    func secrets() throws {
      let log = try ServiceLog()
      let user = try Machine.newUser()
      let phone = try Phone.activated(user)
      let code = try phone.nextCode()
      expectYes(try Factor.root.authenticate(user, code))
      let digits = try #require(
        try run("oathtool", "-v", "-b", phone.secret).output.firstMatch(of: /Hex secret: ([0-9a-f]+)/)
      ).1
      #expect(digits.count == 40)
      let raw = stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(digits.dropFirst($0).prefix(2), radix: 16) }
      let forms = [
        Data(raw), Data(phone.secret.utf8), Data(phone.secret.lowercased().utf8), Data(digits.utf8),
        Data(raw).base64EncodedData(),
      ]
      for stopped in [false, true] {
        if stopped { try Machine.stopService() }
        var everything = Data()
        for name in try FileManager.default.contentsOfDirectory(atPath: Self.folder) {
          everything += try Data(contentsOf: URL(fileURLWithPath: "\(Self.folder)/\(name)"))
        }
        // The look itself works: the name stands there in plain letters.
        #expect(everything.range(of: Data(user.utf8)) != nil)
        for form in forms { #expect(everything.range(of: form) == nil) }
      }
      let written = Data(try log.new.utf8)
      #expect(written.range(of: Data(user.utf8)) != nil)
      for form in forms + [Data(code.utf8)] { #expect(written.range(of: form) == nil) }
      let modes = try run("sh", "-c", "stat -c '%a %U' \(Self.folder) \(Self.folder)/*").output
      #expect(Set(modes.split(separator: "\n")) == ["700 root", "600 root"])
    }
  }
}
