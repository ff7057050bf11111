// Parts of Linux that Swift does not import by itself.
#include <sys/prctl.h>
#include <sys/timex.h>

/// Keeps other processes of the same user from reading this one's memory; 0 on success.
static inline int linux_forbid_dump(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }
