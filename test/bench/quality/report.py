"""Markdown tables."""
import os

import numpy as np

from budget import BUDGETS
from measures import cost_interval, interval, mean_of


class Report:
    def __init__(self):
        self.path = os.environ.get("EASQ_RESULTS")
        self.held = self.missed = 0
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

    def check(self, held, text):
        self.held, self.missed = self.held + bool(held), self.missed + (not held)
        self.line(("- held: " if held else "- NOT HELD: ") + text)


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


def summary(report, sets):
    """{set: runs}: each row's mean over the sets, where all of them have it."""
    rows = [row for row in next(iter(sets.values()))[0] if all(row in runs[0] for runs in sets.values())]
    mean = lambda row, b: float(np.mean([mean_of(stack(runs, row, "ranking", b)) for runs in sets.values()]))
    report.line("## Mean of " + ", ".join(sets) + "\n")
    report.table(["", *(f"ranking at {b:.2f}" for b in BUDGETS)], [[row, *(share(mean(row, b)) for b in BUDGETS)] for row in rows])
    for row in ("mixing, LoRA", "item's rate"):
        having = {name: runs for name, runs in sets.items() if row in runs[0]}
        for b in (0.05, 0.10):
            own, other = (float(np.mean([mean_of(stack(runs, r, "ranking", b)) for runs in having.values()])) for r in ("easq", row))
            report.check(own > other, f"ranking at {b:.2f}, mean of {', '.join(having)}: {share(own)} beside {share(other)} of {row}")
    report.line()


def published(report, runs, line):
    """The figures of a published protocol beside those of the paper."""
    metrics = list(line)
    cell = lambda row, metric: "{} [{}, {}]".format(share(mean_of(v := stack(runs, row, metric))), *map(share, interval(v)))
    report.table(["", *metrics], [["CDR on MF-DR, published", *(share(line[m]) for m in metrics)]] + [[row, *(cell(row, m) for m in metrics)] for row in runs[0]])
    for row in list(runs[0])[:1]:
        for m in metrics:
            value = mean_of(stack(runs, row, m))
            report.check(value > line[m], f"{row}: {m} {share(value)} beside {share(line[m])}")
    report.line()


def probability(report, runs):
    figure = lambda row, k: "" if runs[0][row][k] is None else share(float(np.mean([run[row][k] for run in runs])))
    report.table(["", "AUC, all rows of the test", "expected calibration error there", "on a fifth of the answers after the others"],
                 [[row, *(figure(row, k) for k in range(3))] for row in runs[0]])
    value = float(np.mean([runs[n]["easq_probability, one answer at a time"][0] for n in range(len(runs))]))
    report.check(value > 0.76, f"AUC of easq_probability {share(value)}, wanted: above .760")
    own, other = (float(np.mean([run[row][2] for run in runs])) for row in ("easq_probability, one answer at a time", "two-way count"))
    report.check(own <= other + 0.01, f"expected calibration error {share(own)} beside {share(other)} of the two-way count, at most .01 above")
    report.line()


def arrivals(report, runs):
    values = {(how, what): stack(runs, how, what) for how in runs[0] for what in ("satisfaction", "ranking")}
    cell = lambda how, what: beside(values[how, what], None if how == "one by one" else values["one by one", what])
    report.table(["answers", "easq_satisfaction", "easq_score", "seconds"],
                 [[how, cell(how, "satisfaction"), cell(how, "ranking"), f"{np.mean([run[how]['seconds'] for run in runs]):.1f}"] for how in runs[0]])
    mean = {how: mean_of(values[how, "satisfaction"]) for how in runs[0]}
    whole = [value for how, value in mean.items() if "%" not in how]
    report.check(max(whole) - min(whole) <= 0.005, f"however they arrive: {share(min(whole))} to {share(max(whole))}, within .005")
    more = [mean[how] for how in ("25 % of them", "50 % of them", "one by one")]
    report.check(more == sorted(more), "more answers are never lower: " + ", ".join(map(share, more)))
    report.line()


def asking(report, runs, sizes, needed):
    size = int(np.mean(sizes))
    curves = {way: np.mean([run[way] for run in runs], 0) for way in runs[0]}
    count = len(next(iter(curves.values())))
    report.table(["answers", *(str(size * (n + 1)) for n in range(count)), "mean"], [[way, *map(share, curve), share(curve.mean())] for way, curve in curves.items()])
    for part in (count // 2, count):
        goal = curves["at random"][:part].max()
        reached = {way: needed(curve, goal, size) for way, curve in curves.items()}
        first = reached["unsure first"]
        report.check(first is not None and first <= reached["at random"], f"{share(goal)} after " + ", ".join(f"{n or 'more'} {way}" for way, n in reached.items()))
    report.line()


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


def quality(report, runs):
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
    for b in (0.05, 0.10):
        best = max((r for r in rows if not r.startswith("easq")), key=lambda r: mean_of(stack(runs, r, "ranking", b)))
        low, high = interval(own["ranking", b] - stack(runs, best, "ranking", b))
        report.check(high >= 0, f"ranking at {b:.2f}: {share(mean_of(own['ranking', b]))}, best rival {best}, easq less it [{signed(low)}, {signed(high)}]")
    for b in BUDGETS:
        g, high = bound("easq", b)
        report.check(high <= b, f"budget {b:.2f}: G {signed(g)}, upper bound {signed(high)}")
    others = [r for r in ("popularity", "BPR") if r in rows]
    if others:
        best = max(others, key=lambda r: mean_of(stack(runs, r, "behaviour")))
        gap = mean_of(own["behaviour",]) - mean_of(stack(runs, best, "behaviour"))
        inside = mean_of(stack(runs, "easq", "behaviour of trained")) - mean_of(stack(runs, best, "behaviour of trained"))
        report.check(gap >= -0.005, f"behaviour: {signed(gap)} beside {best}; of people whose embedding moved {signed(inside)}")
    report.line()
