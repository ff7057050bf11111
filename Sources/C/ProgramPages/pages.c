// The memory of this process by what it holds: secrets may pass through all that can be written to, and through nothing
// else.
#define _GNU_SOURCE
#include "ProgramPages.h"

#include <errno.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int lock_writable_pages(void) {
  // Not by mlockall(MCL_CURRENT): it would walk through all pages that are there, and most of them are code.
  FILE *maps = fopen("/proc/self/maps", "re");
  if (maps == NULL) return -1;
  char line[512], writable;
  int status = 0;
  while (status == 0 && fgets(line, sizeof line, maps) != NULL) {
    uintptr_t start, end;
    if (sscanf(line, "%lx-%lx %*c%c", &start, &end, &writable) != 3 || writable != 'w') continue;
    status = mlock2((void *)start, end - start, MLOCK_ONFAULT);
  }
  int error = errno;
  fclose(maps);
  errno = error;
  return status == 0 ? mlockall(MCL_FUTURE | MCL_ONFAULT) : status;
}

// Lets go of all whole pages of segments that are not writable, not even while the program is linked.
static int let_go(struct dl_phdr_info *object, size_t size, void *context) {
  (void)size, (void)context;
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
    if (segment->p_type != PT_LOAD || segment->p_flags & PF_W) continue;
    uintptr_t start = (object->dlpi_addr + segment->p_vaddr + page - 1) & ~(page - 1);
    uintptr_t end = (object->dlpi_addr + segment->p_vaddr + segment->p_filesz) & ~(page - 1);
    if (start < end) madvise((void *)start, end - start, MADV_DONTNEED);
  }
  return 0;
}

void let_go_of_program_pages(void) { dl_iterate_phdr(let_go, NULL); }
