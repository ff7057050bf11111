"""The products side by side: each a PAM service and a folder in which it keeps its state."""

import os
import secrets
import shutil
import signal
import sqlite3

from machine import NAME, client, end, hotp, pam_service, pids, run, show, unbase32, unmount


class Product:
    """A PAM module that takes codes by counter, and what it keeps."""

    def __init__(self):
        self.secrets = {}
        self.counters = {}
        os.makedirs(self.home, mode=0o700, exist_ok=True)
        pam_service(self.service, f"auth required {self.module}", "account required pam_permit.so")

    def code(self, user):
        """The next code that the user's device shows."""
        self.counters[user] += 1
        return hotp(self.secrets[user], self.counters[user] - 1)

    def codes(self, user, count):
        return [self.code(user) for _ in range(count)]

    def use(self, folder):
        """Takes a folder of the disk as the place of its state."""
        self.stop()
        show(folder, self.home)
        self.start()

    def enroll(self, users):
        """Sets users up with new secrets."""
        for user in users:
            self.secrets[user] = secrets.token_bytes(20)
            self.counters[user] = self.first
        self.write(users)

    def enroll_again(self, user):
        """Starts over where a right code was refused, so that the next round finds a door that works."""
        self.enroll([user])

    def unblock(self):
        """Takes away what a login that was cut short left in the way of all others, as an administrator would."""

    # What only a service has to do.
    def start(self):
        pass

    def stop(self, with_signal=signal.SIGTERM):
        pass

    def pids(self):
        """The processes beside the login that work for it."""
        return []


class GoogleAuthenticator(Product):
    name, home, service, first = "google-authenticator", "/var/lib/bench-google", "bench-google", 1
    module = f"pam_google_authenticator.so user=root secret={home}/${{USER}}"

    def write(self, users):
        from base64 import b32encode
        for user in users:
            path = f"{self.home}/{user}"
            if os.path.exists(path):
                os.unlink(path)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o400), "w", encoding="ascii") as file:
                file.write(f'{b32encode(self.secrets[user]).decode()}\n" HOTP_COUNTER {self.first}\n" WINDOW_SIZE 17\n')

    def recorded(self, user):
        """How many codes its state says were used."""
        with open(f"{self.home}/{user}", encoding="ascii") as file:
            counter = next(line for line in file if line.startswith('" HOTP_COUNTER'))
        return int(counter.split()[-1]) - self.first


class Oath(Product):
    name, home, service, first = "pam_oath", "/var/lib/bench-oath", "bench-oath", 0
    module = f"pam_oath.so usersfile={home}/users window=20 digits=6"

    def write(self, users):
        self.unblock()
        self.fill(0)

    def unblock(self):
        for name in os.listdir(self.home):
            if name.startswith("users."):
                os.unlink(f"{self.home}/{name}")

    def fill(self, others):
        """Writes the file anew, with so many others around those that log in: half before, half after."""
        def line(name, secret):
            return f"HOTP\t{name}\t-\t{secret.hex()}\n"
        with open(os.open(f"{self.home}/users", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.writelines(line(f"other{number}", secrets.token_bytes(20)) for number in range(others // 2))
            file.writelines(line(user, secret) for user, secret in self.secrets.items())
            file.writelines(line(f"other{number}", secrets.token_bytes(20)) for number in range(others // 2, others))

    def recorded(self, user):
        with open(f"{self.home}/users", encoding="ascii") as file:
            fields = next((words for words in map(str.split, file) if words[1:2] == [user]), [])
        # Counter, last code and its time come behind when one was used.
        return int(fields[4]) + 1 if len(fields) > 4 else 0


class Ours(Product):
    name, home, service, first = "ours", "/var/lib/offline-access", "bench-ours", 1
    module = "pam_offline_access.so"
    program = "/usr/libexec/offline-accessd"
    allowance = 1_000_000

    def __init__(self):
        super().__init__()
        self.configure()

    def configure(self, idle_exit=0):
        with open("/etc/offline-access/offline-access.conf", "w", encoding="utf-8") as file:
            file.write(f"[Service]\nidle-exit={idle_exit}\n[Factor]\npasscode=hotp\n"
                       f"[Allowance]\nlogins={self.allowance}\n")

    def restart(self, program, env=None):
        """Goes on with another build of the service, on the same state."""
        self.stop()
        self.program = program
        self.start(env)

    def start(self, env=None):
        """Starts it and returns the seconds until it had its name, and its process."""
        time, pid = client("start", NAME, self.program, env=env)[0].split()
        return int(time) / 1e9, int(pid)

    def stop(self, with_signal=signal.SIGTERM):
        for pid in self.pids():
            end(pid, with_signal)

    def pids(self):
        return pids(self.program)

    def enroll(self, users):
        for line in client("calls", "own", "enroll", lines=users):
            user, secret = line.split()
            self.secrets[user] = unbase32(secret)
            self.counters[user] = self.first

    def enroll_again(self, user):
        run("offline-access", "deactivate", "--user", user)
        self.enroll([user])

    def recorded(self, user):
        return self.allowance - int(client("calls", "own", "left", lines=[user])[0].split()[1])

    def fill(self, others):
        """Adds so many other users. Their records are noise of the right length: nobody opens them."""
        self.stop()
        database = sqlite3.connect(f"{self.home}/state.db")
        (length,) = database.execute("SELECT max(length(record)) FROM enrollment").fetchone()
        database.execute(
            "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?) "
            "INSERT INTO enrollment SELECT 1000000 + n, 'other' || n, randomblob(?) FROM number", (others, length))
        database.commit()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
        self.start()


def fresh(folder):
    """An empty folder of the disk."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder, mode=0o700)
    return folder


def everything():
    return [Ours(), GoogleAuthenticator(), Oath()]


def leave(products):
    for product in products:
        product.stop()
        unmount(product.home)
    run("sync", "--file-system", "/disk")
