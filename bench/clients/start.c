// How long a service takes from its start to its name on the system bus.
//
//     start NAME PROGRAM [ARGUMENT...]
//
// Prints "NANOSECONDS PID" and leaves the service running.
#include "bus.h"
#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv) {
  if (argc < 3) errx(1, "usage: start NAME PROGRAM [ARGUMENT...]");
  DBusConnection *bus = system_bus();
  DBusError error = DBUS_ERROR_INIT;
  char rule[512];
  snprintf(rule, sizeof rule, "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='%s'", argv[1]);
  dbus_bus_add_match(bus, rule, &error);
  if (dbus_error_is_set(&error)) errx(1, "%s", error.message);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t pid;
  long long begin = now();
  int failed = posix_spawn(&pid, argv[2], &actions, NULL, argv + 2, environ);
  if (failed != 0) errx(1, "%s: %s", argv[2], strerror(failed));
  while (now() - begin < 10000000000LL && dbus_connection_read_write(bus, 1000)) {
    DBusMessage *message;
    while ((message = dbus_connection_pop_message(bus)) != NULL) {
      const char *name, *before, *after;
      if (dbus_message_is_signal(message, DBUS_INTERFACE_DBUS, "NameOwnerChanged") &&
          dbus_message_get_args(
              message, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &before, DBUS_TYPE_STRING, &after,
              DBUS_TYPE_INVALID) &&
          strcmp(name, argv[1]) == 0 && *after != '\0') {
        printf("%lld %d\n", now() - begin, pid);
        return 0;
      }
      dbus_message_unref(message);
    }
  }
  errx(1, "%s did not take its name", argv[2]);
}
