// Parts of Linux that Swift does not import by itself.
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timex.h>

/// Keeps other processes of the same user from reading this one's memory; 0 on success.
static inline int linux_forbid_dump(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

/// A descriptor that becomes readable when eight bytes of a number are written to it; -1 on failure.
static inline int linux_event(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

/// sync_file_range(2), which <fcntl.h> shows to GNU programs only. Swift's importer has read that header by then.
int sync_file_range(int descriptor, long long offset, long long count, unsigned int flags);

/// SYNC_FILE_RANGE_WRITE: start to write out, without waiting for the end.
static inline int linux_start_writing(int descriptor) { return sync_file_range(descriptor, 0, 0, 2); }

/// Zeroes the vector registers: what memcpy moved last stays in them, and goes to the stack with the next signal.
static inline void linux_wipe_registers(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx")) {
    __asm__ volatile("vzeroall" ::: "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
                     "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
  }
  // glibc's functions prefer those above 15, which nothing here is compiled to use.
  if (__builtin_cpu_supports("avx512f")) {
    __asm__ volatile(
        "vpxord %zmm16, %zmm16, %zmm16\n vpxord %zmm17, %zmm17, %zmm17\n vpxord %zmm18, %zmm18, %zmm18\n"
        "vpxord %zmm19, %zmm19, %zmm19\n vpxord %zmm20, %zmm20, %zmm20\n vpxord %zmm21, %zmm21, %zmm21\n"
        "vpxord %zmm22, %zmm22, %zmm22\n vpxord %zmm23, %zmm23, %zmm23\n vpxord %zmm24, %zmm24, %zmm24\n"
        "vpxord %zmm25, %zmm25, %zmm25\n vpxord %zmm26, %zmm26, %zmm26\n vpxord %zmm27, %zmm27, %zmm27\n"
        "vpxord %zmm28, %zmm28, %zmm28\n vpxord %zmm29, %zmm29, %zmm29\n vpxord %zmm30, %zmm30, %zmm30\n"
        "vpxord %zmm31, %zmm31, %zmm31");
  }
#endif
}

/// Wipes what calls that have returned left behind: 32 KB of this thread's stack, and its vector registers.
__attribute__((noinline)) static void linux_wipe_leftovers(void) {
  char left[32 * 1024];
  explicit_bzero(left, sizeof left);
  linux_wipe_registers();
}

/// close_range(2), from `first` on; 0 on success.
int close_range(unsigned int first, unsigned int last, int flags);
static inline int linux_close_from(unsigned int first) { return close_range(first, ~0U, 0); }

/// pidfd_open(2): a descriptor that becomes readable when the process has ended; -1 on failure.
int pidfd_open(int process, unsigned int flags);
static inline int linux_watch_process(int process) { return pidfd_open(process, 0); }

/// The user id of who listens at, or connected to, the other end of a Unix socket (SO_PEERCRED, unix(7)); -1 where
/// that is not known. `struct ucred` is shown to GNU programs only.
static inline long linux_peer_user(int socket) {
  struct { int process; unsigned int user, group; } peer;
  socklen_t size = sizeof peer;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || size != sizeof peer) return -1;
  return peer.user;
}

/// No program that this one starts has more rights; 0 on success.
static inline int linux_forbid_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }

// What <unistd.h> shows to GNU programs only.
int setresuid(unsigned int real, unsigned int effective, unsigned int saved);
int setresgid(unsigned int real, unsigned int effective, unsigned int saved);

#if defined(__x86_64__)
#define LINUX_AUDIT_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define LINUX_AUDIT_ARCH AUDIT_ARCH_AARCH64
#endif

/// From now on there are no new programs or processes, and no tracing of others; threads stay possible. 0 on success.
/// It needs linux_forbid_new_privileges. Whoever knows a number of another architecture is ended.
static inline int linux_forbid_processes(void) {
#ifdef LINUX_AUDIT_ARCH
#define LINUX_REFUSE(call, error)                         \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),        \
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error)
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, LINUX_AUDIT_ARCH, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
#ifdef __x86_64__
      // The numbers of x32.
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      LINUX_REFUSE(SYS_fork, EPERM),
      LINUX_REFUSE(SYS_vfork, EPERM),
#endif
      LINUX_REFUSE(SYS_execve, EPERM),
      LINUX_REFUSE(SYS_execveat, EPERM),
      LINUX_REFUSE(SYS_ptrace, EPERM),
      LINUX_REFUSE(SYS_process_vm_readv, EPERM),
      LINUX_REFUSE(SYS_process_vm_writev, EPERM),
      // Its flags lie in memory, where a filter does not see them; the C library then takes clone(2).
      LINUX_REFUSE(SYS_clone3, ENOSYS),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
#undef LINUX_REFUSE
  struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
#else
  return 0;
#endif
}
