import Foundation
import Testing

extension IntegrationTests.Strength {
  @Suite("A disk that fails to read")
  struct ReadErrors {
    private static let choice = "/run/read-error"
    let user: String
    let phone: Phone

    init() throws {
      try Machine.reset("[Service]\nidle-exit=0\n[Allowance]\nlogins=1000\n")
      try PAMHost.install()
      user = try Machine.newUser()
      phone = try Phone.activated(user)
    }

    /// Reads of the file whose path ends with the words in `choice` fail as those of a broken disk do.
    private func broken() throws -> Preload {
      try Preload(
        "read-error",
        """
        #include <dlfcn.h>
        #include <errno.h>
        #include <fcntl.h>
        #include <stdio.h>
        #include <string.h>
        #include <sys/syscall.h>
        #include <sys/types.h>
        #include <unistd.h>
        static int fails(int descriptor) {
          char chosen[128], link[64], path[512];
          int file = open("\(Self.choice)", O_RDONLY | O_CLOEXEC);
          if (file < 0) return 0;
          ssize_t length = syscall(SYS_read, file, chosen, sizeof chosen);
          close(file);
          snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
          ssize_t count = readlink(link, path, sizeof path);
          if (length <= 0 || count < length || memcmp(path + count - length, chosen, length)) return 0;
          errno = EIO;
          return 1;
        }
        ssize_t read(int descriptor, void *buffer, size_t count) {
          return fails(descriptor) ? -1 : syscall(SYS_read, descriptor, buffer, count);
        }
        ssize_t pread64(int descriptor, void *buffer, size_t count, off_t place) {
          return fails(descriptor) ? -1 : syscall(SYS_pread64, descriptor, buffer, count, place);
        }
        ssize_t pread(int descriptor, void *buffer, size_t count, off_t place) {
          return pread64(descriptor, buffer, count, place);
        }
        """)
    }

    @Test(
      "Closed, named, and right again once it can be read; nothing is spent meanwhile",
      arguments: ["state.db", "sealing.key", "generation"])
    func failing(file: String) throws {
      let rounds = IntegrationTests.Strength.times(10, short: 2)
      let log = try ServiceLog()
      var (refused, yeses) = (0, 0)
      try broken().underService {
        defer { try? FileManager.default.removeItem(atPath: Self.choice) }
        for _ in 0..<rounds {
          let code = try phone.nextCode()
          // A new process reads all of it; one that runs has it in memory.
          try Machine.stopService()
          try Machine.write("offline-access/\(file)", to: Self.choice)
          let answer = try Factor.root.authenticate(user, code)
          expectRefused(answer, "Failed")
          expectOut(try PAMHost.login(user, code))
          expectRefused(try Factor.root.allowance(user), "Failed")
          refused += 3
          try FileManager.default.removeItem(atPath: Self.choice)
          // The same process goes on.
          let pid = try Machine.servicePID()
          #expect(try Factor.root.allowance(user)["remaining"] == String(1000 - yeses))
          expectIn(try PAMHost.login(user, code), saying: "offline logins remaining.")
          yeses += 1
          expectRefused(try Factor.root.authenticate(user, code), "ResponseReplayed")
          #expect(try Machine.servicePID() == pid)
          // And in the middle of its life: whatever it still has to read.
          let next = try phone.nextCode()
          try Machine.write("offline-access/\(file)", to: Self.choice)
          let amid = try Factor.root.authenticate(user, next)
          #expect(amid.error == nil || amid.error == "Failed", "\(amid.sentence)")
          try FileManager.default.removeItem(atPath: Self.choice)
          if amid.error != nil { expectYes(try Factor.root.authenticate(user, next)) }
          yeses += 1
          #expect(try Factor.root.allowance(user)["remaining"] == String(1000 - yeses))
        }
      }
      let text = try log.new
      #expect(text.contains("/var/lib/offline-access") || text.contains("storage"), "\(text)")
      try IntegrationTests.Strength.report(
        "Trouble", tried: "\(file) cannot be read", times: "\(rounds) times",
        outcome: "\(refused) calls and logins refused by name, \(yeses) yeses, all recorded")
    }
  }
}
