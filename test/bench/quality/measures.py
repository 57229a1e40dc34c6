"""What is measured: order within a person, what a ranking costs, intervals over people."""
import numpy as np

DRAWS = 1000


def logit(p):
    return np.log(p) - np.log1p(-p)


def sigmoid(x):
    return 0.5 * (1 + np.tanh(0.5 * x))


class Order:
    """Of each person the share of (1, 0) pairs of rows in the right order, ties half; NaN where there is no such pair."""

    def __init__(self, rows, users):
        self.rows, self.users = rows, users
        self.ones = np.bincount(rows.user, rows.label, users)
        self.pairs = self.ones * (np.bincount(rows.user, minlength=users) - self.ones)

    def __call__(self, score):
        user = self.rows.user
        order = np.lexsort((score, user))
        u, s = user[order], np.asarray(score)[order]
        first = np.flatnonzero(np.r_[True, (u[1:] != u[:-1]) | (s[1:] != s[:-1])])
        size = np.diff(np.r_[first, len(u)])
        place = np.repeat(first + (size - 1) / 2, size) - np.searchsorted(u, u)     # of equals the mean
        below = np.bincount(u, place * self.rows.label[order], self.users) - self.ones * (self.ones - 1) / 2
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.pairs > 0, below / self.pairs, np.nan)


def auc(score, label):
    """Of all rows together."""
    whole = type("Whole", (), {"user": np.zeros(len(label), int), "label": np.asarray(label, float)})()
    return float(Order(whole, 1)(score)[0])


def cost(before, after):
    """G and the upper end of its one-sided 95 % interval, clustered by person (the ratio of two means, linearised)."""
    left = np.nanmean(before) - 0.5
    lost = before - after
    g = np.nanmean(lost) / left
    spread = np.nanstd(lost - g * (before - 0.5)) / left / np.sqrt((~np.isnan(lost)).sum())
    return g, g + 1.645 * spread


def weights(people):
    """How often each draw has each person."""
    return np.random.default_rng(7).multinomial(people, np.full(people, 1 / people), DRAWS)


def mean_of(values):
    """values [seeds, people]: the mean over seeds of the mean over people."""
    return float(np.nanmean(values, 1).mean())


def drawn_means(values, draws):
    """The same in each draw of people, the same people in all seeds."""
    there = ~np.isnan(values)
    return ((draws @ np.where(there, values, 0).T) / np.maximum(draws @ there.T, 1)).mean(1)


def interval(values, draws=None):
    """Of a mean or, where values are differences, of the paired difference: 95 %."""
    draws = weights(values.shape[1]) if draws is None else draws
    return tuple(np.percentile(drawn_means(values, draws), [2.5, 97.5]))


def cost_interval(before, after):
    """G over seeds and the upper end of its one-sided 95 % interval by the bootstrap."""
    draws = weights(before.shape[1])
    left, lost = mean_of(before) - 0.5, mean_of(before - after)
    ratio = drawn_means(before - after, draws) / (drawn_means(before, draws) - 0.5)
    return lost / left, float(np.percentile(ratio, 95))


def top(rows, score, k, users):
    """NDCG@k and Recall@k of each person as the published protocol has them: Recall of at most k rows, a person without a 1 counts as 1."""
    ndcg, recall = np.full(users, np.nan), np.full(users, np.nan)
    discount = 1 / np.log2(np.arange(2, k + 2))
    for user in np.unique(rows.user):
        mine = rows.user == user
        label = rows.label[mine]
        best = np.sort(label)[::-1][:k]
        got = label[np.argsort(-np.asarray(score)[mine], kind="stable")][:k]
        at = discount[:len(got)]
        ndcg[user] = (got * at).sum() / (best * at).sum() if best.any() else 1
        recall[user] = got.sum() / best.sum() if best.any() else 1
    return ndcg, recall


def calibration_error(probability, label, bins=15):
    """Expected calibration error, bins of equally many rows."""
    parts = np.array_split(np.argsort(probability, kind="stable"), bins)
    return float(sum(len(p) * abs(probability[p].mean() - label[p].mean()) for p in parts) / len(label))
