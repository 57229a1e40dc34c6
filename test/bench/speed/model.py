"""The bench model as its peers have it: weights of a safetensors file, NumPy and PyTorch on top.

PL/Python imports this file too, so that the arithmetic of a peer is written once."""
import json
import struct

FEATURES = ("viewer", "video", "channel")
ALPHA = 8.0


def read_safetensors(raw):
    import numpy as np
    length = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + length])
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, tensor in header.items():
        begin, end = tensor["data_offsets"]
        tensors[name] = np.frombuffer(raw[8 + length + begin:8 + length + end], "<f4").reshape(tensor["shape"]).copy()
    return tensors, metadata


class NumpyModel:
    """As the reference writes it, and fused by hand: LoRA folded into the projection, gates and experts in one product."""

    def __init__(self, path):
        import numpy as np
        self.np = np
        with open(path, "rb") as file:
            t, metadata = read_safetensors(file.read())
        self.tensors = t
        self.embedding = [t["embedding.%s.weight" % name] for name in FEATURES]
        self.mean = np.array(json.loads(metadata["mean"]), np.float64)
        self.deviation = np.array(json.loads(metadata["deviation"]), np.float64)
        self.deviation[self.deviation == 0] = 1
        rank = len(t["lora_A.weight"])
        self.projection = (t["backbone.weight"] + ALPHA / rank * t["lora_B.weight"] @ t["lora_A.weight"]).astype(np.float32)
        self.projection_bias = t["backbone.bias"]
        self.experts, self.m, d = t["main.experts.weight"].shape
        self.stacked = np.concatenate([t["main.gate.weight"], t["main.experts.weight"].reshape(-1, d)])
        self.stacked_bias = np.concatenate([t["main.gate.bias"], t["main.experts.bias"].ravel()])
        self.out, self.out_bias = t["main.out.weight"], t["main.out.bias"]

    def softplus(self, x):
        np = self.np
        return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))

    def encode_row(self, viewer, video, channel, length, age):
        np, e = self.np, self.embedding
        x = np.empty(42, np.float32)
        x[:16] = e[0][viewer]
        x[16:32] = e[1][video]
        x[32:40] = e[2][channel]
        x[40] = (length - self.mean[0]) / self.deviation[0]
        x[41] = (age - self.mean[1]) / self.deviation[1]
        return x

    def score_row(self, *row):
        """The main pathway as the reference writes it."""
        np, t, x = self.np, self.tensors, self.encode_row(*row)
        h = t["backbone.weight"] @ x + t["backbone.bias"]
        h_lora = np.float32(ALPHA / len(t["lora_A.weight"])) * (t["lora_B.weight"] @ (t["lora_A.weight"] @ x))
        z = np.logaddexp(0, h + h_lora)
        g = np.maximum(t["main.gate.weight"] @ z + t["main.gate.bias"], 0)
        e = np.logaddexp(0, np.einsum("d,kmd->km", z, t["main.experts.weight"]) + t["main.experts.bias"])
        v = (g[:, None] * e).sum(0) @ self.out + self.out_bias[0]
        return float(np.logaddexp(0, v))

    def score_row_fused(self, *row):
        np, x = self.np, self.encode_row(*row)
        z = self.softplus(self.projection @ x + self.projection_bias)
        s = self.stacked @ z + self.stacked_bias
        gate = np.maximum(s[:self.experts], 0)
        v = gate @ self.softplus(s[self.experts:]).reshape(self.experts, self.m) @ self.out + self.out_bias[0]
        return float(self.softplus(v))

    def encode(self, viewer, video, channel, length, age):
        np, e = self.np, self.embedding
        x = np.empty((len(viewer), 42), np.float32)
        x[:, :16] = e[0][viewer]
        x[:, 16:32] = e[1][video]
        x[:, 32:40] = e[2][channel]
        x[:, 40] = (length - self.mean[0]) / self.deviation[0]
        x[:, 41] = (age - self.mean[1]) / self.deviation[1]
        return x

    def score(self, x, block=4096):
        np = self.np
        scores = np.empty(len(x), np.float32)
        for start in range(0, len(x), block):
            z = self.softplus(x[start:start + block] @ self.projection.T + self.projection_bias)
            s = z @ self.stacked.T + self.stacked_bias
            gate = np.maximum(s[:, :self.experts], 0)
            e = self.softplus(s[:, self.experts:]).reshape(-1, self.experts, self.m)
            v = (gate[:, None, :] @ e)[:, 0] @ self.out + self.out_bias
            scores[start:start + block] = self.softplus(v)
        return scores


class TorchModel:
    """Both pathways as the reference writes them, and the main one alone with products fused by hand."""

    def __init__(self, numpy_model):
        import torch
        torch.set_num_threads(1)
        self.torch = torch
        self.functional = torch.nn.functional
        self.t = {name: torch.from_numpy(value) for name, value in numpy_model.tensors.items()}
        self.projection_t = torch.from_numpy(numpy_model.projection).T.contiguous()
        self.stacked_t = torch.from_numpy(numpy_model.stacked).T.contiguous()
        self.stacked_bias = torch.from_numpy(numpy_model.stacked_bias)
        self.projection_bias = self.t["backbone.bias"]
        self.experts, self.m = numpy_model.experts, numpy_model.m

    def pathway(self, t, name, z):
        torch, F = self.torch, self.functional
        g = F.relu(z @ t[name + ".gate.weight"].T + t[name + ".gate.bias"])
        e = F.softplus(torch.einsum("bd,kmd->bkm", z, t[name + ".experts.weight"]) + t[name + ".experts.bias"])
        return (g.unsqueeze(-1) * e).sum(1) @ t[name + ".out.weight"] + t[name + ".out.bias"]

    def logits(self, t, x, pathways=("main", "satisfaction")):
        """As in the reference, stop-gradients included."""
        F = self.functional
        h = x @ t["backbone.weight"].T + t["backbone.bias"]
        scale = ALPHA / t["lora_A.weight"].shape[0]
        h_lora = scale * (x.detach() @ t["lora_A.weight"].T) @ t["lora_B.weight"].T
        z = {"main": lambda: h + h_lora.detach(), "satisfaction": lambda: h.detach() + h_lora}
        return [self.pathway(t, name, F.softplus(z[name]())) for name in pathways]

    def both(self, x, block=4096):
        torch, F = self.torch, self.functional
        with torch.no_grad():
            parts = [self.logits(self.t, x[start:start + block]) for start in range(0, len(x), block)]
            return F.softplus(torch.cat([main for main, _ in parts]))

    def fused(self, x, block=4096):
        torch, F = self.torch, self.functional
        scores = torch.empty(len(x))
        with torch.no_grad():
            for start in range(0, len(x), block):
                z = F.softplus(torch.addmm(self.projection_bias, x[start:start + block], self.projection_t))
                s = torch.addmm(self.stacked_bias, z, self.stacked_t)
                gate = F.relu(s[:, :self.experts])
                e = F.softplus(s[:, self.experts:]).view(-1, self.experts, self.m)
                v = torch.bmm(gate.unsqueeze(1), e).squeeze(1) @ self.t["main.out.weight"] + self.t["main.out.bias"]
                scores[start:start + block] = F.softplus(v)
        return scores
