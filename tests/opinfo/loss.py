# ruff: noqa: E501 -- tables of samples read better unwrapped
"""Losses: pointwise, of class numbers and of class probabilities; one_hot."""

from __future__ import annotations

import numpy as np

from tests.opinfo import reference as r
from tests.opinfo.record import F, I, Operand, S, bad, op


def loss_samples(low=-2.0, high=2.0, t_low=-2.0, t_high=2.0, **extra):
    def samples(m):
        for reduction in (0, 1, 2):
            x, t = m(2, 3, low=low, high=high), m(2, 3, low=t_low, high=t_high)
            if m.grad:  # away from equal values, where |x - t| has its kink
                t = m.of(
                    t.values
                    + np.where(np.abs(x.values - t.values) < 0.1, 0.4, 0) * (1 if t_high > 1 else 0)
                )
            yield S(x, t, reduction=reduction, **extra)
        yield S(m(4, low=low, high=high), m(4, low=t_low, high=t_high), reduction=1, **extra)
        if not m.grad:
            yield S(m(0, low=low), m(0, low=t_low), reduction=2, **extra)

    return samples


def pointwise_loss(f):
    return lambda x, t, reduction=1, **k: r.reduced(f(x, t, **k), reduction)


def native(name):
    return lambda torch: getattr(torch._C._nn, name, None) or getattr(torch.ops.aten, name)


LOSS = {"tol": {"float16": (6e-3, 4e-3), "bfloat16": (4e-2, 4e-2)}}
SAME_SIZE = [
    bad(F(2, 3), F(2, 2), reduction=1, raises=RuntimeError, text="size|shape|broadcast|match")
]
op(
    "mse_loss",
    loss_samples(),
    pointwise_loss(lambda x, t: (x - t) ** 2),
    torch=native("mse_loss"),
    errors=SAME_SIZE,
    **LOSS,
)
op(
    "l1_loss",
    loss_samples(),
    pointwise_loss(lambda x, t: np.abs(x - t)),
    torch=native("l1_loss"),
    errors=SAME_SIZE,
    **LOSS,
)


def _smooth(x, t, beta=1.0):
    d = np.abs(x - t)
    return d if beta == 0 else np.where(d < beta, 0.5 * d * d / beta, d - 0.5 * beta)


op(
    "smooth_l1_loss",
    lambda m: [*loss_samples()(m), *loss_samples(beta=0.6)(m)],
    pointwise_loss(_smooth),
    torch=native("smooth_l1_loss"),
    errors=SAME_SIZE,
    **LOSS,
)
op("huber_loss", lambda m: [*loss_samples()(m), *loss_samples(delta=0.6)(m)],
   pointwise_loss(lambda x, t, delta=1.0: (lambda d: np.where(d < delta, 0.5 * d * d, delta * (d - 0.5 * delta)))(np.abs(x - t))), torch=native("huber_loss"),
   errors=SAME_SIZE, **LOSS)  # fmt: skip


def _weighted(f):
    return lambda x, t, weight=None, reduction=1, **k: r.reduced(
        f(x, t, **k) * (1 if weight is None else weight), reduction
    )


op("binary_cross_entropy", lambda m: [*loss_samples(0.1, 0.9, 0.1, 0.9)(m), S(m(2, 3, low=0.1, high=0.9), m(2, 3, low=0.1, high=0.9), m(3, low=0.5, high=2, grad=False), 1)],
   _weighted(lambda x, t: -(t * np.log(x) + (1 - t) * np.log(1 - x))), torch=native("binary_cross_entropy"),
   errors=[bad(F(2, 3), F(3, 2), raises=RuntimeError, text="size|shape", torch=False)], **LOSS)  # fmt: skip
op("binary_cross_entropy_with_logits", lambda m: [
    *loss_samples(-2, 2, 0.1, 0.9)(m), S(m(2, 3), m(2, 3, low=0.1, high=0.9), m(3, low=0.5, high=2, grad=False), None, 1),
    S(m(2, 3), m(2, 3, low=0.1, high=0.9), None, m(3, low=0.5, high=2, grad=False), 0),
], lambda x, t, weight=None, pos_weight=None, reduction=1: r.reduced(
    ((1 - t) * x + (1 + ((1 if pos_weight is None else pos_weight) - 1) * t) * np.logaddexp(0, -x)) * (1 if weight is None else weight), reduction),
   torch=lambda torch: torch.binary_cross_entropy_with_logits, errors=[bad(F(2, 3), F(2, 2), raises=RuntimeError, text="size|shape|match|broadcast")], **LOSS)  # fmt: skip


def _nll(x, t, weight=None, reduction=1, ignore_index=-100):
    if x.ndim == 1:
        x, t = x[None], np.reshape(t, (1,))
        squeeze = True
    else:
        squeeze = False
    w = np.ones(x.shape[1]) if weight is None else weight
    keep = t != ignore_index
    safe = np.where(keep, t, 0)
    each = -np.take_along_axis(x, np.expand_dims(safe, 1), 1).squeeze(1) * w[safe] * keep
    total = (w[safe] * keep).sum()
    if reduction == 0:
        return each[0] if squeeze else each
    return each.sum() / total if reduction == 1 else each.sum()


def class_samples(m):
    weight = m(4, low=0.5, high=2, grad=False)
    for reduction in (0, 1, 2):
        yield S(m(3, 4), m.index(3, below=4), None, reduction)
        yield S(m(3, 4), m.index(3, below=4), weight, reduction)
    yield S(m(3, 4), I(1, 2, 1), weight, 1, 1)
    yield S(m(3, 4), I(0, -100, 3), None, 1)
    yield S(m(4), Operand(np.array(2), "int64", False), None, 1)
    yield S(m(2, 4, 3), m.index(2, 3, below=4), weight, 1)
    if not m.grad:
        yield S(m(2, 4, 3, 2), m.index(2, 3, 2, below=4), weight, 0)
        yield S(m(33, 129), m.index(33, below=129), None, 1)


CLASS_ERRORS = [
    bad(F(3, 4), I(0, 4, 1), raises=IndexError, text="4|out of bounds|range"), bad(F(3, 4), I(0, -1, 1), raises=IndexError, text="-1|out of bounds|range"),
    bad(F(3, 4), I(0, 1), raises=ValueError, text="batch|size|shape|match"), bad(F(3, 4), I(0, 1, 2), F(3), raises=RuntimeError, text="weight"),
]  # fmt: skip


def torch_nll(torch):
    def f(x, t, weight=None, reduction=1, ignore_index=-100):
        return torch._C._nn.nll_loss_nd(x, t, weight, reduction, ignore_index)

    return f


op("nll_loss", class_samples, _nll, torch=torch_nll, errors=CLASS_ERRORS, **LOSS)


def _cross_entropy(x, t, weight=None, reduction=1, ignore_index=-100, label_smoothing=0.0):
    axis = 0 if x.ndim == 1 else 1
    log_p = r.log_softmax(x, axis)
    classes = x.shape[axis]
    if np.asarray(t).dtype.kind == "f":
        t = t * (1 - label_smoothing) + label_smoothing / classes
        shape = [1] * x.ndim
        shape[axis] = -1
        loss = -(t * log_p * (1 if weight is None else weight.reshape(shape))).sum(axis)
        return loss if reduction == 0 else loss.sum() / (loss.size if reduction == 1 else 1)
    hard = _nll(log_p, t, weight, reduction, ignore_index)
    if not label_smoothing:
        return hard
    w = np.ones(classes) if weight is None else weight
    shape = [1] * x.ndim
    shape[axis] = -1
    keep = np.asarray(t) != ignore_index
    smooth = -(log_p * w.reshape(shape)).sum(axis) * keep
    if reduction == 1:
        smooth = smooth.sum() / (w[np.where(keep, t, 0)] * keep).sum()
    elif reduction == 2:
        smooth = smooth.sum()
    return (1 - label_smoothing) * hard + label_smoothing / classes * smooth


def entropy_samples(m):
    yield from class_samples(m)
    weight = m(4, low=0.5, high=2, grad=False)
    for reduction in (0, 1, 2):
        yield S(m(3, 4), m.index(3, below=4), weight, reduction, -100, 0.1)
    yield S(m(3, 4), I(1, 2, 1), None, 1, 1, 0.2)
    yield S(m(3, 4), m.of(r.softmax(m(3, 4, dtype="float64").values, 1)), None, 1)
    yield S(
        m(3, 4),
        m.of(r.softmax(m(3, 4, dtype="float64").values, 1), grad=False),
        weight,
        0,
        -100,
        0.1,
    )


op("cross_entropy", entropy_samples, _cross_entropy, torch=lambda torch: torch._C._nn.cross_entropy_loss, errors=[
    *CLASS_ERRORS, bad(F(3, 4), I(0, 1, 2), label_smoothing=1.5, raises=RuntimeError, text="label_smoothing|1.5"),
], **LOSS)  # fmt: skip
op("kl_div", lambda m: [S(m(2, 3), m(2, 3, low=0.1, high=1), k) for k in (0, 1, 2)] + [S(m(2, 3), m(2, 3), 1, log_target=True)],
   lambda x, t, reduction=1, *, log_target=False: r.reduced(np.exp(t) * (t - x) if log_target else t * (np.log(t) - x), reduction),
   torch=lambda torch: torch.kl_div, **LOSS)  # fmt: skip
op("one_hot", lambda m: [S(m.index(5, below=4)), S(m.index(2, 3, below=4), 6), S(m.index(0, below=4), num_classes=3)],
   lambda x, num_classes=-1: np.eye(num_classes if num_classes >= 0 else x.max() + 1, dtype=np.int64)[x], dtypes=("int64",), result="int64", grad=False, errors=[
    bad(I(3), 2, raises=RuntimeError, text="smaller|num_classes|3"), bad(I(-1), raises=RuntimeError, text="negative|-1"), bad(F(2), raises=RuntimeError, text="int|index"),
])  # fmt: skip
