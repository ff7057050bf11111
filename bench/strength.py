"""Strength: races, power cuts and kills, by one script for all, through PAM."""

import os
import random
import selectors
import shutil
import signal
import subprocess
import time

from machine import DISK, add_users, login, run, timed, unmount
from products import fresh

USER = "strong"


def measure(figures, products, quick):
    add_users([USER], first=39_000)
    names = [product.name for product in products]
    for count in 2, 4, 64:
        rounds = (5 if count == 64 else 20) if quick else 200
        scores = each(products, lambda product: races(product, count, rounds))
        rows(figures, f"{rounds} races of {count} logins with one code: accepted twice", "races", names, scores, 0)
    rounds = 5 if quick else 50
    scores = each(products, lambda product: power_cuts(product, rounds))
    again, shut = zip(*scores)
    rows(figures, f"{rounds} power cuts at the yes: code accepted again", "cuts", names, again, 0)
    rows(figures, f"{rounds} power cuts at the yes: next right code refused", "cuts", names, shut, 0)
    rounds = 30 if quick else 500
    scores = each(products, lambda product: kills(product, rounds))
    twice, shut = zip(*scores)
    rows(figures, f"{rounds} kills amid a login: code accepted twice", "kills", names, twice, 0)
    rows(figures, f"{rounds} kills amid a login: next right code refused", "kills", names, shut, 0)


def each(products, test):
    """Runs a test on each product, with a new state of its own."""
    scores = []
    for product in products:
        product.secrets, product.counters = {}, {}
        product.use(fresh(f"{DISK}/strength-{product.service}"))
        product.enroll([USER])
        scores.append(test(product))
    return scores


def rows(figures, what, unit, names, scores, most):
    for name, score in zip(names[1:], scores[1:]):
        figures.add(what, unit, scores[0], name, score, f"ours <= {most}")


class Attempt:
    """A login that waits at its prompt."""

    def __init__(self, product):
        self.process = subprocess.Popen(
            login(product.service, USER), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            bufsize=0)
        self.text = b""

    def wait_for_prompt(self):
        watch = selectors.DefaultSelector()
        watch.register(self.process.stdout, selectors.EVENT_READ)
        while b": " not in self.text:
            if not watch.select(timeout=30):
                raise RuntimeError(f"no prompt: {self.text!r}")
            piece = self.process.stdout.read(4096)
            if not piece:
                break  # refused before it asked
            self.text += piece
        watch.close()

    def enter(self, code):
        try:
            self.process.stdin.write(code.encode() + b"\n")
        except BrokenPipeError:
            pass

    def end(self):
        """Whether it was a yes."""
        self.process.stdin.close()
        while self.process.stdout.read(4096):
            pass
        self.process.stdout.close()
        return self.process.wait(timeout=60) == 0


def accepted(product, code):
    (done,), _ = timed([(code, login(product.service, USER))])
    return done.status == 0


def races(product, count, rounds):
    """Rounds in which more than one of `count` logins got in with one code."""
    double = 0
    for _ in range(rounds):
        attempts = [Attempt(product) for _ in range(count)]
        for attempt in attempts:
            attempt.wait_for_prompt()
        code = product.code(USER)
        for attempt in attempts:
            attempt.enter(code)
        yes = sum([attempt.end() for attempt in attempts])
        double += yes > 1
        if yes == 0:
            product.enroll_again(USER)
    return double


class Cuttable:
    """ext4 on a loop device, whose image can be copied at any moment: it has what was synchronised, and no more."""

    def __init__(self, product):
        self.product, self.number = product, 0
        self.folder = fresh("/tmp/cuttable")
        make_loop_devices()
        run("truncate", "--size=16M", self.image)
        run("mkfs.ext4", "-q", "-b", "4096", self.image)
        self.mount()
        os.chmod(product.home, 0o700)

    @property
    def image(self):
        return f"{self.folder}/{self.number}"

    def mount(self):
        run("mount", "-o", "loop", self.image, self.product.home)

    def copy(self):
        shutil.copyfile(self.image, f"{self.folder}/{self.number + 1}")

    def go_on_with_copy(self):
        self.product.stop(signal.SIGKILL)
        run("umount", self.product.home)
        os.unlink(self.image)
        self.number += 1
        self.mount()
        self.product.start()

    def remove(self):
        self.product.stop(signal.SIGKILL)
        unmount(self.product.home)
        shutil.rmtree(self.folder)


def make_loop_devices():
    """The throw-away machine's /dev begins without them."""
    for number in range(64):
        if not os.path.exists(f"/dev/loop{number}"):
            os.mknod(f"/dev/loop{number}", 0o600 | 0o060000, os.makedev(7, number))
    if not os.path.exists("/dev/loop-control"):
        os.mknod("/dev/loop-control", 0o600 | 0o020000, os.makedev(10, 237))


def power_cuts(product, rounds):
    """Cuts the power when the yes arrives.

    Returns how often the same code was taken again afterwards, and how often the next right one was refused.
    """
    product.stop()
    unmount(product.home)
    disk = Cuttable(product)
    try:
        product.start()
        product.enroll([USER])
        again = shut = 0
        for _ in range(rounds):
            run("sync", "--file-system", product.home)
            attempt = Attempt(product)
            attempt.wait_for_prompt()
            code = product.code(USER)
            attempt.enter(code)
            attempt.process.wait(timeout=60)
            disk.copy()
            if not attempt.end():
                raise RuntimeError(f"{product.name}: a right code was refused: {attempt.text!r}")
            disk.go_on_with_copy()
            taken = accepted(product, code)
            if not passes(product):
                shut += 1
                taken = taken or accepted(product, code)
            again += taken
        return again, shut
    finally:
        disk.remove()


def kills(product, rounds):
    """Kills everything that works on a login, within 3 ms of the code.

    Returns how often the code was taken twice, and how often the next right code was refused.
    """
    twice = shut = 0
    for _ in range(rounds):
        attempt = Attempt(product)
        attempt.wait_for_prompt()
        code = product.code(USER)
        workers = [attempt.process.pid, *product.pids()]
        moment = time.monotonic() + random.uniform(0, 0.003)
        attempt.enter(code)
        while time.monotonic() < moment:
            pass
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        # The next call starts the service again, by the bus.
        yes = attempt.end()
        twice += yes and accepted(product, code)
        shut += not passes(product)
    return twice, shut


def passes(product):
    """Whether the next right code is taken. Where it is not, what is in its way is taken away for the next round."""
    if accepted(product, product.code(USER)):
        return True
    product.unblock()
    return False
