// Parts of Linux that Swift does not import by itself.
#include <string.h>
#include <sys/prctl.h>
#include <sys/timex.h>

/// Keeps other processes of the same user from reading this one's memory; 0 on success.
static inline int linux_forbid_dump(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

/// sync_file_range(2), which <fcntl.h> shows to GNU programs only. Swift's importer has read that header by then.
int sync_file_range(int descriptor, long long offset, long long count, unsigned int flags);

/// SYNC_FILE_RANGE_WRITE: start to write out, without waiting for the end.
static inline int linux_start_writing(int descriptor) { return sync_file_range(descriptor, 0, 0, 2); }

/// Wipes what calls that have returned left on this thread's stack, 32 KB of it.
__attribute__((noinline)) static void linux_wipe_stack(void) {
  char left[32 * 1024];
  explicit_bzero(left, sizeof left);
}
