"""A login as a whole process: wall time, processor time, instructions, peak memory."""

import re
import subprocess

from figures import undisturbed
from machine import DISK, cpu_seconds, login, pids, pam_service, timed
from products import fresh

USER, MANY = "bench0", 100_000
BUS = "/usr/bin/dbus-daemon"


class Stack:
    """A PAM stack in one of its states, and the runs measured on it."""

    def __init__(self, name, product=None, others=0):
        self.name, self.product, self.others = name, product, others
        self.folder = f"{DISK}/logins-{name.replace(' ', '-')}"
        self.instructions = []
        self.counters = self.secrets = {}

    def prepare(self):
        if self.product is None:
            return
        self.product.secrets, self.product.counters = {}, {}
        self.product.use(fresh(self.folder))
        self.product.enroll([USER])
        if self.others:
            self.product.fill(self.others)
        self.secrets, self.counters = self.product.secrets, self.product.counters

    def enter(self):
        """Takes up where it was left."""
        if self.product is None:
            return
        self.product.use(self.folder)
        self.product.secrets, self.product.counters = self.secrets, self.counters
        self.one()

    def code(self):
        return self.product.code(USER) if self.product else ""

    @property
    def command(self):
        return login(self.product.service if self.product else "bench-permit", USER)

    def one(self):
        timed([(self.code(), self.command)])

    def measure(self, count):
        """Runs of whole logins, each with the processor time of all that worked on it."""
        workers = self.product.pids() + pids(BUS) if self.product else []
        before = sum(map(cpu_seconds, workers))
        runs, _ = timed([(self.code(), self.command) for _ in range(count)])
        spent = (sum(map(cpu_seconds, workers)) - before) * 1000 / count
        failed = [run.status for run in runs if run.status != 0]
        if failed:
            raise RuntimeError(f"{self.name}: {len(failed)} of {count} logins were refused")
        for run in runs:
            run.beside = run.cpu + spent
        return runs

    def count_instructions(self):
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *self.command],
            input=self.code() + "\n", capture_output=True, text=True, timeout=120)
        collected = re.search(r"Collected : (\d+)", done.stderr)
        if done.returncode != 0 or not collected:
            raise RuntimeError(f"{self.name} under callgrind: {done.stderr}")
        self.instructions.append(int(collected[1]) / 1e6)


def measure(figures, products, quick):
    ours, google, oath = products
    pam_service("bench-permit", "auth required pam_permit.so", "account required pam_permit.so")
    permit = Stack("pam_permit")
    one, many = Stack("ours", ours), Stack("ours many", ours, MANY)
    g, o, o_many = Stack("google", google), Stack("oath", oath), Stack("oath many", oath, MANY)
    stacks = [permit, g, o, o_many, one, many]
    for stack in stacks:
        stack.prepare()
    runs = {stack.name: [] for stack in stacks}
    for _ in range(8 if quick else 24):
        for stack in stacks:
            stack.enter()
            runs[stack.name] += stack.measure(10)
    for stack in stacks:
        stack.enter()
        for _ in range(1 if quick else 3):
            stack.count_instructions()

    def add(what, unit, values, goal=None, of=one, beside=g, name="google-authenticator"):
        figures.add(f"login: {what}", unit, values(of), name, values(beside), goal)

    def walls(stack): return undisturbed([run.wall for run in runs[stack.name]])
    def cpus(stack): return [run.cpu for run in runs[stack.name]]
    def peaks(stack): return [run.peak for run in runs[stack.name]]
    def all_cpus(stack): return [run.beside for run in runs[stack.name]]
    add("wall time", "ms", walls, "ratio <= 1.0")
    add("processor time of its process", "ms", cpus, "ratio <= 1.0")
    add("instructions of its process", "million", lambda stack: stack.instructions, "ratio <= 1.0")
    add("peak memory of its process", "MB", peaks, "ratio <= 1.0")
    add("processor time with service and bus", "ms", all_cpus)
    add("wall time, 100,000 users", "ms", walls, "ratio <= 1.0", of=many)
    add("wall time", "ms", walls, beside=o, name="pam_oath")
    add("wall time, 100,000 users", "ms", walls, of=many, beside=o_many, name="pam_oath, 100,000 users")
    add("instructions, 100,000 users", "million", lambda stack: stack.instructions, of=many, beside=o_many,
        name="pam_oath, 100,000 users")
    add("wall time", "ms", walls, beside=permit, name="pam_permit, no factor at all")
