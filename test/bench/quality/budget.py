"""Rankings at equal cost: the score after training + w x a rival, w the largest whose bound of cost on validation pairs is within the budget."""
import numpy as np

from measures import cost

BUDGETS = (0.01, 0.02, 0.05, 0.10)
GRID = 0.005 * 1.15 ** np.arange(60)


class Budget:
    """before: scores of all rows after training; order: of validation rows, which are at `at`; who: the people that count."""

    def __init__(self, before, order, at, who):
        self.before, self.order, self.at, self.who = before, order, at, who
        self.start = order(before[at])

    def matched(self, rival):
        """The ranking for each budget: w grows until the bound is over it."""
        beside = (rival - rival.mean()) / (rival.std() or 1) * self.before.std()
        bounds = []
        for w in GRID:
            after = self.order((self.before + w * beside)[self.at])
            bounds.append(cost(self.start[self.who], after[self.who])[1])
            if bounds[-1] > max(BUDGETS):
                break
        within = lambda budget: next((k for k, bound in enumerate(bounds) if bound > budget), len(bounds))
        return {budget: self.before + (GRID[k - 1] if (k := within(budget)) else 0) * beside for budget in BUDGETS}
