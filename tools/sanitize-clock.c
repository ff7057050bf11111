/* The movable clock of the integration tests for a service with a sanitizer in it. libfaketime calls functions that
   the sanitizer's runtime watches before that is ready, and both wait for each other; this one makes system calls only. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* Sets the time by the file that Clock.swift writes: "+30" or "-30" moves it by seconds, "1800000000" is the time. */
static void apply(struct timespec *time)
{
    char text[32];
    long descriptor, count, value = 0;
    descriptor = syscall(SYS_openat, AT_FDCWD, "/run/offline-access-clock", O_RDONLY | O_CLOEXEC, 0);
    if (descriptor < 0) return;
    count = syscall(SYS_read, descriptor, text, sizeof text);
    syscall(SYS_close, descriptor);
    if (count < 1) return;
    int moves = text[0] == '+' || text[0] == '-';
    for (long i = moves; i < count && text[i] >= '0' && text[i] <= '9'; i++) value = value * 10 + (text[i] - '0');
    if (!moves) time->tv_nsec = 0;
    time->tv_sec = !moves ? value : text[0] == '-' ? time->tv_sec - value : time->tv_sec + value;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    if (syscall(SYS_clock_gettime, clock, time) != 0) return -1;
    const char *fixed = getenv("DONT_FAKE_MONOTONIC");
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || (fixed && strcmp(fixed, "0") == 0)) apply(time);
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
