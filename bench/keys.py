"""A security key at the prompt: none, the wrong one, the right one. The keys are in software (Tests/SoftKeyHost)."""

import os
import pty
import re
import subprocess
import time

from figures import undisturbed
from machine import DISK, NAME, login, pam_service, run, timed
from products import fresh

USER = "bench0"
HOME = "/var/lib/bench-u2f"
PRELOAD = "libumockdev-preload.so.0"


class Port:
    """Where soft keys are plugged in; those who see them run with its environment, and end before it."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        folder = self.process.stdout.readline().strip().split("=", 1)[1]
        self.environment = {"LD_PRELOAD": PRELOAD, "UMOCKDEV_DIR": folder}

    def tell(self, *words):
        self.process.stdin.write(" ".join(words) + "\n")
        answer = self.process.stdout.readline().strip()
        if not answer.startswith("ok"):
            raise RuntimeError(f"{words}: {answer}")

    def end(self):
        self.process.stdin.close()
        self.process.wait(timeout=10)


def call(path, interface, method, *arguments):
    return run("busctl", "--timeout=30", "call", NAME, path, f"{NAME}{interface}", method, *arguments)


def measure(figures, products, quick):
    ours = products[0]
    ours.use(fresh(f"{DISK}/keys"))
    ours.stop()
    port = Port(os.environ["SOFT_KEYS"])
    try:
        compare(figures, ours, port, quick)
    finally:
        ours.stop()
        port.end()


def compare(figures, ours, port, quick):
    port.tell("plug", "mine", "vendor=1050", "product=0407")
    port.tell("plug", "other", "vendor=1050", "product=0407")
    for key in "mine", "other":
        port.tell("set", key, "touch=at-once")
        port.tell("unplug", key)
    port.tell("plug", "mine")
    os.makedirs(HOME, mode=0o700, exist_ok=True)
    mapping = run("pamu2fcfg", "-u", USER, "-o", "pam://bench", "-i", "pam://bench", env=port.environment)
    with open(f"{HOME}/mapping", "w", encoding="ascii") as file:
        file.write(mapping + "\n")
    pam_service("bench-u2f",
                f"auth required pam_u2f.so authfile={HOME}/mapping origin=pam://bench appid=pam://bench cue",
                "account required pam_permit.so")
    ours.start(port.environment)
    path = re.search(r'"(/[^"]*)"', call("/org/offlineaccess/Factor1", "", "Activate", "ssa{sv}", USER,
                                         "security-key", "0"))[1]
    for _ in range(2):
        call(path, ".Activation", "Confirm", "sa{sv}", "", "0")
    port.tell("unplug", "mine")
    times = {}
    for case, key in ("no key", None), ("the wrong key", "other"), ("the right key", "mine"):
        if key:
            port.tell("plug", key)
        for _ in range(3 if quick else 6):
            # A service that has seen no key yet, as a login meets it.
            ours.stop()
            ours.start(port.environment)
            for service in ours.service, "bench-u2f":
                for _ in range(2):
                    taken = told(service, case, port) if key != "mine" else entered(service, port)
                    times.setdefault((service, case), []).append(taken)
        if key:
            port.tell("unplug", key)
        what = "a whole login" if key == "mine" else "until the person is told"
        figures.add(f"security key, {case}: {what}", "ms", undisturbed(times[ours.service, case]), "pam_u2f",
                    undisturbed(times["bench-u2f", case]))
    (refused,), _ = timed([("", login(ours.service, USER))], env=port.environment)
    (theirs,), _ = timed([("", login("bench-u2f", USER))], env=port.environment)
    if refused.status == 0 or theirs.status == 0:
        raise RuntimeError("a login without a key succeeded")
    figures.add("security key, no key: wait for one before it is refused", "ms", refused.wall, "pam_u2f", theirs.wall)


def entered(service, port):
    (done,), _ = timed([("", login(service, USER))], env=port.environment)
    if done.status != 0:
        raise RuntimeError(f"{service} refused the right key")
    return done.wall


def told(service, case, port):
    """Milliseconds until a login says what is wrong, be it by a message or by its refusal."""
    word = {"no key": b"Plug in", "the wrong key": b"another security key"}[case]
    # Into a pipe pamtester would say it late.
    screen, terminal = pty.openpty()
    begin, text = time.monotonic(), b""
    process = subprocess.Popen(login(service, USER), stdin=subprocess.DEVNULL, stdout=terminal, stderr=terminal,
                               env={**os.environ, **port.environment})
    os.close(terminal)
    while word not in text and (piece := heard(screen)):
        text += piece
    if word not in text and process.wait(timeout=30) == 0:
        raise RuntimeError(f"{service} let in with {case}: {text!r}")
    taken = (time.monotonic() - begin) * 1000
    process.kill()
    process.wait()
    os.close(screen)
    return taken


def heard(screen):
    """What a terminal's other side wrote; nothing at its end, which is an error there."""
    try:
        return os.read(screen, 4096)
    except OSError:
        return b""
