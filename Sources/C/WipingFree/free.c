// The service's free() and realloc(), for all libraries in its process: what is given back is zero first.
//
// Secrets and codes pass through strings of GLib's and of Swift's bus messages, which are freed by their owners
// and not wiped. glibc's own M_PERTURB does not see blocks that go to the thread's cache, which are nearly all.
//
// Not under a sanitizer, which has functions of its own in these places: it calls them before they could work here,
// and would see nothing of what is freed.
#define _GNU_SOURCE
#include "WipingFree.h"

#if !__has_feature(thread_sanitizer) && !__has_feature(address_sanitizer)

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

// glibc's own; exported by it for such replacements.
extern void __libc_free(void *);

void free(void *block) {
  if (block == NULL) return;
  int error = errno;
  explicit_bzero(block, malloc_usable_size(block));
  __libc_free(block);
  errno = error;
}

// glibc's moves a block without calling free().
void *realloc(void *block, size_t size) {
  if (block == NULL) return malloc(size);
  size_t present = malloc_usable_size(block);
  if (size == 0) {
    free(block);
    return NULL;
  }
  if (size <= present && size >= present / 2) return block;
  void *moved = malloc(size);
  if (moved == NULL) return NULL;
  memcpy(moved, block, size < present ? size : present);
  free(block);
  return moved;
}

#endif
