import Testing

/// Something that makes the storage unusable.
struct StorageTrouble: CustomTestStringConvertible, Sendable {
  /// Shell commands, run in the state folder.
  let cause, cure: String
  /// What the user hears and what the log says.
  let sentence, log: String
  var testDescription: String { cause }

  init(_ cause: String, cure: String, _ sentence: String, log: String) {
    (self.cause, self.cure, self.sentence, self.log) = (cause, cure, sentence, log)
  }
}

extension StorageTrouble {
  /// Noticed by a service that runs, too.
  static let seenAtOnce = [
    StorageTrouble(
      "chmod 755 .", cure: "chmod 700 .", "not safely protected", log: "/var/lib/offline-access has mode 755"),
    StorageTrouble("chmod 701 .", cure: "chmod 700 .", "not safely protected", log: "has mode 701"),
    StorageTrouble(
      "chown alice .", cure: "chown root .", "not safely protected", log: "offline-access belongs to user id 2001"),
    StorageTrouble(
      "chmod 644 state.db", cure: "chmod 600 state.db", "not safely protected", log: "state.db has mode 644"),
    StorageTrouble(
      "chown bob state.db", cure: "chown root state.db", "not safely protected",
      log: "state.db belongs to user id 2002"),
    StorageTrouble(
      "chmod 640 sealing.key", cure: "chmod 600 sealing.key", "not safely protected", log: "sealing.key has mode 640"),
    StorageTrouble(
      "chown bob sealing.key", cure: "chown root sealing.key", "not safely protected",
      log: "sealing.key belongs to user id 2002"),
    StorageTrouble(
      "ln state.db /var/lib/another", cure: "rm /var/lib/another", "not safely protected",
      log: "state.db has more than one link"),
    StorageTrouble(
      "ln sealing.key /var/lib/another", cure: "rm /var/lib/another", "not safely protected",
      log: "sealing.key has more than one link"),
    StorageTrouble(
      "mv $PWD /var/lib/aside; ln -s aside /var/lib/offline-access",
      cure: "rm /var/lib/offline-access; mv /var/lib/aside /var/lib/offline-access", "not safely protected",
      log: "/var/lib/offline-access is not a folder"),
    replaced("state.db", by: "ln -s /run/aside state.db"), replaced("state.db", by: "mkfifo -m 600 state.db"),
    replaced("state.db", by: "mkdir -m 700 state.db"), replaced("sealing.key", by: "ln -s /run/aside sealing.key"),
    replaced("sealing.key", by: "mkfifo -m 600 sealing.key"),
    StorageTrouble(
      "chmod 604 generation", cure: "chmod 600 generation", "not safely protected", log: "generation has mode 604"),
    replaced("generation", by: "ln -s /run/aside generation"), replaced("generation", by: "mkfifo -m 600 generation"),
    StorageTrouble(
      "mv generation /run/aside", cure: "mv /run/aside generation", damaged,
      log: "generation is gone although the key is there"),
    StorageTrouble(
      "mv state.db /run/aside", cure: "mv /run/aside state.db", "records are damaged",
      log: "state.db is gone although its key is there"),
  ]
  static let emptied = StorageTrouble(
    "mv state.db /run/aside; install -m 600 /dev/null state.db", cure: "mv /run/aside state.db",
    "records are damaged",
    log: "state.db is empty although its key is there")

  /// Seen when the database is opened.
  static let seenWhenOpened = [
    StorageTrouble(
      "mv sealing.key /run/aside", cure: "mv /run/aside sealing.key", "its key is missing",
      log: "the sealing key is gone although"),
    spoiled(
      "sealing.key", "head -c 32 /dev/urandom >sealing.key", "do not belong to this computer and key",
      log: "sealed by another key"),
    spoiled("sealing.key", "truncate -s 31 sealing.key", damaged, log: "sealing.key does not hold 32 bytes"),
    spoiled("sealing.key", "echo >>sealing.key", damaged, log: "sealing.key does not hold 32 bytes"),
    spoiled(
      "generation", "head -c 1024 /dev/urandom >generation", damaged, log: "generation does not hold what was written"),
    spoiled("state.db", "head -c 20000 /dev/urandom >state.db", damaged, log: "not a database"),
    spoiled("state.db", "truncate -s 5000 state.db", damaged, log: "the storage is damaged"),
    spoiled(
      "state.db", "rm state.db; \(sql("CREATE TABLE x (y)")); chmod 600 state.db", damaged,
      log: "not a database of offline access"),
    spoiled(
      "state.db", sql("PRAGMA user_version = 2"), "come from a later version", log: "the database has version 2"),
    spoiled("state.db", sql("PRAGMA application_id = 0"), damaged, log: "not a database of offline access"),
    spoiled("state.db", sql("CREATE TABLE more (x)"), damaged, log: "the tables are not those of version 1"),
    spoiled("state.db", sql("DROP TABLE machine"), damaged, log: "the tables are not those of version 1"),
    spoiled("state.db", sql("DELETE FROM machine"), damaged, log: "the storage is damaged"),
    spoiled(
      "state.db", sql("UPDATE machine SET value = zeroblob(40)"), "do not belong to this computer",
      log: "or was edited"),
    spoiled(
      "/etc/machine-id", "echo 0123456789abcdef0123456789abcdef >/etc/machine-id", "do not belong to this computer",
      log: "or on another machine"),
    spoiled("/etc/machine-id", ": >/etc/machine-id", "cannot be used", log: "/etc/machine-id holds no machine id"),
  ]
  private static let damaged = "records are damaged"
  private static func replaced(_ file: String, by command: String) -> StorageTrouble {
    StorageTrouble(
      "mv \(file) /run/aside; \(command)", cure: "rm -rf \(file); mv /run/aside \(file)", "not safely protected",
      log: "\(file) is not a regular file")
  }

  private static func spoiled(_ file: String, _ command: String, _ sentence: String, log: String) -> StorageTrouble {
    StorageTrouble("cp -p \(file) /run/aside; \(command)", cure: "cp -p /run/aside \(file)", sentence, log: log)
  }

  /// Edits the database by SQLite itself.
  static func sql(_ text: String) -> String {
    "python3 -c 'import sqlite3; c = sqlite3.connect(\"state.db\"); c.execute(\"\(text)\"); c.commit()'"
  }
}
