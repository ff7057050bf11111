"""The throw-away machine as the bench uses it: programs, users, disks, PAM stacks."""

import base64
import ctypes
import hashlib
import hmac
import os
import signal
import subprocess
import time
from dataclasses import dataclass

HERE = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.dirname(HERE)
CLIENTS = os.path.join(REPOSITORY, "build/bench")
# A folder of the host's disk, lent by tools/machine: what is synchronised there reaches a true disk.
DISK = "/disk"
NAME = "org.offlineaccess.Factor1"


def run(*command, typed="", check=True, env=None):
    """Runs a command to its end and returns what it wrote; its error output is in the exception, if it fails."""
    done = subprocess.run(command, input=typed, capture_output=True, text=True, timeout=600,
                          env=None if env is None else {**os.environ, **env})
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr or done.stdout}")
    return done.stdout


def client(name, *arguments, lines=(), env=None):
    """Runs one of the measuring programs and returns its lines."""
    return run(os.path.join(CLIENTS, name), *map(str, arguments), typed="".join(f"{line}\n" for line in lines),
               env=env).splitlines()


def wait_until(condition, what, limit=15):
    """Waits for a condition, by looking again and again."""
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"waited {limit} s in vain: {what}")
        time.sleep(0.001)


@dataclass
class Run:
    """What a command cost."""
    wall: float  # ms
    cpu: float  # ms of its own
    peak: float  # MB
    status: int
    beside: float = 0  # ms of all that worked on it


def timed(jobs, parallel=1, env=None):
    """Runs jobs, each what is typed and a command; returns their runs, and the seconds for all together."""
    *each, last = client("timed", parallel, lines=("\t".join([typed, *command]) for typed, command in jobs), env=env)
    runs = []
    for line in each:
        wall, cpu, peak, status = map(int, line.split())
        runs.append(Run(wall / 1e6, cpu / 1e3, peak / 1024, status))
    return runs, int(last.split()[1]) / 1e9


def login(service, user):
    return ["pamtester", service, user, "authenticate"]


def add_users(names, first):
    """Adds users without a password to the machine's own files."""
    for path, form in (("/etc/passwd", "{0}:x:{1}:{1}::/nonexistent:/bin/sh\n"), ("/etc/shadow", "{0}:*:::::::\n"),
                       ("/etc/group", "{0}:x:{1}:\n")):
        with open(path, "a", encoding="utf-8") as file:
            file.writelines(form.format(name, first + number) for number, name in enumerate(names))


def pam_service(name, *lines):
    with open(f"/etc/pam.d/{name}", "w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


def hotp(secret, counter):
    """The code of a counter (RFC 4226), six digits."""
    mac = hmac.digest(secret, counter.to_bytes(8, "big"), hashlib.sha1)
    place = mac[19] & 15
    return f"{(int.from_bytes(mac[place:place + 4], 'big') & 0x7fffffff) % 1000000:06}"


def unbase32(text):
    return base64.b32decode(text + "=" * (-len(text) % 8))


def is_mounted(place):
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        return any(line.split()[4] == place for line in file)


def unmount(place):
    while is_mounted(place):
        run("umount", place)


def show(folder, place):
    """Makes a folder of the disk appear at another place."""
    os.makedirs(place, mode=0o700, exist_ok=True)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    unmount(place)
    run("mount", "--bind", folder, place)


def pids(program):
    """The processes that run a program, found by its path."""
    found = []
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and os.readlink(f"/proc/{name}/exe").removesuffix(" (deleted)") == program:
                found.append(int(name))
        except OSError:
            continue
    return found


def end(pid, with_signal=signal.SIGTERM):
    """Ends a process and waits until nothing is left of it; it need not be a child."""
    try:
        os.kill(pid, with_signal)
    except ProcessLookupError:
        return
    wait_until(lambda: is_over(pid), f"{pid} ends")


def is_over(pid):
    """Whether a process and all its threads have ended; somebody may still have to ask how."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            state = file.read().rsplit(")", 1)[1].split()[0]
        return state == "Z" and len(os.listdir(f"/proc/{pid}/task")) == 1
    except OSError:
        return True


_libc = ctypes.CDLL(None, use_errno=True)


class _Time(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


def cpu_seconds(pid):
    """Processor time of a process so far, threads that have ended included, to the nanosecond."""
    clock, at = ctypes.c_int(), _Time()
    if _libc.clock_getcpuclockid(pid, ctypes.byref(clock)) or _libc.clock_gettime(clock, ctypes.byref(at)):
        raise RuntimeError(f"no clock of {pid}")
    return at.seconds + at.nanoseconds / 1e9


def rests(pid, seconds=5):
    """Waits until a process has used next to no processor time for so long: less than a thousandth of it."""
    last, since = cpu_seconds(pid), time.monotonic()

    def still():
        nonlocal last, since
        present = cpu_seconds(pid)
        if present - last > seconds / 1000:
            last, since = present, time.monotonic()
        return time.monotonic() - since > seconds

    wait_until(still, f"{pid} rests", limit=60)
