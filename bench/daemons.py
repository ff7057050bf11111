"""Services at rest and at their start."""

import os
import time

from figures import undisturbed
from machine import DISK, NAME, client, end, is_over, pids, rests, run, wait_until
from products import fresh

USER = "bench0"
POLKIT = "/usr/lib/polkit-1/polkitd"


class Daemon:
    """A service of the system bus, with a call that makes it do something of its own."""

    def __init__(self, title, name, program, *question):
        self.title, self.name, self.program, self.question = title, name, program, question
        self.busy, self.rss, self.uss, self.threads = [], [], [], []

    def start(self):
        time, pid = client("start", self.name, *self.program)[0].split()
        return int(time) / 1e6, int(pid)

    def ask(self):
        run("busctl", "call", self.name, *self.question)

    def measure_start(self):
        taken, pid = self.start()
        end(pid)
        return taken

    def measure_rest(self):
        _, pid = self.start()
        for _ in range(20):
            self.ask()
        self.busy.append(rollup(pid)["Rss"] / 1024)
        rests(pid)
        memory = rollup(pid)
        self.rss.append(memory["Rss"] / 1024)
        self.uss.append((memory["Private_Clean"] + memory["Private_Dirty"]) / 1024)
        self.threads.append(len(os.listdir(f"/proc/{pid}/task")))
        end(pid)


class Ours(Daemon):
    def __init__(self, product):
        super().__init__("ours", NAME, [product.program])
        self.product = product

    def ask(self):
        answer = client("calls", "own", "warm", lines=[f"{USER} {self.product.code(USER)}"])
        if not answer[0].endswith(" ok"):
            raise RuntimeError(answer[0])


def rollup(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as file:
        fields = (line.split() for line in file.readlines()[1:])
        return {words[0].rstrip(":"): int(words[1]) for words in fields}


def measure(figures, products, quick):
    product = products[0]
    product.secrets, product.counters = {}, {}
    product.use(fresh(f"{DISK}/daemons"))
    product.enroll([USER])
    product.stop()
    for pid in pids(POLKIT):
        end(pid)
    ours = Ours(product)
    fprintd = Daemon("fprintd", "net.reactivated.Fprint", ["/usr/libexec/fprintd"], "/net/reactivated/Fprint/Manager",
                     "net.reactivated.Fprint.Manager", "GetDevices")
    polkitd = Daemon("polkitd", "org.freedesktop.PolicyKit1", [POLKIT, "--no-debug"],
                     "/org/freedesktop/PolicyKit1/Authority", "org.freedesktop.PolicyKit1.Authority",
                     "EnumerateActions", "s", "")
    starts = {daemon.title: [] for daemon in (polkitd, ours, fprintd)}
    for _ in range(16 if quick else 60):
        for daemon in polkitd, ours, fprintd:
            starts[daemon.title].append(daemon.measure_start())
    starts = {title: undisturbed(samples) for title, samples in starts.items()}
    # Asked by ours and by fprintd, and left running.
    polkitd.start()
    for _ in range(2 if quick else 3):
        for daemon in ours, fprintd:
            daemon.measure_rest()
    for pid in pids(POLKIT):
        end(pid)
    for _ in range(1 if quick else 2):
        polkitd.measure_rest()
    polkitd.start()
    figures.add("start to name", "ms", starts["ours"], "fprintd", starts["fprintd"], "ratio <= 0.5")
    figures.add("start to name", "ms", starts["ours"], "polkitd", starts["polkitd"])
    for beside in fprintd, polkitd:
        figures.add("at work, after 20 calls: resident memory (RSS)", "MB", ours.busy, beside.title, beside.busy)
    for what, values, goal in (
            ("resident memory (RSS)", lambda daemon: daemon.rss, "ours <= 9"),
            ("memory of its own (USS)", lambda daemon: daemon.uss, None)):
        for beside in fprintd, polkitd:
            figures.add(f"at rest, 5 s after 20 calls: {what}", "MB", values(ours), beside.title, values(beside), goal)
    for beside in fprintd, polkitd:
        figures.add("at rest, 5 s after 20 calls: threads", "", ours.threads[-1], beside.title, beside.threads[-1])
    mine, theirs = idle_exits(product, fprintd)
    figures.add("ends by itself when idle, after", "s", mine, "fprintd", theirs)


def idle_exits(product, fprintd):
    """Seconds from the last call to the end, with the default configuration of both."""
    product.configure(idle_exit=30)
    _, ours = product.start()
    _, theirs = fprintd.start()
    fprintd.ask()
    Ours(product).ask()
    begin, ends = time.monotonic(), {}

    def over():
        for pid in ours, theirs:
            if pid not in ends and is_over(pid):
                ends[pid] = time.monotonic() - begin
        return len(ends) == 2

    wait_until(over, "both end when idle", limit=60)
    product.configure()
    return ends[ours], ends[theirs]
