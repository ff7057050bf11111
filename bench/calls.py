"""The call Authenticate: against the least that any durable answer costs, and many of them at once."""

import itertools
import os
import re
import subprocess

from figures import undisturbed
from machine import CLIENTS, DISK, add_users, client, end, run, wait_until
from products import fresh

# As many, in turn, as no two open calls are of one user: codes by counter have to arrive in their order.
USERS = [f"caller{number}" for number in range(256)]
# Milliseconds by which a usual SSD is slower than this machine's disk in making a commit durable.
SLOW = 1
POLICY = """<busconfig><policy user="root"><allow own="org.offlineaccess.Reference"/>
<allow send_destination="org.offlineaccess.Reference"/></policy></busconfig>
"""


class Reference:
    """The least that a service can do: clients/reference.c, on the bus and on a socket of its own."""

    def __init__(self):
        with open("/etc/dbus-1/system.d/bench.conf", "w", encoding="utf-8") as file:
            file.write(POLICY)
        run("busctl", "call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "ReloadConfig")
        _, pid = client("start", "org.offlineaccess.Reference", f"{CLIENTS}/reference",
                        fresh(f"{DISK}/reference"))[0].split()
        self.pid = int(pid)

    def end(self):
        end(self.pid)


def attempts(product, count, users):
    return [f"{user} {product.code(user)}" for user, _ in zip(itertools.cycle(users), range(count))]


def samples(lines):
    """Microseconds of each call; each has to be a yes."""
    failed = [line for line in lines if not line.startswith("all ") and not line.endswith(" ok")]
    if failed:
        raise RuntimeError(f"{len(failed)} calls failed, such as: {failed[0]}")
    return [int(line.split()[0]) / 1000 for line in lines if not line.startswith("all ")]


def rate(lines):
    """Calls a second."""
    return len(samples(lines)) / (int(lines[-1].split()[1]) / 1e9)


class Traced:
    """Watches, by strace, what the service writes."""

    def __init__(self, pid):
        self.path = f"{DISK}/trace"
        self.process = subprocess.Popen(
            ["strace", "-f", "-p", str(pid), "-e", "trace=fdatasync,fsync,pwrite64", "-e", "signal=none",
             "-o", self.path], stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if "attached" in line:
                break

    def stop(self):
        """The number of waits for the disk, and the bytes written."""
        self.process.terminate()
        self.process.wait()
        with open(self.path, encoding="utf-8") as file:
            text = file.read()
        waits = len(re.findall(r" f(?:data)?sync\(.*= 0", text))
        written = sum(map(int, re.findall(r"pwrite64\(.*= (\d+)", text)))
        return waits, written


def traced(product, outstanding, count):
    """Waits for the disk and bytes written per success."""
    watch = Traced(product.pids()[0])
    samples(client("calls", "own", "flood", outstanding, lines=attempts(product, count, USERS)))
    waits, written = watch.stop()
    return waits / count, written / count


def measure(figures, products, quick):
    ours = products[0]
    ours.secrets, ours.counters = {}, {}
    ours.use(fresh(f"{DISK}/calls"))
    add_users(USERS, first=38_000)
    ours.enroll(USERS)
    reference = Reference()
    try:
        waits, written = traced(ours, 1, 50)
        print(f"  a commit of ours: {waits:.2f} waits for the disk, {written:.0f} bytes")
        against_floor(figures, ours, round(written), quick)
        outstanding(figures, ours, quick)
    finally:
        reference.end()
        os.unlink("/etc/dbus-1/system.d/bench.conf")


def against_floor(figures, ours, size, quick):
    taken = {}
    for _ in range(8 if quick else 24):
        for way in "own", "bus":
            for heat in "cold", "warm":
                lines = attempts(ours, 50, USERS)
                taken.setdefault((way, heat), []).extend(samples(client("calls", way, heat, lines=lines)))
                floor = client("calls", way, f"{heat}-echo", 1, f"{DISK}/floor", size, lines=lines)
                taken.setdefault((way, heat, "floor"), []).extend(samples(floor))
    for way, text in ("own", "as root, by the service's socket"), ("bus", "by the system bus"):
        for heat, what in ("cold", "new connection"), ("warm", "open connection"):
            figures.add(f"Authenticate {text}: {what}", "µs", undisturbed(taken[way, heat]),
                        f"floor: {'connect, ' if heat == 'cold' else ''}echo, durable write of {size:,} bytes",
                        undisturbed(taken[way, heat, "floor"]), "ratio <= 1.25")


def outstanding(figures, ours, quick):
    """Calls that wait together share a commit: what that is worth, against the same service without it."""
    grouped, single = ours.program, os.path.realpath(os.environ["ONE_JOB"])
    rates, delays = {}, {}

    def measure_calls(name, prefix, count, lines):
        out = client("calls", "own", prefix, count, lines=lines)
        rates.setdefault((name, count), []).append(rate(out))
        delays.setdefault((name, count), []).extend(samples(out))

    for _ in range(4 if quick else 12):
        for name, program in ("grouped", grouped), ("single", single):
            ours.restart(program)
            for count in 1, 8, 64:
                measure_calls(name, "flood", count, attempts(ours, 200 if count < 64 else 2000, USERS))
        for count in 1, 8, 64:
            # One commit a call takes as long for each, however many wait: fewer tell as much.
            measure_calls("reference", "flood-commit", count, attempts(ours, 400, USERS))
    for _ in range(2 if quick else 6):
        for name, program in ("slow grouped", grouped), ("slow single", single):
            ours.restart(program, {"LD_PRELOAD": f"{CLIENTS}/slow-disk.so", "DISK_DELAY": str(SLOW * 1000)})
            measure_calls(name, "flood", 64, attempts(ours, 1000, USERS))
    ours.restart(grouped)

    def add(count, peer, name, goal=None, mine="grouped", disk=""):
        fastest = [undisturbed(rates[which, count], lambda rate: -rate) for which in (mine, name)]
        figures.add(f"{count} outstanding{disk}: successes", "1/s", fastest[0], peer, fastest[1], goal)

    one, plain = "ours, one commit a call", "C service, one commit a call"
    for count, goal in (1, None), (8, None), (64, "ratio >= 4"):
        add(count, one, "single", goal)
    add(64, one, "slow single", None, "slow grouped", f", disk {SLOW} ms slower")
    for count in 1, 8, 64:
        add(count, plain, "reference")
    for peer, name, goal in (one, "single", "ratio <= 1.1"), (plain, "reference", None):
        figures.add("1 outstanding: delay", "µs", undisturbed(delays["grouped", 1]), peer, undisturbed(delays[name, 1]),
                    goal)
    for count in 1, 8, 64:
        waits, _ = traced(ours, count, 20 * count)
        figures.add(f"{count} outstanding: waits for the disk per success", "", waits, one, 1.0)
