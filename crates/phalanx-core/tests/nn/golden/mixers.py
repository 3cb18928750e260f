"""Golden numbers for the mixers, from the formulas, in PyTorch and double precision.

    python crates/phalanx-core/tests/nn/golden/mixers.py        (NumPy and PyTorch 2)

writes `mixers.json` beside this file, which `mixer_golden.rs` reads. Weights and inputs come
from an integer hash that the test repeats, so that the file holds results alone: for each case the
joint action values and, for one cotangent, the gradients of the utilities (or of the features, for
QTRAN) and of every weight. A linear layer computes `x W + b` with `W` `[input, output]`.
"""

import json
import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

ROWS, AGENTS, ACTIONS, STATE, INPUT, FEATURES = 4, 3, 4, 5, 6, 7
EMBED, HIDDEN = 6, 5


def hashed(seed, shape, scale=1.0):
    """Single precision numbers in `±scale` from an integer hash, as doubles."""
    values = []
    for i in range(1, math.prod(shape) + 1):
        x = (i * 2654435761 + seed * 40503) & 0xFFFFFFFF
        for _ in range(2):
            x ^= x >> 16
            x = (x * 0x045D9F3B) & 0xFFFFFFFF
        x ^= x >> 16
        values.append(np.float32(x / 4294967296.0 * 2.0 - 1.0) * np.float32(scale))
    return torch.tensor(np.array(values, dtype=np.float32).astype(np.float64)).reshape(shape)


class Weights:
    """Makes parameters on first use and remembers them by name, with their seeds."""

    def __init__(self, seed):
        self.first, self.tensors = seed, {}

    def parameter(self, name, shape):
        seed = self.first + len(self.tensors)
        self.tensors[name] = (seed, hashed(seed, shape).requires_grad_())
        return self.tensors[name][1]

    def linear(self, name, x, width):
        weight = self.parameter(f"{name}.weight", [x.shape[-1], width])
        return x @ weight + self.parameter(f"{name}.bias", [width])

    def mlp(self, name, x, hidden, width):
        for layer, size in enumerate(hidden):
            x = F.relu(self.linear(f"{name}.hidden.{layer}", x, size))
        return self.linear(f"{name}.output", x, width)


def inputs():
    """What a mixer may read; the last action is not available to the first agent."""
    utilities = hashed(1, [ROWS, AGENTS, ACTIONS], 3.0).requires_grad_()
    lowered = torch.zeros_like(utilities)
    lowered[:, 0, ACTIONS - 1] = -1e9
    actions = torch.tensor(
        [[(3 * row + 2 * agent) % (ACTIONS - 1) for agent in range(AGENTS)] for row in range(ROWS)]
    )
    return {
        "leaf": utilities,
        "chosen": utilities.gather(2, actions.unsqueeze(2)).squeeze(2),
        "largest": (utilities + lowered).max(2).values,
        "onehot": F.one_hot(actions, ACTIONS).double(),
        "state": hashed(2, [ROWS, STATE]),
        "agent_input": hashed(3, [ROWS, AGENTS, INPUT]),
    }


def vdn(_, x):
    return x["chosen"].sum(1, keepdim=True)


def qmix(positive, layers):
    def mix(w, x):
        q, s = x["chosen"], x["state"]

        def hypernetwork(name, width):
            hidden = F.relu(w.linear(f"{name}.hidden", s, HIDDEN)) if layers == 2 else s
            return positive(w.linear(f"{name}.output", hidden, width))

        weight_1 = hypernetwork("weight_1", AGENTS * EMBED).reshape(ROWS, AGENTS, EMBED)
        hidden = torch.einsum("ra,rae->re", q, weight_1) + w.linear("bias_1", s, EMBED)
        weight_2 = hypernetwork("weight_2", EMBED)
        value = w.linear("value_output", F.relu(w.linear("value_hidden", s, EMBED)), 1)
        return (F.elu(hidden) * weight_2).sum(1, keepdim=True) + value

    return mix


def qplex(kernels, layers, is_minus_one, weighted_head):
    def mix(w, x):
        q, best, s = x["chosen"], x["largest"], x["state"]
        if weighted_head:
            scale = w.mlp("scale", s, [HIDDEN], AGENTS).abs() + 1e-10
            shift = w.mlp("shift", s, [HIDDEN], AGENTS)
            q, best = scale * q + shift, scale * best + shift
        advantage = (q - best).detach()
        joint = torch.cat([s, x["onehot"].reshape(ROWS, -1)], 1)
        hidden = [HIDDEN] * (layers - 1)
        importance = 0.0
        for kernel in range(kernels):
            name = f"kernels.{kernel}"
            key = w.mlp(f"{name}.key", s, hidden, 1).abs() + 1e-10
            agents = torch.sigmoid(w.mlp(f"{name}.agents", s, hidden, AGENTS))
            actions = torch.sigmoid(w.mlp(f"{name}.actions", joint, hidden, AGENTS))
            importance = importance + key * agents * actions
        if is_minus_one:
            importance = importance - 1.0
        return (q + importance * advantage).sum(1, keepdim=True)

    return mix


def qatten(heads, weighted_head, state_bias):
    def mix(w, x):
        q, s = x["chosen"], x["state"]
        queries = [w.mlp(f"queries.{head}", s, [HIDDEN], EMBED) for head in range(heads)]
        keys = w.linear("keys", x["agent_input"], heads * EMBED)
        totals = []
        for head, query in enumerate(queries):
            key = keys[:, :, head * EMBED : (head + 1) * EMBED]
            score = torch.einsum("re,rae->ra", query, key) / math.sqrt(EMBED)
            totals.append((torch.softmax(score, 1) * q).sum(1))
        totals = torch.stack(totals, 1)
        if weighted_head:
            totals = totals * w.mlp("head_weights", s, [HIDDEN], heads).abs()
        total = totals.sum(1, keepdim=True)
        return total + w.mlp("state_bias", s, [HIDDEN], 1) if state_bias else total

    return mix


def unrestricted(w, x, name=""):
    joint = torch.cat([x["state"], x["chosen"]], 1)
    joint = w.mlp(f"{name}joint", joint, [EMBED] * 3, 1)
    return joint + w.mlp(f"{name}value", x["state"], [EMBED], 1)


def residual(non_positive):
    def mix(w, x):
        value = unrestricted(w, x, "network.")
        return -value.abs() if non_positive else value

    return mix


def qtran_joint(hidden_layers):
    def mix(w, x):
        x["leaf"] = hashed(4, [ROWS, AGENTS, FEATURES]).requires_grad_()
        pairs = torch.cat([x["leaf"], x["onehot"]], 2)
        width = pairs.shape[2]
        encoded = w.mlp("encoder", pairs, [width], width).sum(1)
        return w.mlp("joint", torch.cat([x["state"], encoded], 1), [EMBED] * hidden_layers, 1)

    return mix


def qtran_value(hidden_layers):
    def value(w, x):
        x["leaf"] = x["state"].requires_grad_()
        return w.mlp("value", x["leaf"], [EMBED] * hidden_layers, 1)

    return value


POSITIVE = {
    "absolute": torch.abs,
    "softplus": torch.nn.Softplus(beta=1.0),
    "sharp softplus": torch.nn.Softplus(beta=2.0),
    "quadratic": lambda x: 0.5 * x**2,
}

CASES = {
    "vdn": vdn,
    **{
        f"qmix {name} {layers}": qmix(positive, layers)
        for name, positive in POSITIVE.items()
        for layers in (1, 2)
    },
    "qplex 1": qplex(2, 1, True, True),
    "qplex 2": qplex(1, 2, True, False),
    "qplex 3": qplex(2, 3, False, True),
    "qatten": qatten(2, True, True),
    "qatten plain": qatten(3, False, False),
    "unrestricted": unrestricted,
    "residual": residual(True),
    "residual free": residual(False),
    "qtran joint small": qtran_joint(2),
    "qtran joint big": qtran_joint(3),
    "qtran value small": qtran_value(2),
    "qtran value big": qtran_value(3),
}


def numbers(tensor):
    return [float(f"{value:.9g}") for value in tensor.flatten().tolist()]


def run(index, case):
    weights, given = Weights(1000 * (index + 1)), inputs()
    values = case(weights, given)
    assert list(values.shape) == [ROWS, 1]
    (values * hashed(5, [ROWS, 1])).sum().backward()
    return {
        "values": numbers(values),
        "input_gradient": numbers(given["leaf"].grad),
        "weights": [
            {
                "name": name,
                "shape": list(tensor.shape),
                "seed": seed,
                "gradient": numbers(tensor.grad),
            }
            for name, (seed, tensor) in weights.tensors.items()
        ],
    }


def main():
    results = {name: run(index, case) for index, (name, case) in enumerate(CASES.items())}
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(results, separators=(",", ":")).replace('{"name"', '\n{"name"') + "\n")


if __name__ == "__main__":
    main()
