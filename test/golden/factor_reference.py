#!/usr/bin/env python3
"""Reference of the factorisation beside the main pathway, and its golden cases (needs python3-numpy).

    test/golden/factor_reference.py

Obviously right rather than fast: products pair by pair, gradients by central differences, all in
double.  A case in factor/NAME is before.safetensors, after.safetensors (some steps of easq_train
later) and case.json.

A feature's (w, v) is the mean of the rows of its members (none: row 0), or its only row times the
standardised number (NULL: 0); vector features have none.
    u = sum_f w_f + sum_{f < g} v_f . v_g           main logit: pathway(z) + u
A step is one of lazy Adam on the mean of -log sigmoid(a+ - a-) over the pairs of the batch, for factors with
a = u, for the network with a = pathway(z) (or the softplus of these).  Backbone, main.* and embeddings are clipped together; a row of factors
gets, for each time that a row of the batch reads it, decay * v / pairs on its vector and a tenth of
that on its weight, a rate of its own and no clipping.  Rows that nobody read stay.
"""
import json
import os
import struct

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
FEATURES = [
    {"name": "viewer", "kind": "categorical", "size": 5, "dim": 3, "encoding": "index"},
    {"name": "age", "kind": "numeric"},
    {"name": "item", "kind": "categorical", "size": 9, "dim": 2},
    {"name": "looks", "kind": "vector", "dim": 2},
    {"name": "tags", "kind": "categorical", "size": 6, "dim": 2, "encoding": "index"},
]
MEAN, DEVIATION = 30.0, 8.0
# group, chosen, then the features; each group makes one pair
ROWS = [
    (1, True, 1, 41.0, "mule", (0.5, -1.0), (1, 2, 5)),
    (1, False, 1, 41.0, "owl", (0.0, 0.25), ()),
    (2, True, 3, None, "owl", (-0.75, 1.5), (4,)),
    (2, False, 3, None, "fox", None, (2, 2)),
    (3, False, None, 12.0, "mule", (1.0, 1.0), None),
    (3, True, None, 12.0, None, (0.125, 2.0), (5, 1)),
]
SHAPE = {"hidden": 6, "expert_hidden": 5, "experts": 2, "satisfaction_experts": 2, "rank": 2, "alpha": 3.0}
CASES = {   # name: factors, option pairwise, options of easq_train, steps
    "score": (4, "score", {"learning_rate": 0.01, "factor_rate": 0.03, "factor_decay": 0.5}, 5),
    "logit": (16, "logit", {"factor_decay": 0.02}, 4),
    "clipped": (1, "score", {"max_grad_norm": 0.01, "factor_decay": 0}, 4),
}


def softplus(x):
    return np.logaddexp(0, x)


def fnv1a64(text):
    h = 0xcbf29ce484222325
    for byte in text.encode():
        h = ((h ^ byte) * 0x100000001b3) % (1 << 64)
    return h


def members(feature, value):
    """Rows of the feature's table that the value reads."""
    if value is None or value == ():
        return [0]
    values = value if isinstance(value, tuple) else (value,)
    if feature.get("encoding") == "index":
        return list(values)
    return [1 + fnv1a64(v) % (feature["size"] - 1) for v in values]


def standardised(value):
    return 0.0 if value is None else (value - MEAN) / DEVIATION


def x_of(t, row):
    out = []
    for feature, value in zip(FEATURES, row[2:]):
        if feature["kind"] == "numeric":
            out.append([standardised(value)])
        elif feature["kind"] == "vector":
            out.append(value or [0.0] * feature["dim"])
        else:
            out.append(t[f"embedding.{feature['name']}.weight"][members(feature, value)].mean(0))
    return np.concatenate(out)


def u_of(t, row):
    parts = []
    for feature, value in zip(FEATURES, row[2:]):
        table = t.get(f"factor.{feature['name']}.weight")
        if feature["kind"] == "numeric":
            parts.append(table[0] * standardised(value))
        elif feature["kind"] == "categorical":
            parts.append(table[members(feature, value)].mean(0))
    return sum(p[0] for p in parts) + sum(p[1:] @ q[1:] for i, p in enumerate(parts) for q in parts[:i])


def pathway(t, name, z):
    g = np.maximum(t[name + ".gate.weight"] @ z + t[name + ".gate.bias"], 0)
    e = softplus(t[name + ".experts.weight"] @ z + t[name + ".experts.bias"])
    return (g @ e) @ t[name + ".out.weight"] + t[name + ".out.bias"][0]


def z_of(t, row, lora):
    return softplus(t["backbone.weight"] @ x_of(t, row) + t["backbone.bias"] + lora)


def lora_of(t, row):
    return SHAPE["alpha"] / SHAPE["rank"] * (t["lora_B.weight"] @ (t["lora_A.weight"] @ x_of(t, row)))


def logits(t, row):
    """(main, satisfaction) of a row."""
    z = z_of(t, row, lora_of(t, row))
    return pathway(t, "main", z) + u_of(t, row), pathway(t, "satisfaction", z)


def loss(t, pairwise, lora, factors):
    """Of factors or of the network, each by itself.  What lora adds is not moved: it is detached."""
    a = [u_of(t, r) if factors else pathway(t, "main", z_of(t, r, l)) for r, l in zip(ROWS, lora)]
    if pairwise == "score":
        a = [softplus(v) for v in a]
    margins = [(hi - lo) for hi, r in zip(a, ROWS) for lo, q in zip(a, ROWS) if r[0] == q[0] and r[1] and not q[1]]
    return np.mean([softplus(-m) for m in margins])


def gradients(t, pairwise):
    lora = [lora_of(t, r) for r in ROWS]
    out = {}
    for name, tensor in t.items():
        if name.startswith(("lora", "satisfaction")):
            continue
        out[name] = np.zeros_like(tensor)
        for i in np.ndindex(tensor.shape):
            was, h = tensor[i], 1e-5
            tensor[i] = was + h
            up = loss(t, pairwise, lora, name.startswith("factor"))
            tensor[i] = was - h
            down = loss(t, pairwise, lora, name.startswith("factor"))
            tensor[i] = was
            slope = (up - down) / (2 * h)
            out[name][i] = slope if abs(slope) > 1e-9 else 0.0
    return out


def reads(name):
    """How often the batch reads each row of a table."""
    feature, place = next((f, i) for i, f in enumerate(FEATURES) if f["name"] == name.split(".")[1])
    count = np.zeros(feature.get("size", 1))
    for row in ROWS:
        for m in [0] if feature["kind"] == "numeric" else members(feature, row[2 + place]):
            count[m] += 1
    return count


def step(t, state, options, pairwise):
    grads = gradients(t, pairwise)
    pairs = len({r[0] for r in ROWS})
    norm = np.sqrt(sum((g ** 2).sum() for n, g in grads.items() if not n.startswith("factor")))
    clip = min(1.0, options["max_grad_norm"] / (norm + 1e-6))
    state["step"] = state.get("step", 0) + 1
    for name, g in grads.items():
        rate, touched = options["learning_rate"], np.ones(t[name].shape, bool)
        if name.startswith("factor"):
            count = reads(name)[:, None]
            decay = np.full(t[name].shape[1], options["factor_decay"])
            decay[0] *= 0.1
            g, rate = g + decay * t[name] * count / pairs, options["factor_rate"]
        else:
            g = g * clip
        if name.startswith(("factor", "embedding")):
            touched = np.broadcast_to(reads(name)[:, None] > 0, g.shape)
        m, v = state.setdefault(name, (np.zeros_like(g), np.zeros_like(g)))
        m[touched] = (0.9 * m + 0.1 * g)[touched]
        v[touched] = (0.999 * v + 0.001 * g * g)[touched]
        move = rate * (m / (1 - 0.9 ** state["step"])) / (np.sqrt(v / (1 - 0.999 ** state["step"])) + 1e-8)
        t[name][touched] -= move[touched]


def random_model(rng, factors):
    d, m = SHAPE["hidden"], SHAPE["expert_hidden"]
    k = sum(f.get("dim", 1) for f in FEATURES)
    n = lambda *s, scale=1.0: rng.normal(0, scale, s)
    t = {"backbone.weight": n(d, k, scale=k ** -0.5), "backbone.bias": n(d, scale=0.1),
         "lora_A.weight": n(SHAPE["rank"], k, scale=k ** -0.5), "lora_B.weight": n(d, SHAPE["rank"], scale=0.1)}
    for name, experts in (("main", SHAPE["experts"]), ("satisfaction", SHAPE["satisfaction_experts"])):
        t[name + ".gate.weight"] = n(experts, d, scale=0.2)
        t[name + ".gate.bias"] = np.full(experts, 1.0 / experts)
        t[name + ".experts.weight"] = n(experts, m, d, scale=d ** -0.5)
        t[name + ".experts.bias"] = n(experts, m, scale=0.1)
        t[name + ".out.weight"] = n(m, scale=m ** -0.5)
        t[name + ".out.bias"] = np.zeros(1)
    for f in FEATURES:
        if f["kind"] == "categorical":
            t[f"embedding.{f['name']}.weight"] = n(f["size"], f["dim"], scale=0.5)
        if f["kind"] != "vector":
            t[f"factor.{f['name']}.weight"] = n(f.get("size", 1), 1 + factors, scale=0.3)
    return {name: x.astype(np.float32).astype(np.float64) for name, x in t.items()}


def save(path, tensors, metadata):
    header, blobs, offset = {"__metadata__": metadata}, [], 0
    for name in sorted(tensors):
        raw = tensors[name].astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensors[name].shape), "data_offsets": [offset, offset + len(raw)]}
        blobs.append(raw)
        offset += len(raw)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return f"'{value}'"
    if isinstance(value, tuple):
        return "'{" + ",".join(map(str, value)) + "}'"
    return str(value).lower()


def query():
    names = ["grp", "chosen"] + [f["name"] for f in FEATURES]
    casts = ["int", "boolean", "int", "float8", "text", "real[]", "int[]"]
    values = ",".join("(" + ",".join(map(literal, row)) + ")" for row in ROWS)
    columns = ",".join(f"{n}::{c}" for n, c in zip(names, casts))
    return f"SELECT {columns} FROM (VALUES {values}) t ({','.join(names)})"


def scores(t):
    both = [softplus(np.array(logits(t, row))) for row in ROWS]
    return {"score": [float(s[0]) for s in both], "satisfaction": [float(s[1]) for s in both]}


def main():
    for seed, (name, (factors, pairwise, given, steps)) in enumerate(CASES.items(), 1):
        folder = os.path.join(HERE, "factor", name)
        os.makedirs(folder, exist_ok=True)
        options = dict({"learning_rate": 1e-3, "factor_rate": 0.01, "factor_decay": 0.01, "max_grad_norm": 1.0}, **given)
        model_options = dict(SHAPE, factors=factors, pairwise=pairwise, behaviour_budget=1)
        metadata = {"features": json.dumps(FEATURES), "options": json.dumps(model_options),
                    "mean": json.dumps([MEAN]), "deviation": json.dumps([DEVIATION]), "trained": "true"}
        t = random_model(np.random.default_rng(seed), factors)
        case = {"query": query(), "options": dict(given, epochs=steps, held_share=0, value_dropout=0, level=False), "before": scores(t)}
        save(os.path.join(folder, "before.safetensors"), t, metadata)
        state = {}
        for _ in range(steps):
            step(t, state, options, pairwise)
        case["after"] = scores(t)
        save(os.path.join(folder, "after.safetensors"), t, metadata)
        with open(os.path.join(folder, "case.json"), "w") as f:
            json.dump(case, f, indent=1)
            f.write("\n")


main()
