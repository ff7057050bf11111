"""Many users at the door at once."""

from figures import undisturbed
from machine import DISK, add_users, login, timed
from products import fresh

PARALLEL = 64


def measure(figures, products, quick):
    users = [f"crowd{number}" for number in range(1000)]
    add_users(users, first=40_000)
    for product in products:
        product.secrets, product.counters = {}, {}
        product.use(fresh(f"{DISK}/crowd-{product.service}"))
        product.enroll(users)
    rates, refused, missing = ({product.name: [] for product in products} for _ in range(3))
    accepted = {(product.name, user): 0 for product in products for user in users}
    for _ in range(1 if quick else 4):
        for product in products:
            jobs = [(product.code(user), login(product.service, user)) for user in users]
            runs, seconds = timed(jobs, PARALLEL)
            for user, run in zip(users, runs):
                accepted[product.name, user] += run.status == 0
            yes = sum(run.status == 0 for run in runs)
            rates[product.name].append(yes / seconds)
            refused[product.name].append(100 * (len(runs) - yes) / len(runs))
    for product in products:
        # A code that was jumped over counts as used with modules that keep a counter only, so fewer are a loss.
        missing[product.name] = sum(
            max(0, accepted[product.name, user] - product.recorded(user)) for user in users)
    ours, google, oath = (product.name for product in products)
    rates = {name: undisturbed(samples, lambda rate: -rate) for name, samples in rates.items()}
    figures.add("64 logins at once by 1,000 users: successes", "1/s", rates[ours], google, rates[google],
                "ratio >= 1.5")
    figures.add("64 logins at once by 1,000 users: successes", "1/s", rates[ours], oath, rates[oath])
    figures.add("64 logins at once by 1,000 users: right codes refused", "%", refused[ours], google, refused[google],
                "ours <= 0")
    figures.add("64 logins at once by 1,000 users: right codes refused", "%", refused[ours], oath, refused[oath])
    figures.add("64 logins at once by 1,000 users: accepted, not recorded", "logins", missing[ours], google,
                missing[google], "ours <= 0")
    figures.add("64 logins at once by 1,000 users: accepted, not recorded", "logins", missing[ours], oath,
                missing[oath])
