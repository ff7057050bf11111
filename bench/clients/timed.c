// Runs commands and tells what each cost: wall time, its own processor time, peak memory, exit status.
//
//     timed PARALLEL < jobs
//
// A job is a line: what is typed into the command, a tab, and the words of the command, separated by tabs. Up to
// PARALLEL of them run at once. A line a job comes out, in the order of the jobs:
//
//     WALL-NANOSECONDS CPU-MICROSECONDS PEAK-KIB STATUS
//
// and at last a line "all NANOSECONDS", from the first start to the last end. A small program of its own, because the
// peak of a new process begins with that of its parent (Linux counts from before exec), and Python's is large.
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { most_words = 32 };

struct job {
  char *typed;
  char *words[most_words + 1];
  pid_t pid;
  long long start, wall, cpu, peak;
  int status;
};

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void parse(struct job *job, char *line) {
  line[strcspn(line, "\n")] = '\0';
  job->typed = strsep(&line, "\t");
  int count = 0;
  while (line != NULL && count < most_words) job->words[count++] = strsep(&line, "\t");
  if (count == 0) errx(1, "a job without a command: %s", job->typed);
}

static void start(struct job *job) {
  int typed[2];
  if (pipe2(typed, O_CLOEXEC) != 0) err(1, "pipe");
  dprintf(typed[1], "%s\n", job->typed);
  close(typed[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, typed[0], STDIN_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  job->start = now();
  int error = posix_spawnp(&job->pid, job->words[0], &actions, NULL, job->words, environ);
  if (error != 0) errx(1, "%s: %s", job->words[0], strerror(error));
  posix_spawn_file_actions_destroy(&actions);
  close(typed[0]);
}

static void reap(struct job *jobs, size_t count) {
  int status;
  struct rusage usage;
  pid_t pid = wait4(-1, &status, 0, &usage);
  long long end = now();
  if (pid < 0) err(1, "wait");
  for (size_t i = 0; i < count; i++) {
    if (jobs[i].pid != pid) continue;
    jobs[i].wall = end - jobs[i].start;
    jobs[i].cpu = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000LL + usage.ru_utime.tv_usec +
                  usage.ru_stime.tv_usec;
    jobs[i].peak = usage.ru_maxrss;
    jobs[i].status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    jobs[i].pid = 0;
  }
}

int main(int argc, char **argv) {
  size_t parallel = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
  if (parallel == 0) errx(1, "usage: timed PARALLEL < jobs");
  struct job *jobs = NULL;
  size_t count = 0, room = 0, length = 0;
  for (char *line = NULL; getline(&line, &length, stdin) > 0; line = NULL, length = 0) {
    if (count == room) jobs = realloc(jobs, (room = room * 2 + 64) * sizeof *jobs);
    if (jobs == NULL) err(1, "memory");
    memset(&jobs[count], 0, sizeof *jobs);
    parse(&jobs[count++], line);
  }
  long long begin = now();
  size_t running = 0;
  for (size_t i = 0; i < count; i++) {
    if (running == parallel) {
      reap(jobs, i);
      running--;
    }
    start(&jobs[i]);
    running++;
  }
  for (; running > 0; running--) reap(jobs, count);
  long long all = now() - begin;
  for (size_t i = 0; i < count; i++)
    printf("%lld %lld %lld %d\n", jobs[i].wall, jobs[i].cpu, jobs[i].peak, jobs[i].status);
  printf("all %lld\n", all);
}
