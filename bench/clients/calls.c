// Calls the service, or what it is measured against, and tells how long each call took.
//
//     calls WAY MODE [COUNT [FILE SIZE]] < lines
//
// WAY      bus (the system bus) or own (the service's own socket)
// MODE     cold      Authenticate, each over a new connection
//          warm      Authenticate, one after another over one connection
//          flood     Authenticate, COUNT of them outstanding
//          cold-echo, warm-echo, warm-commit, flood-commit     the same for the reference
//          enroll    sets up a user a line by counter; prints user and secret
//          left      prints how many logins each user has left
// FILE     where an echo is followed by a durable write of SIZE bytes
// Lines are "USER CODE", or "USER". A line a call comes out: "NANOSECONDS ok" or "NANOSECONDS ERROR"; at the end of a
// flood "all NANOSECONDS".
#include "bus.h"
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <unistd.h>

#define FACTOR "org.offlineaccess.Factor1"
#define FACTOR_PATH "/org/offlineaccess/Factor1"

static int is_bus, is_reference;
static const char *reference_method = "Echo";
static int file = -1;
static char *block;
static size_t size;
enum { places = 64 };

static DBusConnection *connect_there(void) {
  if (is_bus) return system_bus();
  return connect_to(is_reference ? REFERENCE_SOCKET : "unix:path=/run/offline-access/root", 0);
}

static void append_nothing(DBusMessageIter *arguments) {
  DBusMessageIter options;
  dbus_message_iter_open_container(arguments, DBUS_TYPE_ARRAY, "{sv}", &options);
  dbus_message_iter_close_container(arguments, &options);
}

// A call with these strings and, where the method takes them, no options.
static DBusMessage *method(const char *path, const char *interface, const char *name, const char **strings, int options) {
  DBusMessage *call = dbus_message_new_method_call(is_reference ? REFERENCE : FACTOR, path, interface, name);
  DBusMessageIter arguments;
  dbus_message_iter_init_append(call, &arguments);
  for (; *strings != NULL; strings++) dbus_message_iter_append_basic(&arguments, DBUS_TYPE_STRING, strings);
  if (options) append_nothing(&arguments);
  return call;
}

static DBusMessage *attempt(char *line) {
  char *user = strtok(line, " \n"), *code = strtok(NULL, " \n");
  if (is_reference)
    return method(REFERENCE_PATH, REFERENCE, reference_method, (const char *[]){user == NULL ? "" : user, NULL}, 0);
  if (code == NULL) errx(1, "a line without a code");
  return method(FACTOR_PATH, FACTOR, "Authenticate", (const char *[]){user, code, NULL}, 1);
}

// A file that is there already and is written over, as a log is: nothing but the bytes has to reach the disk.
static void prepare_file(const char *path) {
  block = calloc(1, size);
  file = open(path, O_WRONLY | O_CREAT, 0600);
  if (file < 0 || block == NULL) err(1, "%s", path);
  for (int i = 0; i < places; i++)
    if (pwrite(file, block, size, i * size) != (ssize_t)size) err(1, "write");
  if (fsync(file) != 0) err(1, "write");
}

static void write_durably(void) {
  static int place;
  if (file < 0) return;
  if (pwrite(file, block, size, place * size) != (ssize_t)size || fdatasync(file) != 0) err(1, "write");
  place = (place + 1) % places;
}

static void tell(long long nanoseconds, DBusMessage *reply) {
  if (reply == NULL) errx(1, "no answer");
  const char *error = dbus_message_get_error_name(reply);
  printf("%lld %s\n", nanoseconds, error == NULL ? "ok" : error);
}

static DBusMessage *ask(DBusConnection *connection, DBusMessage *call) {
  DBusPendingCall *pending;
  if (!dbus_connection_send_with_reply(connection, call, &pending, 25000) || pending == NULL) errx(1, "not sent");
  dbus_pending_call_block(pending);
  DBusMessage *reply = dbus_pending_call_steal_reply(pending);
  dbus_pending_call_unref(pending);
  dbus_message_unref(call);
  return reply;
}

static void one_by_one(int cold) {
  DBusConnection *connection = cold ? NULL : connect_there();
  char line[512];
  while (fgets(line, sizeof line, stdin) != NULL) {
    long long begin = now();
    if (cold) connection = connect_there();
    DBusMessage *reply = ask(connection, attempt(line));
    write_durably();
    long long end = now();
    tell(end - begin, reply);
    dbus_message_unref(reply);
    if (cold) disconnect(connection);
  }
}

// --- many at once -----------------------------------------------------------------------------------

static int outstanding;

static void finished(DBusPendingCall *pending, void *context) {
  DBusMessage *reply = dbus_pending_call_steal_reply(pending);
  tell(now() - *(long long *)context, reply);
  dbus_message_unref(reply);
  outstanding--;
}

static void flood(int count) {
  DBusConnection *connection = connect_there();
  char line[512];
  int more = 1;
  long long begin = now();
  while (more || outstanding > 0) {
    while (more && outstanding < count) {
      if (fgets(line, sizeof line, stdin) == NULL) {
        more = 0;
        break;
      }
      DBusMessage *call = attempt(line);
      DBusPendingCall *pending;
      long long *start = malloc(sizeof *start);
      *start = now();
      if (!dbus_connection_send_with_reply(connection, call, &pending, 25000)) errx(1, "not sent");
      dbus_pending_call_set_notify(pending, finished, start, free);
      dbus_pending_call_unref(pending);
      dbus_message_unref(call);
      outstanding++;
    }
    dbus_connection_flush(connection);
    if (outstanding > 0 && !dbus_connection_read_write_dispatch(connection, 25000)) errx(1, "disconnected");
    while (dbus_connection_dispatch(connection) == DBUS_DISPATCH_DATA_REMAINS) {}
  }
  printf("all %lld\n", now() - begin);
}

// --- users ------------------------------------------------------------------------------------------

// The value of a string or an unsigned integer in the dictionary at `dictionary`, as text.
static int look_up(DBusMessageIter *dictionary, const char *key, char *text, size_t room) {
  DBusMessageIter entries, entry, value;
  dbus_message_iter_recurse(dictionary, &entries);
  for (; dbus_message_iter_get_arg_type(&entries) == DBUS_TYPE_DICT_ENTRY; dbus_message_iter_next(&entries)) {
    const char *name;
    dbus_message_iter_recurse(&entries, &entry);
    dbus_message_iter_get_basic(&entry, &name);
    if (strcmp(name, key) != 0) continue;
    dbus_message_iter_next(&entry);
    dbus_message_iter_recurse(&entry, &value);
    DBusBasicValue found;
    dbus_message_iter_get_basic(&value, &found);
    if (dbus_message_iter_get_arg_type(&value) == DBUS_TYPE_STRING)
      snprintf(text, room, "%s", found.str);
    else
      snprintf(text, room, "%u", found.u32);
    return 1;
  }
  return 0;
}

// The first code by counter (RFC 4226) of a secret in base 32.
static void first_code(const char *secret, char code[7]) {
  unsigned char key[128], counter[8] = {0}, mac[EVP_MAX_MD_SIZE];
  size_t length = 0;
  unsigned bits = 0, value = 0, mac_length;
  for (; *secret != '\0' && length < sizeof key; secret++) {
    const char *alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", *place = strchr(alphabet, *secret);
    if (place == NULL) continue; // between groups
    value = value << 5 | (unsigned)(place - alphabet);
    if ((bits += 5) >= 8) key[length++] = (unsigned char)(value >> (bits -= 8));
  }
  if (HMAC(EVP_sha1(), key, (int)length, counter, sizeof counter, mac, &mac_length) == NULL) errx(1, "HMAC");
  unsigned offset = mac[19] & 15;
  unsigned number = (mac[offset] & 127u) << 24 | mac[offset + 1] << 16 | mac[offset + 2] << 8 | mac[offset + 3];
  snprintf(code, 7, "%06u", number % 1000000);
}

static void fail(DBusMessage *reply, const char *what) {
  const char *text = "no answer";
  if (reply != NULL && dbus_message_get_error_name(reply) == NULL) return;
  if (reply != NULL) dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
  errx(1, "%s: %s", what, text);
}

static void each_user(int enroll) {
  DBusConnection *connection = connect_there();
  char line[512], text[512], code[7];
  while (fgets(line, sizeof line, stdin) != NULL) {
    const char *user = strtok(line, " \n");
    DBusMessageIter arguments;
    if (!enroll) {
      DBusMessage *reply =
          ask(connection, method(FACTOR_PATH, FACTOR, "RemainingAllowance", (const char *[]){user, NULL}, 0));
      fail(reply, user);
      dbus_message_iter_init(reply, &arguments);
      printf("%s %s\n", user, look_up(&arguments, "remaining", text, sizeof text) ? text : "0");
      dbus_message_unref(reply);
      continue;
    }
    DBusMessage *reply =
        ask(connection, method(FACTOR_PATH, FACTOR, "Activate", (const char *[]){user, "passcode", NULL}, 1));
    fail(reply, user);
    const char *path;
    dbus_message_iter_init(reply, &arguments);
    dbus_message_iter_get_basic(&arguments, &path);
    dbus_message_iter_next(&arguments);
    if (!look_up(&arguments, "secret", text, sizeof text)) errx(1, "%s: no secret", user);
    first_code(text, code);
    DBusMessage *confirmed =
        ask(connection, method(path, FACTOR ".Activation", "Confirm", (const char *[]){code, NULL}, 1));
    fail(confirmed, user);
    dbus_message_unref(confirmed);
    dbus_message_unref(reply);
    printf("%s ", user);
    for (const char *letter = text; *letter != '\0'; letter++)
      if (*letter != ' ') putchar(*letter);
    putchar('\n');
  }
}

int main(int argc, char **argv) {
  if (argc < 3) errx(1, "usage: calls bus|own MODE [COUNT [FILE SIZE]] < lines");
  is_bus = strcmp(argv[1], "bus") == 0;
  const char *mode = argv[2];
  int count = argc > 3 ? atoi(argv[3]) : 1;
  if (argc > 5) {
    size = strtoul(argv[5], NULL, 10);
    prepare_file(argv[4]);
  }
  is_reference = strstr(mode, "-echo") != NULL || strstr(mode, "-commit") != NULL;
  if (strstr(mode, "-commit") != NULL) reference_method = "Commit";
  if (strncmp(mode, "cold", 4) == 0 || strncmp(mode, "warm", 4) == 0)
    one_by_one(*mode == 'c');
  else if (strncmp(mode, "flood", 5) == 0)
    flood(count);
  else
    each_user(strcmp(mode, "enroll") == 0);
}
