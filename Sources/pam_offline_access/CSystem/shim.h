// The parts of libc that the sources of the PAM module use; Embedded Swift has no module Glibc.
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

// errno and SIG_IGN are macros that the importer leaves out.
static inline int last_error(void) { return errno; }
static inline void ignore_broken_pipes(void) { signal(SIGPIPE, SIG_IGN); }
