"""Markdown tables."""
import os

import numpy as np

from budget import BUDGETS
from measures import cost_interval, interval, mean_of


class Report:
    def __init__(self):
        self.path = os.environ.get("EASQ_RESULTS")
        if self.path:
            open(self.path, "w", encoding="utf-8").close()

    def line(self, text=""):
        print(text, flush=True)
        if self.path:
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(text + "\n")

    def table(self, head, rows):
        self.line("| " + " | ".join(head) + " |")
        self.line("|" + "---|" * len(head))
        for row in rows:
            self.line("| " + " | ".join(row) + " |")
        self.line()


def share(x):
    """.702"""
    return f"{x:.3f}".replace("0.", ".", 1) if x >= 0 else "-" + share(-x)


def signed(x):
    return ("+" if x >= 0 else "-") + share(abs(x))


def beside(values, reference):
    """The mean, and how far it is from easq's: [95 %], bold where the interval is on one side of 0."""
    text = share(mean_of(values))
    if reference is None:
        return text
    low, high = interval(values - reference)
    mark = "**" if low > 0 or high < 0 else ""
    return f"{text} {mark}[{signed(low)}, {signed(high)}]{mark}"


def stack(runs, row, *keys):
    """[seeds, people], or None where the row has no such thing."""
    result = []
    for run in runs:
        value = run[row]
        for key in keys:
            value = value.get(key) if value is not None else None
        if value is None:
            return None
        result.append(value)
    return np.array(result)


def quality(report, name, runs):
    """Two tables of a set: what is gained, what it costs; then the bars that are checked."""
    rows = list(runs[0])
    own = {key: stack(runs, "easq", *key) for key in [("behaviour",), ("signal",)] + [("ranking", b) for b in BUDGETS]}
    cell = lambda row, *key: "" if (v := stack(runs, row, *key)) is None else beside(v, None if row == "easq" else own[key])
    report.table(["", "behaviour", *(f"ranking at {b:.2f}" for b in BUDGETS), "signal"],
                 [[row, cell(row, "behaviour"), *(cell(row, "ranking", b) for b in BUDGETS), cell(row, "signal")] for row in rows])
    start = {b: stack(runs, "score after training", "cost", b) for b in BUDGETS}
    bound = lambda row, b: cost_interval(start[b], stack(runs, row, "cost", b))
    report.table(["what it cost: G (upper bound)", *(f"{b:.2f}" for b in BUDGETS)],
                 [[row, *("{} ({}{})".format(signed(g), signed(high), "" if high <= b else ", OVER") for b in BUDGETS for g, high in [bound(row, b)])]
                  for row in rows if row != "score after training"])
    lines = []
    for b in (0.05, 0.10):
        best = max((r for r in rows if r not in ("easq", "easq_satisfaction")), key=lambda r: mean_of(stack(runs, r, "ranking", b)))
        low, high = interval(own["ranking", b] - stack(runs, best, "ranking", b))
        lines.append((high >= 0, f"ranking at {b:.2f}: {share(mean_of(own['ranking', b]))}, best rival {best}, difference [{signed(low)}, {signed(high)}]"))
    for b in BUDGETS:
        g, high = bound("easq", b)
        lines.append((high <= b, f"budget {b:.2f}: G {g:.4f}, upper bound {high:.4f}"))
    rivals = [r for r in ("popularity", "BPR") if r in rows]
    if rivals:
        best = max(rivals, key=lambda r: mean_of(stack(runs, r, "behaviour")))
        gap = mean_of(own["behaviour",]) - mean_of(stack(runs, best, "behaviour"))
        lines.append((gap >= -0.005, f"behaviour: {signed(gap)} beside {best}"))
    for held, text in lines:
        report.line(("- held: " if held else "- NOT HELD: ") + text)
    report.line()
    return runs
