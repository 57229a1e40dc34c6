"""What people would do without easq, in numpy: counts, logistic regressions, popularity.

Each returns scores of all rows.  What there is to choose is chosen by `good`, a function of scores that looks at validation rows only."""
import numpy as np

from measures import logit, sigmoid


def best(candidates, good):
    """Of scores (or None) by setting the one that is best on validation rows."""
    return max(((good(score), -n, score) for n, score in enumerate(candidates)), key=lambda c: c[:2])[2]


def popularity(dataset, fit, rows, good):
    """A thing's smoothed share of chosen rows, or how often it was chosen."""
    chosen, shown = np.bincount(fit.item, fit.label, dataset.items), np.bincount(fit.item, minlength=dataset.items)
    shares = [(chosen + k * fit.label.mean()) / (shown + k) for k in (1, 5, 20)]
    return best([of_item[rows.item] for of_item in [*shares, np.log1p(chosen)]], good)


def rate(dataset, answers, rows, good):
    """SELECT item, (sum(satisfied) + k * mean) / (count(*) + k) GROUP BY item."""
    hits, count = np.bincount(answers.item, answers.label, dataset.items), np.bincount(answers.item, minlength=dataset.items)
    p = answers.label.mean()
    return best([logit((hits + k * p) / (count + k))[rows.item] for k in (1, 2, 5, 10, 20, 50)], good)


class Content:
    """What is known of a thing, and of a person: sparse rows (index, value), padded to one width."""

    def __init__(self, count, columns):
        cells = [[] for _ in range(count)]
        self.size = 0
        for kind, values in columns.values():
            if kind == "real":
                x = np.array([np.nan if v is None else v for v in values])
                x = np.nan_to_num((x - np.nanmean(x)) / (np.nanstd(x) or 1))
                self.add(cells, [[(0, v)] for v in x], 1)
            elif kind == "real[]":
                self.add(cells, [[(k, v) for k, v in enumerate(row) if v] for row in values], len(values[0]))
            else:
                members = [v if isinstance(v, list) else [] if v is None else [v] for v in values]
                names, times = np.unique([str(m) for v in members for m in v], return_counts=True)
                place = {name: k for k, name in enumerate(names[times > 2])}
                kept = [[place[str(m)] for m in dict.fromkeys(v) if str(m) in place] for v in members]
                self.add(cells, [[(k, 1 / len(v) ** 0.5) for k in v] for v in kept], len(place))
        width = max([1, *map(len, cells)])
        self.index, self.value = np.zeros((count, width), int), np.zeros((count, width))
        for n, cell in enumerate(cells):
            for k, (index, value) in enumerate(cell):
                self.index[n, k], self.value[n, k] = index, value

    def add(self, cells, parts, size):
        for cell, part in zip(cells, parts):
            cell.extend((self.size + k, v) for k, v in part)
        self.size += size


class Design:
    """Sparse inputs of a logistic regression: the thing, its content, how often it was chosen; with `respondent` the person and theirs."""

    def __init__(self, dataset, fit):
        self.dataset = dataset
        self.thing, self.person = Content(dataset.items, dataset.thing), Content(dataset.users, dataset.person)
        chosen = np.log1p(np.bincount(fit.item, fit.label, dataset.items))
        self.chosen = (chosen - chosen.mean()) / (chosen.std() or 1)

    def __call__(self, rows, respondent, score=None):
        """score: of the rows, one more input."""
        one = np.ones((len(rows), 1))
        parts = [(self.thing.index[rows.item], self.thing.value[rows.item], self.thing.size)]
        if self.dataset.what:
            parts += [(rows.item[:, None], one, self.dataset.items), (np.zeros((len(rows), 1), int), self.chosen[rows.item][:, None], 1)]
        if respondent:
            parts += [(rows.user[:, None], one, self.dataset.users), (self.person.index[rows.user], self.person.value[rows.user], self.person.size)]
        parts += [(np.zeros((len(rows), 1), int), column, 1) for column in ([] if score is None else [score[:, None]]) + [one]]
        start = np.cumsum([0] + [size for _, _, size in parts])
        return np.hstack([i + s for (i, _, _), s in zip(parts, start)]), np.hstack([v for _, v, _ in parts]), int(start[-1])


def logistic(index, value, size, label, l2):
    """Weights of least penalised loss, the last (the constant) hardly penalised: Newton's steps by conjugate gradients."""
    flat = index.ravel()
    forward = lambda w: (w[index] * value).sum(1)
    back = lambda r: np.bincount(flat, (value * r[:, None]).ravel(), size)
    penalty = np.full(size, float(l2))
    penalty[-1] = 1e-4
    w = np.zeros(size)
    for _ in range(20):
        p = sigmoid(forward(w))
        gradient, curve = back(p - label) + penalty * w, p * (1 - p)
        scale = np.bincount(flat, (value ** 2 * curve[:, None]).ravel(), size) + penalty
        step, left = np.zeros(size), -gradient
        direction = left / scale
        product = left @ direction
        for _ in range(50):
            along = back(curve * forward(direction)) + penalty * direction
            a = product / (direction @ along)
            step, left = step + a * direction, left - a * along
            further = left @ (left / scale)
            if further < 1e-8 * len(label):
                break
            direction, product = left / scale + further / product * direction, further
        w += step
        if np.abs(step).max() < 1e-3:
            break
    return w


PENALTIES = (0.5, 1, 2, 4, 8, 16, 32)


def fitted(design, answers, rows, respondent, l2, score=(None, None)):
    """Log-odds of rows by a logistic regression of answers; with the respondent's level beside it the two-way count; score: of both."""
    index, value, size = design(answers, respondent, score[0])
    w = logistic(index, value, size, answers.label, l2)
    index, value, _ = design(rows, respondent, score[1])
    return (w[index] * value).sum(1)


def content(design, answers, rows, good, respondent, score=(None, None)):
    """The same with the penalty that is best on validation rows."""
    return best([fitted(design, answers, rows, respondent, l2, score) for l2 in PENALTIES], good)
