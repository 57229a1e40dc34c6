"""Coat by a published protocol: ratings of 3 and more are satisfied, all 290 shoppers, test rows that are training rows removed."""
import numpy as np

import rivals
from extension import Extension
from measures import auc, calibration_error, sigmoid, top
from table import progress

# CDR on MF-DR (CIKM 2023), its code run on the same rows
LINE = {"NDCG@5": 0.648, "NDCG@10": 0.715, "Recall@5": 0.668, "Recall@10": 0.819}


class Published:
    """The scores of easq and of counts for the rows of the test."""

    def __init__(self, dataset, seed, options, train_options):
        self.dataset, self.seed, self.options, self.train_options = dataset, seed, dict(options, seed=seed), train_options
        self.fit, self.answers, self.test = dataset.published(seed)

    def streamed(self, answers, rows, *functions):
        """Scores of rows after one answer at a time."""
        base = Extension("quality_published", self.dataset).create()
        base.model(self.options)
        base.train(self.fit, self.train_options)
        base.attach()
        base.answer(answers)
        base.want(rows)
        scores = base.scores(*functions)
        base.drop()
        progress("stream done")
        return scores

    def trained(self, *functions):
        """Scores of the test's rows after a training with all answers."""
        base = Extension("quality_published", self.dataset).create()
        base.model(self.options)
        base.train(self.fit, self.train_options, self.answers)
        base.want(self.test)
        scores = base.scores(*functions)
        base.drop()
        return scores

    def easq(self, *functions):
        """{how answers came: scores of the test's rows}"""
        return {"one answer at a time": self.streamed(self.answers, self.test, *functions), "easq_train with answers": self.trained(*functions)}

    def parts(self):
        """Four fifths of the answers, and the others: of the same people and the same origin, unlike the test's."""
        kept = np.random.default_rng([self.seed, 7]).random(len(self.answers)) >= 0.2
        return self.answers[kept], self.answers[~kept]

    def counts(self):
        """{name: log-odds of the test's rows by all answers, and of a fifth of the answers by the others}; that fifth chooses the penalty."""
        some, rest = self.parts()
        design = rivals.Design(self.dataset, self.fit)
        result = {}
        for name, respondent in (("content, logistic", False), ("two-way count", True)):
            tried = {l2: rivals.fitted(design, some, rest, respondent, l2) for l2 in rivals.PENALTIES}
            loss = lambda l2: -np.log(np.where(rest.label > 0, sigmoid(tried[l2]), sigmoid(-tried[l2]))).mean()
            l2 = min(tried, key=loss)
            result[name] = rivals.fitted(design, self.answers, self.test, respondent, l2), tried[l2]
        return result

    def rate(self):
        hits, count = (np.bincount(self.answers.item, w, self.dataset.items) for w in (self.answers.label, None))
        return ((hits + 3 * self.answers.label.mean()) / (count + 3))[self.test.item]


def measure(dataset, seed, options, train_options):
    """{row: {metric: value per shopper}}"""
    run = Published(dataset, seed, options, train_options)
    rows = {}
    for how, (ranking, satisfaction) in run.easq("easq_score", "easq_satisfaction").items():
        rows[f"easq_satisfaction, {how}"], rows[f"easq_score, {how}"] = satisfaction, ranking
    rows.update({name: score for name, (score, _) in run.counts().items()})
    rows["item's rate"] = run.rate()
    return {name: {f"{metric}@{k}": value for k in (5, 10) for metric, value in zip(("NDCG", "Recall"), top(run.test, score, k, dataset.users))}
            for name, score in rows.items()}


def probability(dataset, seed, options, train_options):
    """{row: (AUC over all rows of the test, expected calibration error there, and on a fifth of the answers after the others)}"""
    run = Published(dataset, seed, options, train_options)
    label, test, answers = run.test.label, run.test, run.answers
    some, rest = run.parts()
    within = {"one answer at a time": calibration_error(run.streamed(some, rest, "easq_probability")[0], rest.label)}
    result = {}
    for how, (p,) in run.easq("easq_probability").items():
        result[f"easq_probability, {how}"] = auc(p, label), calibration_error(p, label), within.get(how)
    for name, (score, left) in run.counts().items():
        result[name] = auc(score, label), calibration_error(sigmoid(score), label), calibration_error(sigmoid(left), rest.label)
    mean = lambda ids, count: (np.bincount(ids, answers.label, count) + answers.label.mean()) / (np.bincount(ids, minlength=count) + 1)
    both = mean(answers.user, dataset.users)[test.user] + mean(answers.item, dataset.items)[test.item]
    result["shopper's mean + coat's mean"] = auc(both, label), None, None
    return result
