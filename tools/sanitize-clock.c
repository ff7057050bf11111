/* The movable clock of the integration tests for a service with a sanitizer in it. libfaketime calls functions that
   the sanitizer's runtime watches before that is ready, and both wait for each other; this one makes system calls only. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* Seconds by which the clock is ahead: "+30" in the file that Clock.swift writes. */
static long offset(void)
{
    char text[32];
    long descriptor, count, value = 0;
    descriptor = syscall(SYS_openat, AT_FDCWD, "/run/offline-access-clock", O_RDONLY | O_CLOEXEC, 0);
    if (descriptor < 0) return 0;
    count = syscall(SYS_read, descriptor, text, sizeof text);
    syscall(SYS_close, descriptor);
    for (long i = 1; i < count && text[i] >= '0' && text[i] <= '9'; i++) value = value * 10 + (text[i] - '0');
    return count > 0 && text[0] == '-' ? -value : value;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    if (syscall(SYS_clock_gettime, clock, time) != 0) return -1;
    const char *fixed = getenv("DONT_FAKE_MONOTONIC");
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || (fixed && strcmp(fixed, "0") == 0))
        time->tv_sec += offset();
    return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *place)
{
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
    if (place) *place = now.tv_sec;
    return now.tv_sec;
}
