"""The figures: what was measured, beside what, and whether it reaches its goal."""

import json
import re
import statistics

COMPARISONS = {"<=": lambda value, bound: value <= bound, ">=": lambda value, bound: value >= bound}


class Figures:
    """A row a figure, in the order in which they were added."""

    def __init__(self):
        self.rows = []
        self.spreads = []

    def add(self, name, unit, ours, peer_name=None, peer=None, goal=None):
        """Adds a figure.

        `ours` and `peer` are numbers or lists of samples, whose median counts. `goal` is "ratio <= 1.0", where the
        ratio is ours over the peer's, or "ours <= 9".
        """
        value, spread = median(ours)
        other, other_spread = median(peer)
        ratio = significant(value / other) if other else None
        holds = None
        if goal:
            subject, comparison, bound = re.fullmatch(r"(ratio|ours) (<=|>=) ([0-9.]+)", goal).groups()
            measured = ratio if subject == "ratio" else value
            holds = measured is not None and COMPARISONS[comparison](measured, float(bound))
        row = {"name": name, "unit": unit, "ours": value, "peer_name": peer_name, "peer": other, "ratio": ratio,
               "goal": goal, "holds": holds}
        self.rows.append(row)
        self.spreads.append((spread, other_spread))
        print("  " + " | ".join(self.cells(len(self.rows) - 1)), flush=True)

    def write(self, path):
        with open(path, "w", encoding="utf-8") as file:
            rows = ",\n    ".join(json.dumps(row, ensure_ascii=False) for row in self.rows)
            file.write('{\n  "figures": [\n    ' + rows + "\n  ]\n}\n")

    def cells(self, index):
        row, (spread, other_spread) = self.rows[index], self.spreads[index]
        verdict = {True: "yes", False: "NO", None: ""}[row["holds"]]
        return [row["name"], row["unit"], shown(row["ours"]) + spread, row["peer_name"] or "",
                shown(row["peer"]) + other_spread, shown(row["ratio"]), row["goal"] or "", verdict]

    def table(self, only_goals=False):
        """A table in Markdown: medians, in brackets the middle half of the samples."""
        lines = [["figure", "unit", "ours", "beside", "theirs", "ratio", "goal", "holds"]]
        lines += [self.cells(index) for index, row in enumerate(self.rows) if row["goal"] or not only_goals]
        widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
        lines.insert(1, ["-" * width for width in widths])
        return "\n".join(
            "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |" for line in lines)


def median(samples):
    """The median of samples with the text of its spread, or a single number as it is."""
    if samples is None or isinstance(samples, (int, float)):
        return significant(samples), ""
    low, middle, high = statistics.quantiles(samples, n=4, method="inclusive") if len(samples) > 1 else samples * 3
    return significant(middle), f" ({shown(low)} … {shown(high)})"


def undisturbed(samples, time=lambda sample: sample):
    """The fastest quarter of samples.

    Whatever else runs on the machine only adds to what something takes, to ours and to theirs, and what has to wait for
    its turn several times meets it more often. `time` tells how long a sample took.
    """
    return sorted(samples, key=time)[:max(1, len(samples) // 4)]


def significant(number):
    """Three digits that mean something; counts stay whole."""
    if number is None or isinstance(number, int):
        return number
    return float(f"{number:.3g}") if abs(number) < 1000 else round(number)


def shown(number):
    if number is None:
        return "–"
    return f"{number:,}" if isinstance(number, int) else f"{number:.3g}" if number < 1000 else f"{round(number):,}"
