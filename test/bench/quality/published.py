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

    def easq(self, *functions):
        """{how answers came: scores of functions}."""
        base = Extension("quality_published", self.dataset).create()
        base.model(self.options)
        base.train(self.fit, self.train_options)
        stream = base.copy("quality_published_stream")
        stream.attach()
        stream.answer(self.answers)
        stream.want(self.test)
        result = {"one answer at a time": stream.scores(*functions)}
        stream.drop()
        progress("stream done")
        base.open().drop()
        whole = Extension("quality_published", self.dataset).create()
        whole.model(self.options)
        whole.train(self.fit, self.train_options, self.answers)
        whole.want(self.test)
        result["easq_train with answers"] = whole.scores(*functions)
        whole.drop()
        progress("training with answers done")
        return result

    def counts(self):
        """Logits of counts, what there is to choose by a fifth of the answers, then with all of them."""
        kept = np.random.default_rng([self.seed, 7]).random(len(self.answers)) >= 0.2
        some, rest = self.answers[kept], self.answers[~kept]
        design = rivals.Design(self.dataset, self.fit)
        result = {}
        for name, respondent in (("content, logistic", False), ("two-way count", True)):
            loss = {}
            for l2 in rivals.PENALTIES:
                p = sigmoid(rivals.fitted(design, some, rest, respondent, l2))
                loss[l2] = -np.log(np.where(rest.label > 0, p, 1 - p)).mean()
            result[name] = rivals.fitted(design, self.answers, self.test, respondent, min(loss, key=loss.get))
        hits, count = (np.bincount(self.answers.item, w, self.dataset.items) for w in (self.answers.label, None))
        result["item's rate"] = ((hits + 3 * self.answers.label.mean()) / (count + 3))[self.test.item]
        return result


def measure(dataset, seed, options, train_options):
    """{row: {metric: value per shopper}}"""
    run = Published(dataset, seed, options, train_options)
    rows = {}
    for how, (ranking, satisfaction) in run.easq("easq_score", "easq_satisfaction").items():
        rows[f"easq_satisfaction, {how}"], rows[f"easq_score, {how}"] = satisfaction, ranking
    rows.update(run.counts())
    return {name: {f"{metric}@{k}": value for k in (5, 10) for metric, value in zip(("NDCG", "Recall"), top(run.test, score, k, dataset.users))}
            for name, score in rows.items()}


def probability(dataset, seed, options, train_options):
    """{row: (AUC over all rows of the test, expected calibration error)}"""
    run = Published(dataset, seed, options, train_options)
    label, test, answers = run.test.label, run.test, run.answers
    result = {}
    for how, (p,) in run.easq("easq_probability").items():
        result[f"easq_probability, {how}"] = auc(p, label), calibration_error(p, label)
    for name, score in run.counts().items():
        if name != "item's rate":
            result[name] = auc(score, label), calibration_error(sigmoid(score), label)
    mean = lambda ids, count: ((np.bincount(ids, answers.label, count) + answers.label.mean()) / (np.bincount(ids, minlength=count) + 1))
    both = mean(answers.user, dataset.users)[test.user] + mean(answers.item, dataset.items)[test.item]
    result["shopper's mean + coat's mean"] = auc(both, label), None
    return result
