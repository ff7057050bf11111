// Preloaded into a service, makes its disk slower: each fdatasync takes DISK_DELAY microseconds more.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

int fdatasync(int file) {
  static int (*real)(int);
  static useconds_t delay;
  if (real == NULL) {
    delay = (useconds_t)atoi(getenv("DISK_DELAY"));
    real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  }
  usleep(delay);
  return real(file);
}
