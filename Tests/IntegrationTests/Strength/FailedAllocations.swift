import Foundation
import Glibc
import Testing

extension IntegrationTests.Strength {
  /// Memory that is not to be had, one request after another: limits of the kernel are met by chance.
  @Suite("An allocation of the service fails")
  struct FailedAllocations {
    private static let counter = "/run/allocations"
    /// As in the source.
    private static let none: Int64 = -1

    /// Counts the allocations down that `counter` begins with; the one that finds zero fails, and where the second
    /// number is set all after it.
    private static let source = """
      #include <errno.h>
      #include <fcntl.h>
      #include <stdatomic.h>
      #include <stdlib.h>
      #include <sys/mman.h>
      #include <unistd.h>
      extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t),
          *__libc_memalign(size_t, size_t);
      static _Atomic long *left;
      __attribute__((constructor)) static void map(void) {
        int file = open("\(counter)", O_RDWR | O_CLOEXEC);
        if (file < 0) return;
        void *place = mmap(NULL, 2 * sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (place != MAP_FAILED) left = place;
        close(file);
      }
      static int fails(void) {
        long now = left ? atomic_load(left) : \(none);
        if (now < 0) return 0;
        if (now > 0) {
          atomic_fetch_sub(left, 1);
          return 0;
        }
        if (!left[1]) atomic_store(left, \(none));
        errno = ENOMEM;
        return 1;
      }
      void *malloc(size_t size) { return fails() ? NULL : __libc_malloc(size); }
      void *calloc(size_t count, size_t size) { return fails() ? NULL : __libc_calloc(count, size); }
      void *realloc(void *old, size_t size) { return fails() ? NULL : __libc_realloc(old, size); }
      void *memalign(size_t alignment, size_t size) { return fails() ? NULL : __libc_memalign(alignment, size); }
      void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
      int posix_memalign(void **place, size_t alignment, size_t size) {
        void *made = memalign(alignment, size);
        if (!made) return ENOMEM;
        *place = made;
        return 0;
      }
      """

    /// - Returns: how many allocations were still to come before it.
    @discardableResult
    private static func arm(_ count: Int64, all: Bool = false) throws -> Int64 {
      let file = open(counter, O_RDWR | O_CREAT, 0o600)
      try #require(file >= 0)
      defer { close(file) }
      var (before, words): ([Int64], [Int64]) = ([none, 0], [count, all ? 1 : 0])
      _ = before.withUnsafeMutableBytes { pread(file, $0.baseAddress, $0.count, 0) }
      let written = words.withUnsafeMutableBytes { pwrite(file, $0.baseAddress, $0.count, 0) }
      try #require(written == 16)
      return before[0]
    }

    // A sanitizer has an allocator of its own.
    @Test(
      "It says no yes that is forgotten, and comes back right", .enabled(if: !Machine.isSanitized),
      arguments: [false, true])
    func authenticate(allAfterIt: Bool) throws {
      let rounds = IntegrationTests.Strength.times(500, short: 25)
      try Machine.reset("[Service]\nidle-exit=0\n[Allowance]\nlogins=10000\n")
      try Self.arm(Self.none)
      try Preload("failed-allocations", Self.source).underService {
        let user = try Machine.newUser()
        let phone = try Phone.activated(user)
        expectYes(try Factor.root.authenticate(user, phone.nextCode()))
        let many: Int64 = 1 << 40
        try Self.arm(many)
        expectYes(try Factor.root.authenticate(user, phone.nextCode()))
        let total = many - (try Self.arm(Self.none))
        try #require(total > 100)
        var (deaths, refused, yeses) = (0, 0, 2)
        for round in 0..<rounds {
          expectYes(try Factor.root.allowance(user))
          let pid = try #require(try Machine.servicePID())
          let code = try phone.nextCode()
          try Self.arm(total * Int64(round) / Int64(rounds), all: allAfterIt)
          let isYes = try Factor.root.authenticate(user, code).error == nil
          try Self.arm(Self.none)
          // Where it dies, that is soon: nothing that is left does without memory.
          // It may die only now, and OpenSSL's generator of random numbers refuses once more after a failure.
          var again = try Factor.root.authenticate(user, code)
          for _ in 1...3 where ["Failed", "NoReply"].contains(again.error) {
            again = try Factor.root.authenticate(user, code)
          }
          if kill(pid, 0) != 0 { deaths += 1 }
          if isYes { yeses += 1 } else { refused += 1 }
          // A yes is on the record. A code that was refused is spent or not, but never for more than one yes.
          if isYes { expectRefused(again, "ResponseReplayed") }
          if again.error == nil { yeses += 1 }
          #expect(again.error == nil || again.error == "ResponseReplayed", "\(again.sentence)")
        }
        let remaining = try #require(Int(try Factor.root.allowance(user)["remaining"] ?? ""))
        #expect((yeses...yeses + refused).contains(10_000 - remaining))
        // It was missed, or this would have shown nothing.
        #expect(deaths > 0 && refused > 0, "\(total) allocations, \(deaths) deaths, \(refused) refused")
        try IntegrationTests.Strength.report(
          "Trouble", tried: "\(allAfterIt ? "each allocation from one on" : "one allocation") of the service fails",
          times: "\(rounds) of \(total) in an Authenticate",
          outcome: "\(deaths) deaths, \(refused) right codes refused meanwhile, \(yeses) yeses all recorded")
      }
    }
  }
}
