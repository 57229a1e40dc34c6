"""What the way of answers does: how they arrive, how many they are, whom one asks.  Order of satisfaction on all unseen rows."""
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from table import jobs


def unseen(run, scores):
    """Of each person, on rows of validation and of test (on Coat a person has both)."""
    return np.concatenate([run.people("satisfaction/" + part, scores) for part in ("validation", "test")])


def arrivals(run):
    """{how: {"satisfaction": order by easq_satisfaction, "ranking": by easq_score, "seconds": ...}}"""
    base = run.trained("arrivals", run.options)
    answers = run.split.answers
    other = answers[np.random.default_rng([run.seed, 8]).permutation(len(answers))]
    variants = {"one by one": {}, "one by one, another order": {"answers": other}, "20 a statement": {"at_once": 20}, "one COPY": {"at_once": 0},
                "50 % of them": {"answers": answers[:len(answers) // 2]}, "25 % of them": {"answers": answers[:len(answers) // 4]}}
    made = run.all_taught(base, variants)
    base.open().drop()
    return {how: {"satisfaction": unseen(run, t["satisfaction"]), "ranking": unseen(run, t["ranking"]), "seconds": t["seconds"]} for how, t in made.items()}


ROUNDS, STATEMENT, CHOICE = 12, 20, 10


def at_random(rows, doubt):
    return np.arange(STATEMENT)


def unsure_first(rows, doubt):
    return np.argsort(-doubt, kind="stable")[:STATEMENT]


def unsurest_of_each(rows, doubt):
    """20 people, each asked about the row of theirs that is least sure: what is unsure of a person says nothing about the order of their rows."""
    order = np.argsort(-doubt, kind="stable")
    _, first = np.unique(rows.user[order], return_index=True)
    return np.sort(order[first])[:STATEMENT]


def asked(run, base, name, choose, size):
    """The curve of one way to choose 20 of 200 candidates, again and again: order by easq_satisfaction after each round."""
    rng = np.random.default_rng([run.seed, 9])
    copy = base.copy(run.database(name))
    copy.attach()
    pool, curve = run.split.pool, []
    left = np.arange(len(pool))
    for _ in range(ROUNDS):
        for _ in range(size // STATEMENT):
            candidates = rng.permutation(left)[:STATEMENT * CHOICE]
            doubt = None
            if choose is not at_random:
                copy.want(pool[candidates])
                doubt, = copy.scores("easq_uncertainty")
            now = candidates[choose(pool[candidates], doubt)]
            left = np.setdiff1d(left, now)
            copy.answer(pool[now], STATEMENT)
        copy.want(run.rows)
        curve.append(float(np.nanmean(unseen(run, copy.scores("easq_satisfaction")[0]))))
    copy.drop()
    return curve


WAYS = {"at random": at_random, "unsure first": unsure_first, "of each person the unsurest": unsurest_of_each}


def asking(run):
    """{way: [order after each round]}, and how many answers are a round."""
    base = run.trained("asking", run.options)
    base.close()
    size = min(200, len(run.split.pool) // (2 * ROUNDS)) // STATEMENT * STATEMENT
    with ThreadPoolExecutor(jobs()) as pool:
        waiting = {way: pool.submit(asked, run, base, f"asking_{n}", choose, size) for n, (way, choose) in enumerate(WAYS.items())}
        curves = {way: future.result() for way, future in waiting.items()}
    base.open().drop()
    return curves, size


def needed(curve, goal, size):
    """Answers until the curve reaches the goal, between rounds by proportion; None where it does not."""
    for n, value in enumerate(curve):
        if value >= goal:
            before = curve[n - 1] if n else 0.5
            return round(size * (n + (goal - before) / (value - before)))
    return None
