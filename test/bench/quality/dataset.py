"""The sets: features, and which rows train, answer, validate and test."""
import csv
import json
import os
import re

import numpy as np

ANSWERED = 0.1      # of the labelled events of the implicit sets,
MOST = 6000         # but not more
VALIDATION = 0.4    # of the users, for what is chosen


class Rows:
    """Rows of a person and a thing with a label of 0 or 1."""

    def __init__(self, user, item, label):
        self.user, self.item, self.label = np.asarray(user, int), np.asarray(item, int), np.asarray(label, float)

    def __len__(self):
        return len(self.user)

    def __getitem__(self, which):
        return Rows(self.user[which], self.item[which], self.label[which])


class Split:
    """fit: behaviour to train on; answers: in their order; pool: who could be asked.

    behaviour and satisfaction: {"validation": Rows, "test": Rows}, rows that neither training nor an answer has."""

    def __init__(self, fit, answers, pool, behaviour, satisfaction):
        self.fit, self.answers, self.pool, self.behaviour, self.satisfaction = fit, answers, pool, behaviour, satisfaction


class Set:
    """person, thing: {column: (SQL type, list by id)}; `who` and `what` name the features that ids are; None: not to be used."""

    def __init__(self, name, features, person, thing, who, what):
        self.name, self.features, self.person, self.thing, self.who, self.what = name, features, person, thing, who, what
        self.users = max((len(values) for _, values in person.values()), default=0)
        self.items = len(next(iter(thing.values()))[1])


def table(*path):
    with open(os.path.join(*path), newline="") as file:
        rows = csv.reader(file)
        return next(rows), list(rows)


def shared_features(name):
    """Those of a set that other benches use too: the JSON in its SQL file."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", name + ".sql"), encoding="utf-8") as file:
        return json.loads(re.search(r"SELECT '(\[.*\])'::jsonb", file.read(), re.DOTALL).group(1))


def number(text):
    return float(text) if text != "" else None


def concatenate(*parts):
    return Rows(np.concatenate([p.user for p in parts]), np.concatenate([p.item for p in parts]), np.concatenate([p.label for p in parts]))


def by_user(rows, some_users):
    """Rows of validation and of test: people of their own each."""
    validation = some_users[rows.user]
    return {"validation": rows[validation], "test": rows[~validation]}


# ------------------------------------------------------------------ Coat
class Coat(Set):
    """Behaviour: chosen to rate or not.  Answers: the ratings of chosen coats.  Test of satisfaction: ratings of drawn coats."""

    def __init__(self, folder, name="coat"):
        one_hot = lambda file: [[float(x) for x in row[1:]] for row in table(folder, file)[1]]
        ratings = lambda file: np.array([[int(x) for x in row] for row in table(folder, file)[1]]).T
        super().__init__(name, shared_features("coat"), {"person": ("real[]", one_hot("users.csv"))}, {"looks": ("real[]", one_hot("items.csv"))},
                         "shopper", "coat")
        self.chosen, self.drawn = ratings("ratings_train.csv"), ratings("ratings_test.csv")

    def not_chosen(self):
        """Every pair that was neither chosen nor drawn."""
        free = np.ones((self.users, self.items), bool)
        for user, item, _ in (self.chosen, self.drawn):
            free[user, item] = False
        user, item = np.nonzero(free)
        return Rows(user, item, np.zeros(len(user)))

    def split(self, seed):
        """6 chosen coats a shopper and 90 others are held out, half of them for validation; ratings of drawn coats are the test."""
        rng = np.random.default_rng([seed, 1])
        user, item, rating = self.chosen
        chosen, other = Rows(user, item, np.ones(len(user))), self.not_chosen()
        place = lambda rows: rank_within(rows.user, rng)
        p, q = place(chosen), place(other)
        held = lambda low, high: concatenate(chosen[(p >= low * 3) & (p < high * 3)], other[(q >= low * 45) & (q < high * 45)])
        said = np.where(rating == 3, np.nan, rating > 3)
        rated = lambda rows, label: Rows(rows[0], rows[1], label)[~np.isnan(label)]
        answers = rated((user[p >= 6], item[p >= 6]), said[p >= 6])
        answers = answers[rng.permutation(len(answers))]
        test = np.where(self.drawn[2] == 3, np.nan, self.drawn[2] > 3)
        return Split(concatenate(chosen[p >= 6], other[q >= 90]), answers, answers,
                     {"validation": held(0, 1), "test": held(1, 2)},
                     {"validation": rated((user[p < 6], item[p < 6]), said[p < 6]), "test": rated(self.drawn, test)})

    def published(self, seed):
        """All ratings of chosen coats are answers, 3 and more satisfied; the test are all ratings of drawn coats."""
        rng = np.random.default_rng([seed, 2])
        user, item, rating = self.chosen
        answers = Rows(user, item, rating >= 3)[rng.permutation(len(user))]
        fit = concatenate(Rows(user, item, np.ones(len(user))), self.not_chosen())
        return fit, answers, Rows(self.drawn[0], self.drawn[1], self.drawn[2] >= 3)


def rank_within(group, rng):
    """Each row's place, from 0, in a random order of its group."""
    order = np.lexsort((rng.random(len(group)), group))
    place = np.empty(len(group), int)
    place[order] = np.arange(len(group)) - np.searchsorted(group[order], group[order])
    return place


# -------------------------------------------------------------- KuaiRand
class KuaiRand(Set):
    """A row of the log is a thing of its own: no video_id among the features, nor any count of it (see the data's README)."""

    def __init__(self, folder):
        head, log = table(folder, "log.csv")
        log.sort(key=lambda row: int(row[head.index("time_ms")]))
        at = {name: [row[head.index(name)] for row in log] for name in ("user_id", "time_ms", "duration_ms", "long_view", "answer")}
        head, people = table(folder, "users.csv")
        ids = {row[0]: n for n, row in enumerate(people)}
        column = lambda name, convert: [convert(row[head.index(name)]) for row in people]
        log_of = lambda text: float(np.log1p(float(text)))
        person = {"activity": ("text", column("user_active_degree", str)),
                  "registered": ("text", column("register_days_range", str)), "feat2": ("text", column("onehot_feat2", str)),
                  "feat7": ("text", column("onehot_feat7", str)), "follows": ("real", column("follow_user_num", log_of)),
                  "fans": ("real", column("fans_user_num", log_of))}
        length = [float(text or 0) for text in at["duration_ms"]]
        thing = {"hour": ("int", [(int(t) // 3600000 + 8) % 24 for t in at["time_ms"]]), "no_duration": ("bool", [x == 0 for x in length]),
                 "duration": ("real", [float(np.log1p(x)) if x else None for x in length])}
        super().__init__("kuairand", shared_features("kuairand"), person, thing, "viewer", None)
        self.rows = Rows([ids[u] for u in at["user_id"]], np.arange(len(log)), [int(x) for x in at["long_view"]])
        self.said = np.array([x == "satisfied" for x in at["answer"]], float)

    def split(self, seed):
        """By time: 70 % to train on, 15 % are answers, 15 % are for validation and test, of different viewers."""
        n = len(self.rows)
        fit, asked, late = np.arange(0, n * 70 // 100), np.arange(n * 70 // 100, n * 85 // 100), np.arange(n * 85 // 100, n)
        said = Rows(self.rows.user, self.rows.item, self.said)
        some = np.random.default_rng([seed, 3]).random(self.users) < VALIDATION
        return Split(self.rows[fit], said[asked], said[asked], by_user(self.rows[late], some), by_user(said[late], some))


# ------------------------------------------- people and things by their ids
class Implicit(Set):
    """Any folder with events.csv, users.csv, items.csv and meta.json of kind implicit: behaviour is an event against things without one, a few answers are known."""

    def __init__(self, folder, name):
        with open(os.path.join(folder, "meta.json"), encoding="utf-8") as file:
            meta = json.load(file)
        if meta["kind"] != "implicit":
            raise SystemExit(f"{name}: sets of kind {meta['kind']} have no split here")
        person, thing = (self.columns(folder, kind, meta[kind]) for kind in ("users", "items"))
        super().__init__(name, meta["features"], person, thing, "viewer", "item")
        head, events = table(folder, "events.csv")
        self.user, self.item = (np.array([int(row[head.index(c)]) for row in events]) for c in ("user_id", "item_id"))
        self.answer = np.array([float(row[head.index("answer")] or "nan") for row in events])
        self.users, self.negatives = max(self.users, self.user.max() + 1), meta["negatives"]
        self.known = np.unique(self.item)
        self.events = np.unique(self.user * self.items + self.item)

    @staticmethod
    def columns(folder, kind, wanted):
        head, rows = table(folder, kind + ".csv")
        result = {}
        for name, (sql, _) in wanted.items():
            values = [None] * (1 + max(int(row[0]) for row in rows))
            for row in rows:
                text = row[head.index(name)]
                values[int(row[0])] = number(text) if sql == "real" else [v for v in text.split("|") if v] if sql == "text[]" else text or None
            result[name] = sql, values
        return result

    def without_event(self, events, rng):
        """A few things for each event that its person has no event with, each once."""
        user = np.repeat(self.user[events], self.negatives)
        item = rng.choice(self.known, len(user))
        key = np.unique(user * self.items + item)
        key = key[~np.isin(key, self.events)]
        return Rows(key // self.items, key % self.items, np.zeros(len(key)))

    def split(self, seed):
        """70 % of each person's events to train on; some of all labelled events are answered; the rest, by person, validates and tests."""
        rng = np.random.default_rng([seed, 4])
        labelled = np.flatnonzero(~np.isnan(self.answer))
        asked = rng.permutation(labelled)[:min(MOST, int(ANSWERED * len(labelled)))]
        is_asked = np.zeros(len(self.user), bool)
        is_asked[asked] = True
        train = rank_within(self.user, rng) < 0.7 * np.bincount(self.user)[self.user]
        chosen = lambda events: Rows(self.user[events], self.item[events], np.ones(len(events)))
        said = lambda events: Rows(self.user[events], self.item[events], self.answer[events])
        fit, held = np.flatnonzero(train), np.flatnonzero(~train & ~is_asked)
        fit_rows = concatenate(chosen(fit), self.without_event(fit, rng))
        others = self.without_event(held, rng)
        others = others[~np.isin(others.user * self.items + others.item, fit_rows.user * self.items + fit_rows.item)]
        some = rng.random(self.users) < VALIDATION
        return Split(fit_rows, said(asked), said(labelled[train[labelled] | is_asked[labelled]]),
                     by_user(concatenate(chosen(held), others), some), by_user(said(held[~np.isnan(self.answer[held])]), some))


def load(name, folder):
    """The set, or None where its folder is absent."""
    where = os.path.join(folder, "coat" if name == "published" else name)
    if not os.path.isdir(where):
        return None
    if name in ("coat", "published"):
        return Coat(where, name)
    return KuaiRand(where) if name == "kuairand" else Implicit(where, name)
