"""One run of a set: easq at each budget and its rivals on the same rows."""
from concurrent.futures import ThreadPoolExecutor
import os
import time

import numpy as np

import rivals
from budget import BUDGETS, Budget
from dataset import concatenate
from extension import Extension, inputs, moved
from measures import Order

# README.md, "the paper's settings"
PAPER = {"factors": 0, "beliefs": False, "alignment": "dpo", "pairwise": "score", "rehearsal": "labels", "replayed_answers": 0, "warm_up": 0, "behaviour_budget": 1}
REHEARSED = 8192


def jobs():
    return int(os.environ.get("EASQ_JOBS", 2))


def progress(*words):
    print("  ", *words, flush=True)


class Run:
    """A set, its split and its options; which rows are scored, in named parts: of behaviour only where the table wants them."""

    def __init__(self, dataset, seed, options, train_options, table=True):
        self.dataset, self.seed, self.options, self.train_options = dataset, seed, dict(options, seed=seed), train_options
        self.split = dataset.split(seed)
        parts = {"satisfaction/" + k: r for k, r in self.split.satisfaction.items()}
        if table:
            some = np.random.default_rng([seed, 6]).permutation(len(self.split.fit))[:REHEARSED]
            parts.update({"behaviour/" + k: r for k, r in self.split.behaviour.items()})
            parts.update(answers=self.split.answers, rehearsed=self.split.fit[some])
        self.rows = concatenate(*parts.values())
        ends = np.cumsum([0] + [len(r) for r in parts.values()])
        self.at = {name: slice(a, b) for name, a, b in zip(parts, ends, ends[1:])}
        self.order = {name: Order(r, dataset.users) for name, r in parts.items() if "/" in name}

    def people(self, part, score):
        """Of each person, NaN where there is no pair."""
        return self.order[part](score[self.at[part]])

    def good(self, kind):
        return lambda score: float(np.nanmean(self.people(kind + "/validation", score)))

    def database(self, name):
        return f"quality_{name}"

    def trained(self, name, options):
        base = Extension(self.database(name), self.dataset).create()
        base.model(options)
        self.untouched, _ = base.tensors()
        clock = time.time()
        base.train(self.split.fit, self.train_options)
        self.train_seconds = time.time() - clock
        base.want(self.rows)
        return base

    def taught(self, base, name, answers=None, at_once=1, **changes):
        """A copy of the base that answers were streamed into: ranking, satisfaction and its state."""
        copy = base.copy(self.database(name))
        if changes:
            copy.configure(**changes)
        copy.attach()
        clock = time.time()
        copy.answer(self.split.answers if answers is None else answers, at_once)
        seconds = time.time() - clock
        ranking, satisfaction = copy.scores("easq_score", "easq_satisfaction")
        result = {"ranking": ranking, "satisfaction": satisfaction, "seconds": seconds, "state": copy.state(), "steps": dict(copy.steps())}
        copy.drop()
        return result

    def all_taught(self, base, variants):
        """{key: keyword arguments of taught}, some side by side."""
        base.close()
        made = {}
        with ThreadPoolExecutor(jobs()) as pool:
            waiting = {}
            for n, (key, variant) in enumerate(variants.items()):
                waiting[key] = pool.submit(self.taught, base, f"{base.database.split('_', 1)[1]}_{n}", **variant)
            for key, future in waiting.items():
                made[key] = future.result()
        return made


def measure(run):
    """{row of the table: what was measured of it}, each an array of a value per person (seeds are put together by the report)."""
    base = run.trained("easq", run.options)
    tensors, metadata = base.tensors()
    trained = moved(run.dataset, run.untouched, tensors)
    before, = base.scores("easq_score")
    progress(f"trained in {run.train_seconds:.0f} s, {trained.sum()} people moved, {len(run.split.answers)} answers")
    taught = run.all_taught(base, {budget: {"behaviour_budget": budget} for budget in BUDGETS})
    progress("answers taken in " + ", ".join(f"{t['seconds']:.0f}" for t in taught.values()) + " s; G as easq judges it and knob " +
             ", ".join(f"{t['state'][0] or 0:.4f} {t['state'][1] or 0:.3f}" for t in taught.values()))
    base.open().drop()

    # signals: what satisfaction is said to be; shifts: what may be added to the score.
    rankings, behaviour = {}, {"easq": before}
    budget = Budget(before, run.order["behaviour/validation"], run.at["behaviour/validation"], trained)
    rankings["easq"] = {b: t["ranking"] for b, t in taught.items()}
    rankings["score after training"] = dict.fromkeys(BUDGETS, before)
    signals = counted(run, before, behaviour)
    shifts = dict(signals)
    for name, (start, after) in {**in_torch(run, tensors, metadata, before, budget, behaviour), "DPO of the paper": paper(run, behaviour)}.items():
        signals[name], shifts[name] = after, after - start
    signals["easq"] = shifts["easq_satisfaction"] = taught[0.05]["satisfaction"]
    rankings.update({name: budget.matched(shift) for name, shift in shifts.items()})

    result = {}
    for name, by_budget in rankings.items():
        row = result[name] = {"ranking": {b: run.people("satisfaction/test", s) for b, s in by_budget.items()},
                              "cost": {b: np.where(trained, run.people("behaviour/test", s), np.nan) for b, s in by_budget.items()}}
        if name in signals:
            row["signal"] = run.people("satisfaction/test", signals[name])
        if name in behaviour:
            row["behaviour"] = run.people("behaviour/test", behaviour[name])
            row["behaviour of trained"] = np.where(trained, row["behaviour"], np.nan)
    return result


def counted(run, before, behaviour):
    """Rivals in numpy."""
    split, good = run.split, run.good("satisfaction")
    design = rivals.Design(run.dataset, split.fit)
    signals = {}
    if run.dataset.what:
        behaviour["popularity"] = rivals.popularity(run.dataset, split.fit, run.rows, run.good("behaviour"))
        signals["popularity"] = behaviour["popularity"]
        signals["item's rate"] = rivals.rate(run.dataset, split.answers, run.rows, good)
    signals["content, logistic"] = rivals.content(design, split.answers, run.rows, good, False)
    signals["two-way count"] = rivals.content(design, split.answers, run.rows, good, True)
    standard = (before - before.mean()) / (before.std() or 1)
    signals["two-way with the score"] = rivals.content(design, split.answers, run.rows, good, True, (standard[run.at["answers"]], standard))
    progress("counts done")
    return signals


def in_torch(run, tensors, metadata, before, budget, behaviour):
    """Rivals in PyTorch: scores before (0: none) and after."""
    try:
        import learned
    except ImportError:
        progress("MISSING: python3-torch, so no BPR and no mixing")
        return {}
    signals = {}
    if run.dataset.what:
        behaviour["BPR"] = learned.bpr(run.dataset, run.split.fit, run.rows, run.good("behaviour"), run.seed)
        signals["BPR"] = 0, behaviour["BPR"]
        progress("BPR done")
    network = learned.Network(tensors, float(metadata["alpha"]), inputs(run.dataset, tensors, metadata, run.rows), before)
    rehearsed, answers = (np.arange(run.at[k].start, run.at[k].stop) for k in ("rehearsed", "answers"))
    good = run.good("satisfaction")
    for name, lora in (("mixing, LoRA", True), ("mixing", False)):
        tried = []
        for weight in (1, 5):
            for score in network.mixed(answers, run.split.answers.label, rehearsed, run.rows.label, run.rows.user, weight, lora, run.seed):
                tried.append((good(budget.matched(score - before)[0.05]), -len(tried), score))
        signals[name] = before, max(tried, key=lambda t: t[:2])[2]
    progress("mixing done")
    return signals


def paper(run, behaviour):
    """DPO as published, on a model of its own; lambda2 by validation.  What it adds to its own score is what is added to easq's."""
    own = run.trained("paper", dict(run.options, **PAPER))
    before, = own.scores("easq_score")
    behaviour["DPO of the paper"] = before
    taught = run.all_taught(own, {strength: {"lambda2": strength} for strength in (1, 3)})
    own.open().drop()
    good = run.good("satisfaction")
    progress("DPO done")
    return before, rivals.best([t["ranking"] for t in taught.values()], good)
