"""What it costs to have many users."""

import os

from calls import attempts, samples
from figures import undisturbed
from machine import DISK, client, login, timed
from products import fresh

USER = "bench0"


COUNTS = 1, 1_000, 100_000, 1_000_000


def users(count):
    return f"{count:,} users" if count > 1 else "1 user"


class State:
    """One product with so many users."""

    def __init__(self, product, count):
        self.product, self.folder = product, fresh(f"{DISK}/growth-{product.service}-{count}")
        product.secrets, product.counters = {}, {}
        product.use(self.folder)
        product.enroll([USER])
        if count > 1:
            product.fill(count - 1)
        self.secrets, self.counters = product.secrets, product.counters

    def enter(self):
        self.product.use(self.folder)
        self.product.secrets, self.product.counters = self.secrets, self.counters

    def logins(self, count):
        """Milliseconds of whole logins, the first of which is not counted: it is the service's first, too."""
        jobs = [(self.product.code(USER), login(self.product.service, USER)) for _ in range(count + 1)]
        return [run.wall for run in timed(jobs)[0][1:]]


def measure(figures, products, quick):
    ours, _, oath = products
    mine = {count: State(ours, count) for count in COUNTS}
    ours.stop()
    sizes = {count: os.path.getsize(f"{state.folder}/state.db") / count for count, state in mine.items()}
    theirs = {count: State(oath, count) for count in COUNTS}
    delays, first, logins, others = ({count: [] for count in COUNTS} for _ in range(4))
    for _ in range(3 if quick else 8):
        for count in COUNTS:
            mine[count].enter()
            ours.stop()
            seconds, _ = ours.start()
            (answer,) = samples(client("calls", "own", "cold", lines=attempts(ours, 1, [USER])))
            first[count].append(seconds * 1000 + answer / 1000)
            delays[count] += samples(client("calls", "own", "warm", lines=attempts(ours, 50, [USER])))
            logins[count] += mine[count].logins(5)
            theirs[count].enter()
            others[count] += theirs[count].logins(1 if count > 100_000 else 5)
    for count in COUNTS:
        figures.add(f"{users(count)}: Authenticate", "µs", undisturbed(delays[count]), "ours, one user",
                    undisturbed(delays[1]))
    for count in COUNTS:
        figures.add(f"{users(count)}: a whole login", "ms", undisturbed(logins[count]), "pam_oath",
                    undisturbed(others[count]))
    for count in COUNTS[1:]:
        figures.add(f"{users(count)}: size of the database", "bytes a user", sizes[count])
    for count in COUNTS:
        figures.add(f"{users(count)}: start to the first yes", "ms", undisturbed(first[count]), "ours, one user",
                    undisturbed(first[1]))
