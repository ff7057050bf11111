import Foundation
import Testing

extension IntegrationTests.Strength {
  /// The state lies on ext4, on a loop device, in a sparse file on a small tmpfs. When that is full, the disk fails
  /// to write what ext4 believes to have room for.
  @Suite("A disk that fails to write", .serialized)
  final class DiskTrouble {
    private static let folder = Machine.stateFolder
    private static let backing = "/run/failing"
    let user: String
    let phone: Phone

    init() throws {
      try Machine.reset("[Service]\nidle-exit=0\n[Allowance]\nlogins=1000\n")
      user = try Machine.newUser()
      phone = try Phone.activated(user)
    }

    deinit {
      try? Machine.stopService()
      try? shell("umount -q \(Self.folder); umount -q \(Self.backing); rmdir \(Self.backing); true")
      // The state of before stands below what was mounted over it.
    }

    private func shell(_ command: String) throws { try run("sh", "-ec", command).expectSuccess() }

    enum Disk: String, CaseIterable, Sendable {
      /// Fails wherever it was not written before, the journal of ext4 included: ext4 becomes read-only, and an
      /// administrator has to check it.
      case everywhere = "journal and data"
      /// Fails where it is written for the first time, in data only: ext4 goes on, and nobody has to do anything.
      case data = "new data"
    }

    private func moveToFailingDisk(_ disk: Disk) throws {
      try Machine.stopService()
      try shell(
        """
        test -e /dev/loop-control || mknod /dev/loop-control c 10 237
        for i in $(seq 0 31); do test -e /dev/loop$i || mknod /dev/loop$i b 7 $i; done
        mkdir -p \(Self.backing)
        mount -t tmpfs -o size=24m,mode=700 failing \(Self.backing)
        truncate -s 16m \(Self.backing)/disk
        mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0,nodiscard -J size=4 \(Self.backing)/disk
        \(disk == .data ? "fallocate -l 16m \(Self.backing)/disk" : ":")
        mount -o loop,errors=remount-ro \(Self.backing)/disk /mnt
        chmod 700 /mnt; cp -a \(Self.folder)/. /mnt/; sync -f /mnt
        \(disk == .data ? "fstrim /mnt" : ":"); umount /mnt
        """)
      try mount()
    }

    private func mount() throws {
      try shell("mount -o loop,errors=remount-ro \(Self.backing)/disk \(Self.folder)")
    }

    private func breakDisk() throws { try shell("cat /dev/zero >\(Self.backing)/filler 2>/dev/null || true") }
    private func mendDisk() throws { try shell("rm \(Self.backing)/filler") }

    /// What an administrator does once the disk is well: the file system is checked and mounted anew. It also
    /// takes away whatever only the memory held, as a power cut would.
    private func remount() throws {
      try shell("umount \(Self.folder); e2fsck -fy \(Self.backing)/disk >/dev/null || test $? -le 1")
      try mount()
    }

    @Test(
      "Closed, named, and right again once the disk is well; what was said yes to is on the disk",
      arguments: Disk.allCases)
    func failing(disk: Disk) throws {
      let rounds = IntegrationTests.Strength.times(10, short: 1)
      try moveToFailingDisk(disk)
      let log = try ServiceLog()
      var (refused, yeses, spent) = (0, 0, 0)
      for _ in 0..<rounds {
        expectYes(try Factor.root.authenticate(user, phone.nextCode()))
        yeses += 1
        try breakDisk()
        // Blocks that the disk has can still be written, so it may be a while.
        var code = ""
        for attempt in 0..<2000 {
          code = try phone.nextCode()
          let answer = try Factor.root.authenticate(user, code)
          if answer.error == nil {
            yeses += 1
            try #require(attempt < 1999, "the disk never failed")
            continue
          }
          expectRefused(answer, "Failed")
          #expect(
            ["the disk is full", "storage is read-only", "storage cannot be used"].contains {
              answer.sentence.contains($0)
            }, "\(answer.sentence)")
          refused += 1
          break
        }
        // Only now a yes can be relied on: of a write over a block that it has and one that it has not, Linux's loop
        // device says that it was done.
        try mendDisk()
        // The refused code may be spent all the same: whether it reached the disk nobody can tell.
        let again = try Factor.root.authenticate(user, code)
        switch again.error {
        case nil: yeses += 1
        case "ResponseReplayed": spent += 1
        default: expectRefused(again, "Failed")
        }
        if disk == .everywhere {
          // ext4 has given up: the service is stopped, the disk checked.
          try Machine.stopService()
          try remount()
        }
        let after = try phone.nextCode()
        expectYes(try Factor.root.authenticate(user, after))
        yeses += 1
        let before = try Factor.root.allowance(user)["remaining"]
        // As after a power cut: only what the disk holds is left.
        try Machine.stopService(signal: SIGKILL)
        try remount()
        #expect(try Factor.root.allowance(user)["remaining"] == before)
        expectRefused(try Factor.root.authenticate(user, after), "ResponseReplayed")
      }
      #expect(refused >= rounds)
      let text = try log.new
      #expect(
        ["the disk is full", "the storage is read-only", "the storage cannot be used"].contains { text.contains($0) })
      try IntegrationTests.Strength.report(
        "Trouble", tried: "a disk that fails to write \(disk.rawValue)",
        times: "\(rounds) times",
        outcome:
          "\(refused) calls refused by name (\(spent) codes spent with it), \(yeses) yeses, the last of each round on the disk"
      )
    }

    /// Keeps the log where it is: while a file says so, nothing of it can be moved into the database.
    private static let noCheckpoint = """
      #include <dlfcn.h>
      #include <errno.h>
      #include <stdio.h>
      #include <string.h>
      #include <unistd.h>

      static int forbids(int descriptor) {
        char link[64], path[256];
        snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
        ssize_t length = readlink(link, path, sizeof path - 1);
        if (length < 0 || access("/run/no-checkpoint", F_OK) != 0) return 0;
        path[length] = 0;
        return strcmp(path, "/var/lib/offline-access/state.db") == 0;
      }

      #define PWRITE(name) \\
        ssize_t name(int descriptor, const void *bytes, size_t count, off_t place) { \\
          if (forbids(descriptor)) return errno = EIO, -1; \\
          return ((ssize_t (*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, #name))(descriptor, bytes, count, place); \\
        }
      PWRITE(pwrite)
      PWRITE(pwrite64)
      """

    @Test("A commit behind one whose write had failed, and that only the kernel's memory holds, is on the disk")
    func behindFailure() throws {
      let rounds = IntegrationTests.Strength.times(10, short: 2)
      var spent = 0
      try Preload("no-checkpoint", Self.noCheckpoint).underService {
        try moveToFailingDisk(.data)
        for _ in 0..<rounds {
          // From an empty log on, so that it needs blocks that the disk does not have.
          try Machine.stopService()
          expectYes(try Factor.root.authenticate(user, phone.nextCode()))
          try Machine.write("", to: "/run/no-checkpoint")
          try breakDisk()
          var code = ""
          repeat { code = try phone.nextCode() } while try Factor.root.authenticate(user, code).error == nil
          try mendDisk()
          try FileManager.default.removeItem(atPath: "/run/no-checkpoint")
          if try Factor.root.authenticate(user, code).error == "ResponseReplayed" { spent += 1 }
          let after = try phone.nextCode()
          expectYes(try Factor.root.authenticate(user, after))
          try Machine.stopService(signal: SIGKILL)
          try remount()
          expectRefused(try Factor.root.authenticate(user, after), "ResponseReplayed")
        }
      }
      // Or there was nothing in memory only.
      #expect(spent > 0)
      try IntegrationTests.Strength.report(
        "Trouble", tried: "a yes behind a write that failed, then a power cut", times: "\(rounds) times",
        outcome: "every yes on the disk; \(spent) times behind a commit that had been refused")
    }
  }
}
