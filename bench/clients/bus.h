// Two ways to the same objects, for ours and for what it is measured against: the system bus, and a socket of the
// service's own. libdbus on each side of the comparison, so that only the service differs.
#pragma once
#include <dbus/dbus.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REFERENCE "org.offlineaccess.Reference"
#define REFERENCE_PATH "/org/offlineaccess/Reference"
#define REFERENCE_SOCKET "unix:path=/run/offline-access-reference"

static inline long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

// A connection of its own, introduced to the bus where it is one.
static inline DBusConnection *connect_to(const char *address, int is_bus) {
  DBusError error = DBUS_ERROR_INIT;
  DBusConnection *connection = dbus_connection_open_private(address, &error);
  if (connection == NULL) errx(1, "%s: %s", address, error.message);
  dbus_connection_set_exit_on_disconnect(connection, 0);
  if (is_bus && !dbus_bus_register(connection, &error)) errx(1, "%s: %s", address, error.message);
  return connection;
}

static inline DBusConnection *system_bus(void) {
  return connect_to("unix:path=/run/dbus/system_bus_socket", 1);
}

static inline void disconnect(DBusConnection *connection) {
  dbus_connection_close(connection);
  dbus_connection_unref(connection);
}
