// What the service is measured against: the least that a service can do on the bus.
//
//     reference FOLDER
//
// Echo answers with its argument. Commit writes two rows of the sizes that the service's commit has, alone in one
// transaction of SQLite (write-ahead log, synchronous=FULL), and only then answers: one commit a call.
#include "bus.h"
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

static sqlite3 *database;
static sqlite3_stmt *record, *machine;

static void must(int code) {
  if (code != SQLITE_OK && code != SQLITE_DONE) errx(1, "SQLite: %s", sqlite3_errmsg(database));
}

static void open_database(const char *folder) {
  char path[4096];
  snprintf(path, sizeof path, "%s/reference.db", folder);
  must(sqlite3_open(path, &database));
  must(sqlite3_exec(
      database,
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
      "CREATE TABLE IF NOT EXISTS enrollment (uid INTEGER PRIMARY KEY, name TEXT NOT NULL, record BLOB NOT NULL);"
      "CREATE TABLE IF NOT EXISTS machine (item TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
      NULL, NULL, NULL));
  must(sqlite3_prepare_v2(
      database, "INSERT OR REPLACE INTO enrollment VALUES (1, 'user', randomblob(150))", -1, &record, NULL));
  must(sqlite3_prepare_v2(
      database, "INSERT OR REPLACE INTO machine VALUES ('state', randomblob(44))", -1, &machine, NULL));
}

static void commit(void) {
  must(sqlite3_exec(database, "BEGIN IMMEDIATE", NULL, NULL, NULL));
  must(sqlite3_step(record));
  sqlite3_reset(record);
  must(sqlite3_step(machine));
  sqlite3_reset(machine);
  must(sqlite3_exec(database, "COMMIT", NULL, NULL, NULL));
}

static DBusHandlerResult handle(DBusConnection *connection, DBusMessage *call, void *context) {
  (void)context;
  int commits = dbus_message_is_method_call(call, REFERENCE, "Commit");
  if (!commits && !dbus_message_is_method_call(call, REFERENCE, "Echo")) return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
  const char *text = "";
  dbus_message_get_args(call, NULL, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
  if (commits) commit();
  DBusMessage *reply = dbus_message_new_method_return(call);
  dbus_message_append_args(reply, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
  dbus_connection_send(connection, reply, NULL);
  dbus_message_unref(reply);
  return DBUS_HANDLER_RESULT_HANDLED;
}

// --- a main loop for several connections: libdbus leaves that to its users ---------------------------

#include <poll.h>

enum { most = 256 };
static DBusWatch *watches[most];
static DBusConnection *connections[most];

static dbus_bool_t add_watch(DBusWatch *watch, void *context) {
  (void)context;
  for (int i = 0; i < most; i++)
    if (watches[i] == NULL) return watches[i] = watch, TRUE;
  return FALSE;
}

static void remove_watch(DBusWatch *watch, void *context) {
  (void)context;
  for (int i = 0; i < most; i++)
    if (watches[i] == watch) watches[i] = NULL;
}

static void serve(DBusConnection *connection) {
  static const DBusObjectPathVTable table = {.message_function = handle};
  dbus_connection_set_watch_functions(connection, add_watch, remove_watch, NULL, NULL, NULL);
  dbus_connection_register_object_path(connection, REFERENCE_PATH, &table, NULL);
  for (int i = 0; i < most; i++)
    if (connections[i] == NULL) return (void)(connections[i] = connection);
  errx(1, "too many connections");
}

static void accept_connection(DBusServer *server, DBusConnection *connection, void *context) {
  (void)server, (void)context;
  serve(dbus_connection_ref(connection));
}

static void turn(void) {
  struct pollfd polled[most];
  DBusWatch *of[most];
  int count = 0;
  for (int i = 0; i < most; i++) {
    if (watches[i] == NULL || !dbus_watch_get_enabled(watches[i])) continue;
    unsigned flags = dbus_watch_get_flags(watches[i]);
    short events = (flags & DBUS_WATCH_READABLE ? POLLIN : 0) | (flags & DBUS_WATCH_WRITABLE ? POLLOUT : 0);
    of[count] = watches[i];
    polled[count++] = (struct pollfd){.fd = dbus_watch_get_unix_fd(watches[i]), .events = events};
  }
  if (poll(polled, count, -1) < 0) err(1, "poll");
  for (int i = 0; i < count; i++) {
    short events = polled[i].revents;
    unsigned flags = (events & POLLIN ? DBUS_WATCH_READABLE : 0) | (events & POLLOUT ? DBUS_WATCH_WRITABLE : 0) |
                     (events & POLLHUP ? DBUS_WATCH_HANGUP : 0) | (events & POLLERR ? DBUS_WATCH_ERROR : 0);
    for (int j = 0; flags != 0 && j < most; j++)
      if (watches[j] == of[i]) dbus_watch_handle(of[i], flags);
  }
  for (int i = 0; i < most; i++) {
    if (connections[i] == NULL) continue;
    while (dbus_connection_dispatch(connections[i]) == DBUS_DISPATCH_DATA_REMAINS) {}
    if (dbus_connection_get_is_connected(connections[i])) continue;
    dbus_connection_unref(connections[i]);
    connections[i] = NULL;
  }
}

int main(int argc, char **argv) {
  if (argc != 2) errx(1, "usage: reference FOLDER");
  open_database(argv[1]);
  DBusError error = DBUS_ERROR_INIT;
  unlink(strchr(REFERENCE_SOCKET, '/'));
  DBusServer *server = dbus_server_listen(REFERENCE_SOCKET, &error);
  if (server == NULL) errx(1, "%s", error.message);
  dbus_server_set_watch_functions(server, add_watch, remove_watch, NULL, NULL, NULL);
  dbus_server_set_new_connection_function(server, accept_connection, NULL, NULL);
  DBusConnection *bus = system_bus();
  serve(bus);
  if (dbus_bus_request_name(bus, REFERENCE, 0, &error) < 0) errx(1, "%s", error.message);
  while (dbus_connection_get_is_connected(bus)) turn();
}
