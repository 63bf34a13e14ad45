# ruff: noqa: E501 -- tables of samples read better unwrapped
"""Recurrent layers and cells: lstm, gru, rnn_tanh, rnn_relu and their single steps."""

from __future__ import annotations

import numpy as np

from tests.opinfo.record import COMPLEX, INTS, F, I, S, bad, op

TOL = {"float16": (1e-2, 1e-2), "bfloat16": (4e-2, 6e-2), "float32": (5e-5, 2e-5)}
TORCH_TOL = {"float16": (2e-2, 2e-2), "bfloat16": (0.1, 0.2)}  # PyTorch rounds at every step
WITHOUT = (*INTS, "bool", *COMPLEX)
GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def step(kind, x, state, w_ih, w_hh, b_ih=0.0, b_hh=0.0, w_hr=None):
    """The new state, a list, whose first part is the output."""
    xs, hs = x @ w_ih.T + b_ih, state[0] @ w_hh.T + b_hh
    if kind == "gru":
        (xr, xz, xn), (hr, hz, hn) = np.split(xs, 3, -1), np.split(hs, 3, -1)
        z = sigmoid(xz + hz)
        return [(1 - z) * np.tanh(xn + sigmoid(xr + hr) * hn) + z * state[0]]
    if kind == "lstm":
        i, f, g, o = np.split(xs + hs, 4, -1)
        c = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        return [h if w_hr is None else h @ w_hr.T, c]
    return [np.tanh(xs + hs) if kind == "rnn_tanh" else np.maximum(xs + hs, 0)]


def layer(kind, rows, sizes, first, weights, reverse):
    """Rows sorted by time, `sizes` of them per step."""
    starts, state = np.cumsum([0, *sizes]), [part.copy() for part in first]
    outputs = [None] * len(sizes)
    for t in range(len(sizes))[:: -1 if reverse else 1]:
        n = sizes[t]
        new = step(kind, rows[starts[t] : starts[t + 1]], [p[:n] for p in state], *weights)
        for part, values in zip(state, new, strict=True):
            part[:n] = values
        outputs[t] = new[0]
    return np.concatenate(outputs), state


def stack(kind):
    def run(x, *rest):
        sizes = None
        if not isinstance(rest[0], list) and rest[0].dtype == np.int64:
            sizes, rest = rest[0].tolist(), rest[1:]
        hx, params, biases, layers, _, _, both, *batch_first = rest
        hx = hx if kind == "lstm" else [hx]
        if sizes is None:
            x = x.swapaxes(0, 1) if batch_first[0] else x
            steps, batch = x.shape[:2]
            rows = x.reshape(steps * batch, -1)
        else:
            rows, steps, batch = x, 0, 0
        directions, last = 1 + both, []
        each = len(params) // (layers * directions)
        for n in range(layers):
            outputs = []
            for d in range(directions):
                at = n * directions + d
                weights = params[at * each : (at + 1) * each]
                if not biases and each == 3:
                    weights = [*weights[:2], 0.0, 0.0, weights[2]]
                first = [part[at] for part in hx]
                out, state = layer(kind, rows, sizes or [batch] * steps, first, weights, d == 1)
                outputs.append(out)
                last.append(state)
            rows = np.concatenate(outputs, -1)
        out = rows if sizes else rows.reshape(steps, batch, -1)
        if sizes is None and batch_first[0]:
            out = out.swapaxes(0, 1)
        return (out, *(np.stack(parts) for parts in zip(*last, strict=True)))

    return run


def params(m, kind, features, hidden, layers=1, directions=1, biases=True, projected=0):
    rows, out = GATES[kind] * hidden, projected or hidden
    result = []
    for n in range(layers):
        for _ in range(directions):
            width = features if n == 0 else out * directions
            # Small enough that a network with ReLU does not grow from step to step.
            for n_in in (width, out):
                result.append(m(rows, n_in, low=-1.5 * n_in**-0.5, high=1.5 * n_in**-0.5))
            result += [m(rows, low=-1, high=1) for _ in range(2 * biases)]
            result += [m(projected, hidden, low=-1, high=1)] if projected else []
    return result


def stack_samples(kind):
    def state(m, count, batch, hidden, projected=0):
        h = m(count, batch, projected or hidden, low=-1, high=1)
        return [h, m(count, batch, hidden, low=-1, high=1)] if kind == "lstm" else h

    def samples(m):
        yield S(m(2, 1, 1), state(m, 1, 1, 1), params(m, kind, 1, 1), True, 1, 0.0, False, False,
                False)  # fmt: skip
        yield S(m(1, 2, 2), state(m, 1, 1, 2), params(m, kind, 2, 2, biases=False)[:2], False, 1,
                0.0, False, False, True)  # fmt: skip
        yield S(m(3, 1), I(2, 1), state(m, 2, 2, 1), params(m, kind, 1, 1, 1, 2, False), False, 1,
                0.0, False, True)  # fmt: skip
        if kind == "lstm":
            yield S(m(2, 1, 1), state(m, 1, 1, 2, 1), params(m, kind, 1, 2, projected=1), True, 1,
                    0.0, False, False, False)  # fmt: skip
        if m.grad:
            return
        for batch_first in (False, True):
            yield S(m(5, 4, 3), state(m, 4, 4 if not batch_first else 5, 7),
                    params(m, kind, 3, 7, 2, 2), True, 2, 0.0, False, True, batch_first)  # fmt: skip
        # about the kernel's panels of 8, 16 and 32 units
        for hidden in (31, 33, 70):
            yield S(m(4, 3, 5), state(m, 1, 3, hidden), params(m, kind, 5, hidden), True, 1, 0.0,
                    False, False, False)  # fmt: skip
        yield S(m(9, 5), I(4, 3, 1, 1), state(m, 4, 4, 9), params(m, kind, 5, 9, 2, 2), True, 2,
                0.0, False, True)  # fmt: skip
        if kind == "lstm":
            yield S(m(6, 3, 5), state(m, 2, 3, 9, 4),
                    params(m, kind, 5, 9, 1, 2, projected=4), True, 1, 0.0, False, True, False)  # fmt: skip

    return samples


def stack_errors(kind):
    def call(x, h, weights, *rest):
        hx = [F(*h), F(*h)] if kind == "lstm" else F(*h)
        return (
            F(*x),
            hx,
            [F(*s) for s in weights],
            False,
            *(rest or (1, 0.0, False, False, False)),
        )

    rows = GATES[kind] * 2
    good = [(rows, 3), (rows, 2)]
    dropped = (1, 2.0, False, False, False)
    yield bad(
        *call((4, 1, 5), (1, 1, 2), good),
        raises=RuntimeError,
        text="input_size|input.size",
        torch=False,
    )
    yield bad(*call((4, 3), (1, 1, 2), good), raises=RuntimeError, text="dimension", torch=False)
    yield bad(*call((0, 1, 3), (1, 1, 2), good), raises=RuntimeError, text="larger than 0")
    yield bad(*call((4, 2, 3), (1, 1, 2), good), raises=RuntimeError, text="hidden", torch=False)
    yield bad(*call((4, 1, 3), (2, 1, 2), good), raises=RuntimeError, text="hidden", torch=False)
    yield bad(*call((4, 1, 3), (1, 1, 2), good[:1]), raises=RuntimeError, text="parameters", torch=False)  # fmt: skip
    yield bad(*call((4, 1, 3), (1, 1, 2), [(rows, 3), (rows, 3)]), raises=RuntimeError, text="weight_hh|shape", torch=False)  # fmt: skip
    yield bad(*call((4, 1, 3), (1, 1, 2), good, *dropped), raises=RuntimeError, text="between 0 and 1", torch=False)  # fmt: skip
    for sizes, text in ((I(1, 2), "do not grow"), (I(2, 0), "above 0"), (I(2, 2), "rows")):
        hx = [F(1, 2, 2), F(1, 2, 2)] if kind == "lstm" else F(1, 2, 2)
        yield bad(F(3, 3), sizes, hx, [F(rows, 3), F(rows, 2)], False, 1, 0.0, False, False,
                  raises=RuntimeError, text=text, torch=False)  # fmt: skip


def cell(kind):
    def run(x, hx, *weights):
        biases = [0.0 if b is None else b for b in weights[2:]]
        new = step(kind, x, hx if kind == "lstm" else [hx], *weights[:2], *biases)
        return tuple(new) if kind == "lstm" else new[0]

    return run


def cell_samples(kind):
    def samples(m):
        def state(*shape):
            return [m(*shape), m(*shape)] if kind == "lstm" else m(*shape)

        yield S(m(2, 1), state(2, 1), *params(m, kind, 1, 1))
        yield S(m(2), state(1), *params(m, kind, 2, 1, biases=False))
        if not m.grad:
            yield S(m(1, 32), state(1, 17), *params(m, kind, 32, 17))
            yield S(m(33, 5), state(33, 40), *params(m, kind, 5, 40))
            yield S(m(0, 5), state(0, 4), *params(m, kind, 5, 4))

    return samples


def cell_errors(kind):
    rows = GATES[kind] * 2
    state = lambda *s: [F(*s), F(*s)] if kind == "lstm" else F(*s)  # noqa: E731
    yield bad(F(1, 4), state(1, 2), F(rows, 3), F(rows, 2), raises=RuntimeError, text="input_size|inconsistent|input has")  # fmt: skip
    yield bad(F(1, 3), state(2, 2), F(rows, 3), F(rows, 2), raises=RuntimeError, text="hidden|batch")  # fmt: skip
    yield bad(F(1, 3), state(1, 2), F(rows, 3), F(rows, 2), F(1), raises=RuntimeError, text="bias_ih", torch=False)  # fmt: skip
    yield bad(F(1, 1, 3), state(1, 2), F(rows, 3), F(rows, 2), raises=RuntimeError, text="dimension", torch=False)  # fmt: skip


def torch_cell(name):
    """PyTorch's op takes batches only; its modules unsqueeze, as we do in the op."""

    def of(torch):
        def run(x, hx, *weights):
            f = getattr(torch, name)
            if x.dim() != 1:
                return f(x, hx, *weights)
            new = f(x[None], [h[None] for h in hx] if isinstance(hx, list) else hx[None], *weights)
            return tuple(t[0] for t in new) if isinstance(new, tuple) else new[0]

        return run

    return of


common = {"tol": TOL, "torch_tol": TORCH_TOL, "without": WITHOUT}
for name in GATES:
    op(name, stack_samples(name), stack(name), ties=False, errors=stack_errors(name), **common)
    op(f"{name}_cell", cell_samples(name), cell(name), torch=torch_cell(f"{name}_cell"),
       errors=cell_errors(name), **common)  # fmt: skip
