"""Rivals that are learned step by step, in PyTorch: matrix factorisation (BPR), and answers mixed into the behaviour loss."""
import numpy as np
import torch
import torch.nn.functional as F

torch.set_num_threads(1)


class Pairs:
    """Pairs of a better and a worse row of one person."""

    def __init__(self, rows, users):
        self.user, everybody = rows.user, np.arange(users)
        worse = np.flatnonzero(rows.label == 0)
        self.worse = worse[np.argsort(rows.user[worse], kind="stable")]
        self.first = np.searchsorted(rows.user[self.worse], everybody)
        self.count = np.searchsorted(rows.user[self.worse], everybody, "right") - self.first
        better = np.flatnonzero(rows.label == 1)
        self.better = better[self.count[rows.user[better]] > 0]

    def epoch(self, rng):
        """Every better row once, in random order, with a random worse one."""
        better = rng.permutation(self.better)
        user = self.user[better]
        return better, self.worse[self.first[user] + (rng.random(len(user)) * self.count[user]).astype(int)]


def bpr(dataset, fit, rows, good, seed, epochs=40):
    """Rendle et al. 2009, with an item's bias; numbers, decay and epochs by validation."""
    pairs = Pairs(fit, dataset.users)
    user, item = torch.from_numpy(rows.user), torch.from_numpy(rows.item)
    kept = None
    for dim, decay in ((16, 0.003), (16, 0.01), (16, 0.03), (48, 0.01)):
        rng = np.random.default_rng([seed, dim])
        torch.manual_seed(seed)
        table = lambda n, d, scale: torch.nn.Parameter(torch.randn(n, d) * scale)
        P, Q, b = table(dataset.users, dim, 0.05), table(dataset.items, dim, 0.05), table(dataset.items, 1, 0)
        optimiser = torch.optim.Adagrad([P, Q, b], lr=0.05, initial_accumulator_value=1e-4)
        waited, here = 0, None
        for _ in range(epochs):
            one, zero = pairs.epoch(rng)
            for n in range(0, len(one), 2048):
                u, p, q = (torch.from_numpy(x) for x in (fit.user[one[n:n + 2048]], fit.item[one[n:n + 2048]], fit.item[zero[n:n + 2048]]))
                pu, qp, qq = P[u], Q[p], Q[q]
                apart = (pu * (qp - qq)).sum(1, keepdim=True) + b[p] - b[q]
                loss = -F.logsigmoid(apart).sum() + decay * ((pu ** 2).sum() + (qp ** 2).sum() + (qq ** 2).sum() + 0.1 * (b[p] ** 2 + b[q] ** 2).sum())
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
            with torch.no_grad():
                score = ((P[user] * Q[item]).sum(1) + b[item, 0]).numpy()
            value = good(score)
            if here is None or value > here + 1e-4:
                here, waited = value, 0
                if kept is None or value > kept[0]:
                    kept = value, score.copy()
            else:
                waited += 1
                if waited == 3:
                    break
    return kept[1]


# --------------------------------------------------------------- mixing
def main_logit(t, x, scale):
    """The main pathway of exported tensors."""
    h = x @ t["backbone.weight"].T + t["backbone.bias"]
    if scale:
        h = h + scale * (x @ t["lora_A.weight"].T) @ t["lora_B.weight"].T
    z = F.softplus(h)
    gate = F.relu(z @ t["main.gate.weight"].T + t["main.gate.bias"])
    expert = F.softplus(torch.einsum("bd,kmd->bkm", z, t["main.experts.weight"]) + t["main.experts.bias"])
    return (gate.unsqueeze(-1) * expert).sum(1) @ t["main.out.weight"] + t["main.out.bias"]


class Network:
    """A trained model's main pathway; what factors add to its logit stays as it was."""

    def __init__(self, tensors, alpha, x, before):
        self.tensors = {name: torch.from_numpy(t.copy()) for name, t in tensors.items() if name.startswith(("backbone.", "main.", "lora_"))}
        self.x = torch.from_numpy(np.ascontiguousarray(x, np.float32))
        self.scale = alpha / len(tensors["lora_A.weight"]) if "lora_A.weight" in tensors else 0
        # Training without answers leaves LoRA without effect: B is 0.
        with torch.no_grad():
            self.beside = torch.from_numpy(np.asarray(before, np.float32)) - main_logit(self.tensors, self.x, self.scale)

    def mixed(self, answers, said, rehearsed, label, groups, weight, lora, seed, passes=(1, 2, 4)):
        """Answers as pairs in the behaviour loss: scores after so many passes.

        answers, rehearsed: positions of rows; said, label: what they are; groups: whose each row is."""
        rng = np.random.default_rng([seed, 5])
        torch.manual_seed(seed)
        t = {name: p.clone().requires_grad_(name.startswith("main.") or bool(lora) and name.startswith("lora_")) for name, p in self.tensors.items()}
        optimiser = torch.optim.Adam([p for p in t.values() if p.requires_grad], lr=1e-3)
        scale = self.scale if lora else 0
        pairs = Rehearsal(rehearsed, label, groups)
        memory = {0: [], 1: []}
        own = {}
        for each in range(1, max(passes) + 1):
            for n in range(0, len(answers), 8):
                some = range(n, min(n + 8, len(answers)))
                better, worse = [], []
                for k in some:
                    row, y = answers[k], int(said[k])
                    mine = own.get((groups[row], 1 - y), [])
                    found = [mine[int(j)] for j in rng.integers(0, len(mine), 4)] if mine else []
                    others = memory[1 - y]
                    found += [others[int(j)] for j in rng.integers(0, len(others), 8 - len(found))] if others else []
                    better += [row] * len(found) if y else found
                    worse += found if y else [row] * len(found)
                    if each == 1:
                        own.setdefault((groups[row], y), []).append(row)
                        memory[y].append(row)
                up, down = pairs.draw(64, rng)
                rows = np.concatenate([up, down, better, worse]).astype(int)
                y = main_logit(t, self.x[rows], scale) + self.beside[rows]
                q, m = len(up), len(better)
                loss = -F.logsigmoid(y[:q] - y[q:2 * q]).mean()
                if m:
                    loss = loss - weight * F.logsigmoid(y[2 * q:2 * q + m] - y[2 * q + m:]).mean()
                optimiser.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_([p for p in t.values() if p.requires_grad], 1.0)
                optimiser.step()
            if each in passes:
                with torch.no_grad():
                    parts = [main_logit(t, x, scale) for x in self.x.split(16384)]
                    yield (torch.cat(parts) + self.beside).numpy()


class Rehearsal:
    """Behaviour pairs of positions of rows, to rehearse."""

    def __init__(self, rows, label, groups):
        self.better, self.worse = [], []
        rows = rows[np.argsort(groups[rows], kind="stable")]
        for group in np.split(rows, np.flatnonzero(np.diff(groups[rows])) + 1):
            one, zero = (group[label[group] == k] for k in (1, 0))
            if len(one) and len(zero):
                pairs = np.arange(max(len(one), len(zero)))
                self.better.append(one[pairs % len(one)])
                self.worse.append(zero[pairs % len(zero)])
        self.better, self.worse = np.concatenate(self.better), np.concatenate(self.worse)

    def draw(self, count, rng):
        which = rng.integers(0, len(self.better), count)
        return self.better[which], self.worse[which]
